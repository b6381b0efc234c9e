"""Detect motion in a scene by the difference of two small images."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# (w, h) of the small pictures, px. Sixty rows leave a person at 8 m some eight of them.
_SIZE = (80, 60)
# (w, h) to which large pictures are thinned out first, px: the mean of all pixels costs more.
_THINNED = (320, 240)
# Grey levels by which a cell must differ, and how many times the scene's own noise.
_LEAST_CHANGE, _TIMES_NOISE = 8.0, 6.0
# Number of cells that must differ: fewer are flickering pixels.
_LEAST_CELLS = 3


class MotionGate:
    """Motion detector that compares images with a stored small image of the scene."""

    def __init__(self) -> None:
        self._reference: NDArray[np.float32] | None = None

    def forget(self) -> None:
        """Drop the stored image, so that the next one differs in any case."""
        self._reference = None

    def remember(self, image: NDArray[np.uint8]) -> None:
        """Store an image of the scene, ``(H, W, 3)`` of any size."""
        self._reference = _small(image)

    def differs(self, image: NDArray[np.uint8]) -> bool:
        """
        Whether something moved since the stored image.

        A change of light that is the same everywhere is no motion, and the necessary change of a
        cell grows with the noise of the picture.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)``; a reduction of the same scene is as good.

        """
        if self._reference is None:
            return True
        change = _small(image) - self._reference
        change = np.abs(change - change.mean())
        least = max(_LEAST_CHANGE, _TIMES_NOISE * float(np.median(change)))
        return int(np.count_nonzero(change > least)) >= _LEAST_CELLS


def _small(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``(60, 80)`` mean grey levels of the cells of an image."""
    if image.shape[1] > 2 * _THINNED[0]:
        image = np.asarray(cv2.resize(image, _THINNED, interpolation=cv2.INTER_NEAREST), np.uint8)
    small = cv2.resize(image, _SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)
