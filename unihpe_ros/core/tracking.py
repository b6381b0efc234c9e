"""
Who is who from frame to frame.

Each person's keypoints say where to crop the next frame. A new person is tentative until a crop
around the keypoints of the last look agrees with it; only then an id is given. A confirmed person
who is not seen keeps moving for a while before the track ends.

"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.metrics import oks
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.sightings import Sightings
from unihpe_ros.core.skeleton import COCO_17, Skeleton

_SAME_OKS = 0.5  # Two sightings this alike are one person.
_SAME_IOU = 0.75  # As above, for a rough first sighting, whose keypoints are not yet exact.
_AGREEING_IOU = 0.6  # A look that overlaps the one before this much confirms a person.
_TENTATIVE_LOOKS = 5  # Looks after which a person who never agreed with themselves is dropped.
_PERSON_SHARE = 0.6  # Share of a box that its person covers, for the scale of OKS.
_VELOCITY_GAIN = 0.5
_VELOCITY_FADE = 0.3  # s in which an unseen person's velocity falls to 1/e.
_SHRINK_TIME = 0.2  # s in which a box may shrink to 1/e: one bad frame must not collapse it.
_LEAST_STEP = 1e-3  # s; no velocity is read from a shorter step.
_LEAST_IN_VIEW = 0.1  # Share of its box below which a person has left the picture.


@dataclass
class Track:
    """A person over time. The id is 0 while tentative; the stamp is the last sighting's."""

    box: Array
    keypoints: Array
    scores: Array
    stamp: float
    velocity: Array
    id: int = 0
    looks: int = 0
    seen: bool = True

    def move(self, seconds: float) -> None:
        """Carry the person along."""
        shift = self.velocity * seconds
        self.keypoints = self.keypoints + shift
        self.box = self.box + np.tile(shift, 2)
        if not self.seen:
            self.velocity = self.velocity * np.exp(-seconds / _VELOCITY_FADE)
        self.seen = False

    def see(self, row: int, sightings: Sightings, stamp: float, threshold: float) -> None:
        """Take over a sighting: velocity as an alpha-beta filter, box with limited shrinkage."""
        keypoints, scores = sightings.keypoints_2d[row], sightings.scores[row]
        step = stamp - self.stamp
        if self.id and step > _LEAST_STEP:
            both = (scores >= threshold) & (self.scores >= threshold)
            both &= np.isfinite(keypoints).all(-1) & np.isfinite(self.keypoints).all(-1)
            if both.any():
                surprise = _middle(keypoints[both] - self.keypoints[both])
                self.velocity = self.velocity + _VELOCITY_GAIN * surprise / step
        box = sightings.boxes[row]
        if self.id:
            least = (self.box[2:] - self.box[:2]) * np.exp(-max(step, 0.0) / _SHRINK_TIME)
            middle = 0.5 * (box[:2] + box[2:])
            half = 0.5 * np.maximum(box[2:] - box[:2], least)
            box = np.concatenate([middle - half, middle + half])
        self.box, self.keypoints, self.scores, self.stamp = box, keypoints, scores, stamp
        self.seen = True


