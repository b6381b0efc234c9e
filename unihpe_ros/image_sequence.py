"""Last image of a camera: whether the next one follows on it, and how the camera moved between."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.tracking.ego_motion import EgoMotion

# Times the period before: longer is a pause.
_PAUSE = 3.0


class ImageSequence:
    """
    Time, size and camera pose of the last image of a sequence.

    Attributes
    ----------
    stamp : float
        When it was taken, s; minus infinity before the first.

    """

    def __init__(self) -> None:
        self.stamp, self._period = -math.inf, math.inf
        self._size = (0, 0)
        self._world_from_camera: NDArray[np.float64] | None = None

    def breaks(self, stamp: float, size: tuple[int, int], settings: EstimatorSettings) -> bool:
        """
        Whether an image does not follow on the last: time jumped, or the size changed.

        Parameters
        ----------
        stamp : float
            When the image was taken, s.
        size : tuple[int, int]
            (w, h) px.
        settings : EstimatorSettings
            A pause longer than people are remembered is a jump.

        """
        jumped = stamp < self.stamp or self._is_pause(stamp - self.stamp, settings)
        return jumped or size != self._size

    def _is_pause(self, seconds: float, settings: EstimatorSettings) -> bool:
        """Whether there was no image for so long that people may have changed."""
        memory = max(settings.track_timeout, settings.lost_timeout)
        # With one image in many seconds, the image before is all that is known of people.
        return seconds > memory and seconds > _PAUSE * self._period

    def ego_motion(
        self, view: Camera, world_from_camera: NDArray[np.float64] | None
    ) -> EgoMotion | None:
        """Return how the camera moved since the last image; None if that is not known."""
        return EgoMotion.between(self._world_from_camera, world_from_camera, view)

    def begin(self, size: tuple[int, int], world_from_camera: NDArray[np.float64] | None) -> None:
        """Take in the size (w, h) px and the camera pose of the next image."""
        self._size, self._world_from_camera = size, world_from_camera

    def finish(self, stamp: float) -> None:
        """Take in when the next image was taken, s, once its people are tracked."""
        self.stamp, self._period = stamp, stamp - self.stamp
