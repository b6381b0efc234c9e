"""Measure tracking on rendered films, from image to id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bags.camera_tf import read_camera_poses
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.tracking.ground_velocity import ground_velocities, velocity_errors
from unihpe_ros.bench.tracking.tracking_benchmark import (
    ByteTrack,
    count_image,
    IN_SIGHT,
    SAME_IOU,
    Tracked,
    TrackingScore,
)
from unihpe_ros.core import boxes
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.detector import Detector
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.kinematics.person_motion import PeopleMotion
from unihpe_ros.metrics.hota import HotaMeter
from unihpe_ros.metrics.tracking import TrackingMeter

FILM_RATE = 15.0  # 1/s
# Margins of a body around its keypoints: left, top, right and bottom, as shares of the height
# (means over the generator's walkers).
_AROUND = (-0.06, -0.01, 0.06, 0.09)
# Scores of the detector from which ByteTrack begins a track, and from which it prefers a box.
_SURE = (0.3, 0.25)
_LEAST = 0.1  # Of a box that ByteTrack gets.
# Time out of sight, s, after which a person has to be found again.
_AWAY = 1.0
_ROOT, _UP = UNION.index('pelvis'), np.array([0.0, -1.0, 0.0])

OnFrame = Callable[[int, NDArray[np.uint8], NDArray[np.float32], Tracked], object]


class Watcher(Protocol):
    """Tracker that reads images."""

    @property
    def velocities(self) -> Mapping[int, NDArray[np.float64]]:
        """``(3,)`` m/s by id, over the ground, along the camera's axes at the last picture."""

    def __call__(self, image: NDArray[np.uint8], camera: Camera, stamp: float) -> Tracked:
        """Take in the next picture, ``(H, W, 3)`` BGR, taken at a time, s."""


class OurWatcher:
    """
    The estimator with the settings of the node.

    Parameters
    ----------
    estimator : PoseEstimator
        Forgets everybody first.
    camera_poses : Iterable[NDArray[np.float64]], optional
        ``(4, 4)`` world_from_camera of each picture; the camera is taken to stand still without.

    """

    def __init__(
        self,
        estimator: PoseEstimator,
        camera_poses: Iterable[NDArray[np.float64]] | None = None,
    ) -> None:
        self.velocities: dict[int, NDArray[np.float64]] = {}
        self._estimator = estimator
        self._poses = iter(camera_poses or repeat(np.eye(4)))
        self._motion = PeopleMotion()
        estimator.reset()

    def __call__(self, image: NDArray[np.uint8], camera: Camera, stamp: float) -> Tracked:
        """Return the ids and boxes in the next picture, see `Watcher`."""
        pose = next(self._poses)
        poses = self._estimator.estimate(
            image, camera, stamp, stream='film', world_from_camera=pose
        )
        seen = poses.observed.any(-1)
        self._measure(poses, stamp, pose)
        return poses.track_ids[seen], whole_bodies(poses.boxes[seen], camera)

    def _measure(self, poses: Poses, stamp: float, pose: NDArray[np.float64]) -> None:
        """Take the velocities that the topic people would have."""
        seen = poses.observed.any(-1, keepdims=True)
        roots = np.where(seen, poses.keypoints_3d[:, _ROOT], np.nan)
        frame: NDArray[np.float64] = np.linalg.inv(pose).astype(np.float64)
        ids = poses.track_ids.tolist()
        states, _ = self._motion.update(
            ids, roots, stamp, np.zeros(3), _UP, frame_from_world=frame
        )
        self.velocities = dict(zip(ids, states[:, 3:], strict=True))


class WatchingByteTrack:
    """
    ByteTrack on the detections of each image.

    The shipped detector's scores hardly reach ByteTrack's own thresholds, 0.7 and 0.6, with which
    it would follow nobody.

    Parameters
    ----------
    detector : Detector
        Finds people.

    """

    velocities: Mapping[int, NDArray[np.float64]] = MappingProxyType({})

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._tracker = ByteTrack(FILM_RATE, _SURE)

    def __call__(self, image: NDArray[np.uint8], camera: Camera, stamp: float) -> Tracked:
        """Return the ids and boxes in the next picture, see `Watcher`."""
        found = self._detector.detect(image, _LEAST)
        return self._tracker.follow(found.boxes, found.scores)


