"""Schedule of the detector for one camera, and the boxes of people who are not tracked yet."""

from __future__ import annotations

from collections.abc import Sequence
import math

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.image_input import CameraImage
from unihpe_ros.core.motion import MotionGate
from unihpe_ros.core.rotation import turn_boxes_back, turn_image
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.detector import Detector
from unihpe_ros.detector_thread import DetectorThread, Search

# A box that overlaps a known person's this much is that person's.
_EXPLAINED_IOU = 0.5
# After something moved, the detector looks at every image for so long, s.
_ALERT = 0.5
NOWHERE = np.zeros((0, 4), np.float32)


class Newcomers:
    """
    Schedules the detector for the images of one camera, and returns its detections.

    Parameters
    ----------
    detector : Detector
        Finds people.
    thread : DetectorThread, optional
        Runs the detector beside the images; without one, it runs within them.
    camera : str
        The camera's name.

    """

    def __init__(
        self, detector: Detector, thread: DetectorThread | None = None, camera: str = ''
    ) -> None:
        self.detector, self._thread, self._camera = detector, thread, camera
        self._motion = MotionGate()
        self._undetected = 0
        self.forget()

    def forget(self) -> None:
        """Drop all earlier detections, since time jumped."""
        # Places of the last image, which was reduced too much to crop them.
        self._postponed = NOWHERE
        self._search: Search | None = None
        # Tracked people when the search began, and their boxes.
        self._then: tuple[Sequence[object], NDArray[np.float32]] = ([], NOWHERE)
        self._searched, self._alert_until = -math.inf, -math.inf
        self._motion.forget()

    def expected(
        self, known: int, missing: bool, stamp: float, settings: EstimatorSettings
    ) -> tuple[NDArray[np.float32], bool]:
        """
        Return the places that `find` will return, and whether the detector will run.

        Parameters
        ----------
        known, missing, stamp, settings
            See `find`.

        """
        found = self._search.boxes if self._search is not None else None
        places = self._postponed if found is None else found.astype(np.float32)
        return places, self._is_due(known, missing, stamp, settings)

    def find(
        self,
        image: CameraImage,
        known: NDArray[np.float32],
        people: Sequence[object],
        settings: EstimatorSettings,
        *,
        missing: bool,
        beside: bool,
    ) -> NDArray[np.float32]:
        """
        Return the boxes of people who are not tracked yet, at most as many as may be tracked.

        Parameters
        ----------
        image : CameraImage
            The next image; boxes that are given with it take the place of the detector's.
        known : NDArray[np.float32]
            ``(T, 4)`` where known people should be, px.
        people : Sequence[object]
            T objects by which these people are compared with those of an earlier image.
        settings : EstimatorSettings
            See there.
        missing : bool
            Whether nobody is known, or somebody who is was not seen.
        beside : bool
            Whether the detector may run in its own thread, so that what it finds is used in a
            later image.

        Returns
        -------
        NDArray[np.float32]
            ``(S, 4)`` px.

        """
        if image.boxes is not None:
            places: NDArray[np.floating] = boxes.usable(image.boxes, image.size)
        else:
            due = self._is_due(len(known), missing, image.stamp, settings)
            if self._is_idle(len(known), image.stamp, settings):
                due = self._wakes(image) or due
            places = self._answer(people, self._postponed)
            self._undetected += 1
            if due and not (self._search and self._search.is_in_work):
                self._begin(image, known, people, settings, beside=beside)
                places = self._answer(people, places)
        self._postponed = NOWHERE
        new = boxes.iou(places, known).max(1, initial=0.0) < _EXPLAINED_IOU
        return places[new][: max(settings.max_people - len(known), 0)]

    def postpone(self, places: NDArray[np.float32]) -> None:
        """Keep places for the next image, because this one is reduced too much."""
        self._postponed = places

    def _is_due(
        self, known: int, missing: bool, stamp: float, settings: EstimatorSettings
    ) -> bool:
        """Whether the detector runs on an image, given the people known, missing and postponed."""
        if settings.detector == 'none' or known >= settings.max_people or len(self._postponed):
            return False
        if self._is_idle(known, stamp, settings):
            return stamp - self._searched >= settings.idle_period
        return missing or self._undetected + 1 >= settings.detect_every

    def _is_idle(self, known: int, stamp: float, settings: EstimatorSettings) -> bool:
        """Whether no person is tracked and nothing has moved recently."""
        return settings.idle_period > 0 and not known and stamp > self._alert_until

    def _wakes(self, image: CameraImage) -> bool:
        """Whether something moved, in an image that is large enough for the detector."""
        if not self._motion.differs(image.image):
            return False
        self._alert_until = image.stamp + _ALERT
        return image.reduction <= self.detector.reduction(image.size)

    def _begin(
        self,
        image: CameraImage,
        known: NDArray[np.float32],
        people: Sequence[object],
        settings: EstimatorSettings,
        *,
        beside: bool,
    ) -> None:
        """Run the detector on an image, in this thread or in its own."""
        picture, reduction = image.image, image.reduction
        rotation, threshold = image.view(settings).rotation, settings.detect_threshold

        def run() -> NDArray[np.floating]:
            found = self._detect(picture, rotation, threshold)
            return np.asarray((found + 0.5) * reduction - 0.5)

        if self._thread is None:
            self._search = Search(run)
            self._search.work()
        elif beside:
            self._search = self._thread.submit(run, self._camera)
        else:
            self._search = self._thread.now(run, self._camera)
        self._then, self._searched = (list(people), known), image.stamp
        self._undetected = 0
        if settings.idle_period > 0 and not len(known):
            self._motion.remember(picture)

    def _answer(
        self, people: Sequence[object], otherwise: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """Return new detections once, without people who were tracked then and still are."""
        search = self._search
        if search is None or not search.is_done:
            return otherwise
        self._search = None
        found = search.answer()
        still = [any(one is other for other in people) for one in self._then[0]]
        then = self._then[1][np.array(still, np.bool_)]
        return found[boxes.iou(found, then).max(1, initial=0.0) < _EXPLAINED_IOU]

    def _detect(
        self, picture: NDArray[np.uint8], rotation: int, threshold: float
    ) -> NDArray[np.floating]:
        """``(D, 4)`` boxes of people, px; the detector is shown them upright."""
        if not rotation:
            return self.detector.detect(picture, threshold).boxes
        height, width = picture.shape[:2]
        upright = (height, width) if rotation in (90, 270) else (width, height)
        # The detector reduces the image anyway; reduced before, fewer pixels have to be turned.
        factor = self.detector.reduction(upright)
        size = max(width // factor, 1), max(height // factor, 1)
        if factor > 1:
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        found = self.detector.detect(turn_image(picture, rotation), threshold).boxes
        return (turn_boxes_back(found, rotation, size) + 0.5) * factor - 0.5