class Tracker:
    """
    Tracks by prediction: every person is looked for where they should be.

    Parameters
    ----------
    skeleton : Skeleton
        The keypoint set.

    """

    def __init__(self, skeleton: Skeleton) -> None:
        self.tracks: list[Track] = []
        self._coco = COCO_17.indices_in(skeleton)
        self._stamp = -np.inf
        self._ids = 0

    def reset(self) -> None:
        """Forget everybody; ids are not given again."""
        self.tracks = []
        self._stamp = -np.inf

    def predict(self, stamp: float, size: tuple[int, int], timeout: float) -> NDArray[np.float32]:
        """
        Return where the known people should be.

        Parameters
        ----------
        stamp : float
            Time of the frame, s.
        size : tuple[int, int]
            (w, h) of the image, px.
        timeout : float
            Nobody is carried further than in this time, s.

        Returns
        -------
        NDArray[np.float32]
            ``(T, 4)`` boxes cut to the image, px.

        """
        for track in self.tracks:
            track.move(min(stamp - self._stamp, timeout))
        self._stamp = stamp
        predicted = self._boxes()
        visible = boxes.clip(predicted, size)
        stays = boxes.area(visible) > _LEAST_IN_VIEW * boxes.area(predicted)
        self.tracks = [track for track, stay in zip(self.tracks, stays, strict=True) if stay]
        return visible[stays]

    def update(self, sightings: Sightings, settings: EstimatorSettings) -> NDArray[np.uint32]:
        """
        Take in what the frame showed.

        Parameters
        ----------
        sightings : Sightings
            Only those that show somebody.
        settings : EstimatorSettings
            How many people there may be, what counts as observed and when a track ends.

        Returns
        -------
        NDArray[np.uint32]
            ``(G,)`` id of each sighting; 0 for tentative people and duplicates.

        """
        ids = np.zeros(len(sightings.sources), np.uint32)
        known = list(self.tracks)
        fits = self._fits(sightings)
        for row in self._without_duplicates(sightings, fits, settings.score_threshold):
            source = sightings.sources[row]
            if source >= 0:
                whole = not sightings.cut[row]
                self._identify(known[source], agrees=whole and fits[row] > _AGREEING_IOU)
                known[source].see(row, sightings, self._stamp, settings.score_threshold)
                ids[row] = known[source].id
            elif len(self.tracks) < settings.max_people:
                self._start(row, sightings)
        living = [track for track in self.tracks if self._lives(track, settings)]
        self.tracks = living[: settings.max_people]
        return ids

    @property
    def knows_anybody(self) -> bool:
        """Whether anybody is confirmed."""
        return any(track.id for track in self.tracks)

    def coasting(self) -> list[int]:
        """Return the ids of confirmed people who were not seen in the last frame."""
        return [track.id for track in self.tracks if track.id and not track.seen]

    def _boxes(self) -> NDArray[np.float32]:
        """``(T, 4)`` boxes of all tracks, px."""
        return np.array([track.box for track in self.tracks], np.float32).reshape(-1, 4)

    def _fits(self, sightings: Sightings) -> NDArray[np.float64]:
        """``(G,)`` how well sightings agree with what their tracks foresaw; 0 without a track."""
        fits = np.zeros(len(sightings))
        tracked = np.flatnonzero(sightings.sources >= 0)
        overlap = boxes.iou(self._boxes(), sightings.boxes[tracked])
        fits[tracked] = overlap[sightings.sources[tracked], np.arange(len(tracked))]
        return fits

    def _without_duplicates(
        self, sightings: Sightings, fits: NDArray[np.float64], threshold: float
    ) -> list[int]:
        """Return the rows that stay: confirmed people first, then by how well they fit."""
        if not len(sightings):
            return []
        confirmed = [source >= 0 and self.tracks[source].id > 0 for source in sightings.sources]
        tracked = sightings.sources >= 0
        merit = sightings.scores.mean(1) / 10 + fits + tracked + 2 * np.array(confirmed)
        same = self._alike(sightings, threshold) > _SAME_OKS
        overlapping = boxes.iou(sightings.boxes, sightings.boxes) > _SAME_IOU
        same |= overlapping & ~(tracked[:, None] & tracked[None])
        kept: list[int] = []
        for row in np.argsort(-merit, kind='stable').tolist():
            if not same[row, kept].any():
                kept.append(row)
        return kept

    def _alike(self, sightings: Sightings, threshold: float) -> NDArray[np.float64]:
        """``(G, G)`` OKS of every pair over the keypoints that both show; 0 without any."""
        keypoints = sightings.keypoints_2d[:, self._coco]
        shown = sightings.scores[:, self._coco] >= threshold
        extent = _PERSON_SHARE * boxes.area(sightings.boxes)
        extent = np.maximum(extent[:, None], extent[None])
        both = shown[:, None] & shown[None]
        return np.nan_to_num(oks(keypoints[:, None], keypoints[None], extent, both))

    def _identify(self, track: Track, *, agrees: bool) -> None:
        """Give a tentative person an id if a look at all of them agrees with the last one."""
        track.looks += 1
        if agrees and not track.id:
            self._ids += 1
            track.id = self._ids

    def _start(self, row: int, sightings: Sightings) -> None:
        self.tracks.append(
            Track(
                box=sightings.boxes[row],
                keypoints=sightings.keypoints_2d[row],
                scores=sightings.scores[row],
                stamp=self._stamp,
                velocity=np.zeros(2),
            )
        )

    def _lives(self, track: Track, settings: EstimatorSettings) -> bool:
        if not track.id:
            return track.seen and track.looks < _TENTATIVE_LOOKS
        return track.seen or self._stamp - track.stamp <= settings.track_timeout


def _middle(values: Array) -> Array:
    """Return the (upper) median along the first axis; np.median is slow on a few numbers."""
    return np.sort(values, axis=0)[len(values) // 2]
