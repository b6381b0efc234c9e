"""One camera's images over time: where to look next, and who was seen."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.people import People
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.reports import coast, join, report
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.shot import Shot
from unihpe_ros.core.sightings import person_scores, sight, Sightings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.core.tracking import Tracker
from unihpe_ros.detector import PersonDetector
from unihpe_ros.engines.branches import Looks

# s in which the scores of a person who is not seen fall to 1/e.
_SCORE_FADE = 0.25
# A box that overlaps a known person's this much is that person's.
_EXPLAINED_IOU = 0.5


class Stream:
    """
    Who is known in the images of one camera.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h) of the crops, px.
    padding : float
        How much larger than its box a crop is.
    detector : PersonDetector
        Finds newcomers.

    Attributes
    ----------
    forget : bool
        Set to forget everybody before the next image; any thread may.

    """

    def __init__(self, size: tuple[int, int], padding: float, detector: PersonDetector) -> None:
        self.forget = False
        self._size, self._padding = size, padding
        self._detector = detector
        self._tracker = Tracker(UNION)
        self._people = People(UNION)
        self._last = Poses.empty(UNION)
        self._stamp = -math.inf
        self._picture = (0, 0)
        self._undetected = 0

    def step(self, stamp: float, size: tuple[int, int]) -> None:
        """Start over if time jumped back, the picture has another size or it was asked for."""
        if self.forget or stamp < self._stamp or size != self._picture:
            self._tracker.reset()
            self._people.keep(set())
            self._last = Poses.empty(UNION)
            self.forget = False
            self._stamp = -math.inf
        self._picture = size

    def aim(self, shot: Shot, settings: EstimatorSettings) -> tuple[NDArray[np.intp], Crops]:
        """
        Say where to look.

        Parameters
        ----------
        shot : Shot
            The image.
        settings : EstimatorSettings
            See there.

        Returns
        -------
        sources : NDArray[np.intp]
            ``(B,)`` row of the known person whose crop it is; -1 for a newcomer's.
        crops : Crops
            B crops of the people followed, and where newcomers may be.

        """
        view = shot.view(settings)
        size = (view.width, view.height)
        self.step(shot.stamp, size)
        known = self._tracker.predict(shot.stamp, size, settings)
        room = max(settings.max_people - len(known), 0)
        places = np.concatenate([known, self._newcomers(shot, size, known, room, settings)])
        crops, made = Crops.aim(places, view, self._size, self._padding)
        return np.where(made < len(known), made, -1), crops

    def _newcomers(
        self,
        shot: Shot,
        size: tuple[int, int],
        known: NDArray[np.float32],
        room: int,
        settings: EstimatorSettings,
    ) -> NDArray[np.float32]:
        """``(S, 4)`` Places, at most `room`, where somebody may be who is not known."""
        places = np.zeros((0, 4), np.float32)
        if shot.boxes is not None:
            places = boxes.clip(shot.boxes[np.isfinite(shot.boxes).all(-1)], size)
        elif settings.detector == 'none' or not room:
            return places
        else:
            self._undetected += 1
            someone_missing = not self._tracker.knows_anybody or self._tracker.predicted()
            if self._undetected < settings.detect_every and not someone_missing:
                return places
            self._undetected = 0
            places = self._detector.detect(shot.image, settings.detect_threshold).boxes
        new = boxes.iou(places, known).max(1, initial=0.0) < _EXPLAINED_IOU
        return places[new][:room]

    def sightings(
        self,
        shot: Shot,
        sources: NDArray[np.intp],
        crops: Crops,
        looks: Looks,
        settings: EstimatorSettings,
    ) -> Sightings:
        """
        Return those crops that show somebody.

        Parameters
        ----------
        shot, sources, crops
            See `aim`.
        looks : Looks
            What the network made of the crops.
        settings : EstimatorSettings
            See there.

        """
        rows = np.flatnonzero(person_scores(looks.scores) >= settings.score_threshold)
        if not len(rows):
            return Sightings.none(UNION)
        crops, points, scores = crops.select(rows), looks.points[rows], looks.scores[rows]
        seen = np.where(scores >= settings.score_threshold, scores, 0)
        cut = np.count_nonzero(crops.near_edge(points) & (seen > 0), axis=-1) > 0
        pixels = crops.to_image(points)
        return sight(
            crops,
            UNION,
            sources[rows],
            pixels,
            scores,
            looks.poses3d[rows],
            looks.embeddings[rows],
            looks.agreement[rows],
            cut,
            settings,
            shot.image,
        )

    def finish(
        self,
        sightings: Sightings,
        stamp: float,
        mode: RootMode,
        settings: EstimatorSettings,
        depth: NDArray[np.float32] | None = None,
        *,
        lifted: bool = False,
    ) -> Poses:
        """
        Say who they are and where.

        Parameters
        ----------
        sightings : Sightings
            What this image showed.
        stamp : float
            When it was taken, s.
        mode : RootMode
            How roots are placed.
        settings : EstimatorSettings
            See there.
        depth : NDArray[np.float32], optional
            ``(H, W)`` m.
        lifted : bool
            Whether all 3D is from 2D keypoints alone.

        """
        ids = self._tracker.update(sightings, settings)
        rows = np.flatnonzero(ids)
        ids, sightings = ids[rows], sightings.select(rows)
        placed = self._people.place(ids, sightings, stamp, mode, settings, depth)
        self._people.keep(self._tracker.remembered())
        poses = report(ids, sightings, placed, UNION, mode, settings, lifted=lifted)
        absent = self._tracker.predicted()
        if absent and len(self._last):
            fade = math.exp(-(stamp - self._stamp) / _SCORE_FADE)
            poses = join(poses, coast(self._last, absent, fade, mode))
        self._last, self._stamp = poses, stamp
        return poses

    def predict(self, stamp: float, size: tuple[int, int], settings: EstimatorSettings) -> None:
        """Carry everybody along where there is no image to look at."""
        self.step(stamp, size)
        self._tracker.predict(stamp, size, settings)