@dataclass
class FilmScore(TrackingScore):
    """
    Tracking metrics summed over films.

    Parameters
    ----------
    name, counts, minutes
        See `unihpe_ros.bench.tracking.tracking_benchmark.TrackingScore`.
    nobody : int
        Number of ids that never matched a true person.
    delays : list[float]
        Time until each person who came into sight was found, s.
    seconds : list[float]
        What each picture took, s.
    hotas : list[float]
        HOTA of each film, by the overlap of boxes.
    velocity_errors : list[float]
        Error of the velocity over the ground of each person who was found, m/s.

    """

    nobody: int = 0
    delays: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    hotas: list[float] = field(default_factory=list)
    velocity_errors: list[float] = field(default_factory=list)

    @property
    def nobody_per_minute(self) -> float:
        """False ids per minute: ids given where there is no person."""
        return self.nobody / self.minutes

    @property
    def found(self) -> float:
        """Share of the true people who were found."""
        return self.counts.hits / max(self.counts.truths, 1)

    @property
    def delay(self) -> float:
        """Median of the delays, s; NaN if nobody was found."""
        return float(np.median(self.delays)) if self.delays else float('nan')

    @property
    def hota(self) -> float:
        """Mean HOTA of the films; NaN without any."""
        return float(np.mean(self.hotas)) if self.hotas else float('nan')

    def velocity_error(self, percentile: float) -> float:
        """Return a percentile of the errors of velocities, m/s; NaN without any."""
        errors = self.velocity_errors
        return float(np.percentile(errors, percentile)) if errors else float('nan')

    @property
    def milliseconds(self) -> float:
        """Median time per image, ms."""
        return 1e3 * float(np.median(self.seconds))

    def record(self) -> dict[str, Any]:
        """Return the figures by their names in a report."""
        return {
            **super().record(),
            'found': self.found,
            'hota': self.hota,
            'nobody_per_minute': self.nobody_per_minute,
            'first_seen_after_s': self.delay,
            'ms_per_image': self.milliseconds,
            'velocity_error_median': self.velocity_error(50),
            'velocity_error_p95': self.velocity_error(95),
        }


def whole_bodies(places: NDArray[np.floating], camera: Camera) -> NDArray[np.float32]:
    """``(N, 4)`` Boxes around bodies, by those around keypoints, cut to the picture; px."""
    heights = places[:, 3:] - places[:, 1:2]
    return boxes.clip(places + heights * np.array(_AROUND), (camera.width, camera.height))


def follow_film(
    watcher: Watcher,
    path: Path,
    score: FilmScore,
    on_frame: OnFrame = lambda *_: None,
) -> None:
    """
    Follow the people of a film.

    Parameters
    ----------
    watcher : Watcher
        The tracker.
    path : Path
        A recording with the truth about them.
    score : FilmScore
        Where it is added to.
    on_frame : Callable
        Called after each picture with its number, itself, the true boxes and who was found.

    Raises
    ------
    BagError
        If the recording cannot be read.
    ValueError
        If it lacks the truth or the camera.

    """
    film = BagReader(path)
    truth, camera = film.truth(), film.camera
    if truth is None or camera is None:
        raise ValueError(f'{path}: expected a recording with the true people and the camera')
    velocities = ground_velocities(truth, read_camera_poses(film))
    meter, hota, spells = TrackingMeter(1 - SAME_IOU), HotaMeter(), _Spells()
    real: set[int] = set()
    told: set[int] = set()
    first = stamp = 0.0
    for number, (stamp_ns, image) in enumerate(film.frames()):
        stamp = 1e-9 * stamp_ns
        first = stamp if number == 0 else first
        begun = perf_counter()
        ids, places = watcher(image, camera, stamp)
        score.seconds.append(perf_counter() - begun)
        people = truth[stamp_ns]
        true = whole_bodies(boxes.around(people.keypoints_2d), camera)
        wanted = people.observed.mean(-1) >= IN_SIGHT
        found = count_image(meter, true, wanted, ids, places)
        overlap = boxes.iou(true, places)
        # A track on a barely visible person counts neither as right nor as wrong.
        counts = ~(overlap[~wanted].max(0, initial=0.0) > SAME_IOU)
        hota.add(people.track_ids[wanted], ids[counts], overlap[wanted][:, counts])
        spells.add(stamp, people.track_ids, wanted, found)
        score.velocity_errors += velocity_errors(
            velocities.get(stamp_ns, {}), watcher.velocities, people.track_ids, found
        )
        told.update(ids.tolist())
        real.update(ids[boxes.iou(places, true).max(1, initial=0.0) > SAME_IOU].tolist())
        on_frame(number, image, true, (ids, places))
    score.counts += meter.result()
    score.hotas.append(hota.result().hota)
    score.minutes += (stamp - first + 1 / FILM_RATE) / 60
    score.nobody += len(told - real)
    score.delays += spells.delays


class _Spells:
    """Times from when people come into sight until they are found, s."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self._seen: dict[int, float] = {}
        self._waiting: dict[int, float] = {}

    def add(
        self,
        stamp: float,
        people: Iterable[int],
        wanted: NDArray[np.bool_],
        found: dict[int, int],
    ) -> None:
        for row, person in enumerate(people):
            if wanted[row]:
                if stamp - self._seen.get(person, -np.inf) > _AWAY:
                    self._waiting[person] = stamp
                self._seen[person] = stamp
            if row in found and person in self._waiting:
                self.delays.append(stamp - self._waiting.pop(person))
