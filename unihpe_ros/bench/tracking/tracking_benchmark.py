"""Measure tracking of simulated people: our tracker, and ByteTrack on the same boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bench.tracking.simulated_detector import Found, sense, true_boxes
from unihpe_ros.bench.tracking.simulated_people import walk_about
from unihpe_ros.core import boxes
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.metrics.tracking import TrackingCounts, TrackingMeter

CAMERA = Camera.from_fov(640, 480, math.radians(60))
FRAME_RATE = 30.0  # 1/s
# IoU of the boxes from which a true and a found person match.
SAME_IOU = 0.5
# Visible share below which true people need not be found.
IN_SIGHT = 0.25

# Ids ``(N,)`` and boxes ``(N, 4)`` px.
Tracked = tuple[NDArray[np.integer], NDArray[np.floating]]


class Follower(Protocol):
    """Tracker: maps detections at a time, s, to ids and boxes."""

    def __call__(self, found: Found, stamp: float) -> Tracked:
        """Take in the next picture's finds."""


@dataclass
class TrackingScore:
    """
    Tracking metrics.

    Parameters
    ----------
    name : str
        Who followed them.
    counts : TrackingCounts
        Sums over all sequences.
    minutes : float
        Length of all sequences together.

    """

    name: str
    counts: TrackingCounts = field(default_factory=TrackingCounts)
    minutes: float = 0.0

    @property
    def switches_per_minute(self) -> float:
        """Id switches per minute."""
        return self.counts.switches / self.minutes

    def record(self) -> dict[str, Any]:
        """Return the figures by their names in a report."""
        return {
            'tracker': self.name,
            'mota': self.counts.mota,
            'idf1': self.counts.idf1,
            'switches_per_minute': self.switches_per_minute,
            'minutes': self.minutes,
            **asdict(self.counts),
        }


class OurTracker:
    """
    The estimator in lifting mode.

    Parameters
    ----------
    estimator : PoseEstimator
        Forgets everybody first.

    """

    name = 'unihpe_ros'

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator
        estimator.reset()

    def __call__(self, found: Found, stamp: float) -> Tracked:
        """Return ids and boxes for the next detections, see `Follower`."""
        poses = self._estimator.lift(
            found.keypoints, found.scores, CAMERA, stamp, skeleton=UNION, stream='bench'
        )
        seen = poses.observed.any(-1)
        return poses.track_ids[seen], poses.boxes[seen]


class ByteTrack:
    """
    ByteTrack (Zhang et al. 2022) as the package trackers has it, with its own defaults.

    Parameters
    ----------
    rate : float
        Pictures per second.
    thresholds : tuple[float, float], optional
        Scores from which a box begins a track, and from which it is preferred.

    """

    name = 'ByteTrack'

    @staticmethod
    def is_installed() -> bool:
        """Whether both packages are there."""
        return all(find_spec(name) for name in ('trackers', 'supervision'))

    def __init__(
        self, rate: float = FRAME_RATE, thresholds: tuple[float, float] | None = None
    ) -> None:
        from supervision import Detections
        from trackers import ByteTrackTracker

        self._detections = Detections
        names = ('track_activation_threshold', 'high_conf_det_threshold')
        chosen = dict(zip(names, thresholds, strict=True)) if thresholds else {}
        self._tracker = ByteTrackTracker(frame_rate=rate, **chosen)

    def __call__(self, found: Found, stamp: float) -> Tracked:
        """Return ids and boxes for the next detections, see `Follower`."""
        return self.follow(found.boxes, found.confidence)

    def follow(self, places: NDArray[np.floating], confidence: NDArray[np.floating]) -> Tracked:
        """Return the tracks after the next image's ``(G, 4)`` boxes, px, and ``(G,)`` scores."""
        tracked = self._tracker.update(
            self._detections(
                xyxy=places.astype(np.float32).reshape(-1, 4),
                confidence=confidence.astype(np.float32),
                class_id=np.zeros(len(places), int),
            )
        )
        if not len(tracked):
            return np.zeros(0, int), np.zeros((0, 4))
        ids = np.asarray(tracked.tracker_id, int)
        return ids[ids >= 0], np.asarray(tracked.xyxy)[ids >= 0]


def follow_crowds(
    make: Callable[[], Follower],
    name: str,
    seeds: Iterable[int],
    seconds: float,
    on_frame: Callable[[], object] = lambda: None,
) -> TrackingScore:
    """
    Follow generated people.

    Parameters
    ----------
    make : Callable[[], Follower]
        Makes a new tracker for each sequence.
    name : str
        Of the one who follows.
    seeds : Iterable[int]
        One sequence of 3 to 6 people for each.
    seconds : float
        Length of each sequence.
    on_frame : Callable[[], object]
        Called after each picture.

    """
    total, minutes = TrackingCounts(), 0.0
    for seed in seeds:
        follower, meter = make(), TrackingMeter(1 - SAME_IOU)
        rng = np.random.default_rng([seed, 1])
        for scene in walk_about(people_of(seed), seconds, FRAME_RATE, seed, CAMERA):
            true, share = true_boxes(scene, CAMERA)
            ids, places = follower(sense(scene, CAMERA, rng), scene.stamp)
            count_image(meter, true, share >= IN_SIGHT, ids, places)
            on_frame()
        total += meter.result()
        minutes += seconds / 60
    return TrackingScore(name, total, minutes)


def people_of(seed: int) -> int:
    """Return how many people a sequence has: 3, 4, 5 or 6."""
    return 3 + seed % 4


def count_image(
    meter: TrackingMeter,
    true: NDArray[np.floating],
    wanted: NDArray[np.bool_],
    ids: NDArray[np.integer],
    places: NDArray[np.floating],
) -> dict[int, int]:
    """
    Count an image; people hardly in sight are neither false negatives nor false positives.

    Parameters
    ----------
    meter : TrackingMeter
        Where it is counted.
    true : NDArray
        ``(M, 4)`` px.
    wanted : NDArray[np.bool_]
        ``(M,)`` whether a true person has to be found.
    ids, places : NDArray
        ``(N,)`` and ``(N, 4)`` px, who was found.

    Returns
    -------
    dict[int, int]
        Row of a true person to the id that they were found under.

    """
    overlap = boxes.iou(true, places)
    good = overlap[wanted].max(0, initial=0.0) > SAME_IOU
    excused = overlap[~wanted].max(0, initial=0.0) > SAME_IOU
    kept = good | ~excused
    rows, found = np.flatnonzero(wanted), ids[kept].tolist()
    pairs = meter.add((rows + 1).tolist(), found, 1 - overlap[wanted][:, kept])
    return {int(rows[m]): int(found[n]) for m, n in pairs}
