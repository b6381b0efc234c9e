"""One image of a camera, with all that came with it."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.settings import EstimatorSettings


@dataclass(frozen=True)
class Shot:
    """
    One image of a stream.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    camera : Camera, optional
        Intrinsics of this image; without them a default field of view is assumed.
    stamp : float
        When the image was taken, s.
    stream : str
        Name of the camera: each has people of its own.
    boxes : NDArray, optional
        ``(N, 4)`` px, where people are, instead of the detector's.
    depth : NDArray[np.float32], optional
        ``(H, W)`` m along the optical axis, aligned with the image; 0 or NaN where unknown.

    Raises
    ------
    ValueError
        If the image, the camera, the stamp, the boxes or the depth is malformed.

    """

    image: NDArray[np.uint8]
    camera: Camera | None
    stamp: float
    stream: str = ''
    boxes: Array | None = None
    depth: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        image, camera = self.image, self.camera
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(f'image: expected (H, W, 3) uint8; got {image.shape} {image.dtype}')
        check_stamp(self.stamp)
        height, width = image.shape[:2]
        if camera is not None and (camera.width, camera.height) != (width, height):
            raise ValueError(
                f'camera: expected the size of the image, {width}x{height}; '
                f'got {camera.width}x{camera.height}'
            )
        if self.boxes is not None and (self.boxes.ndim != 2 or self.boxes.shape[1] != 4):
            raise ValueError(f'boxes: expected (N, 4); got {self.boxes.shape}')
        if self.depth is not None and self.depth.shape != (height, width):
            raise ValueError(
                f'depth: expected that of the image, {(height, width)}; got {self.depth.shape}'
            )

    def view(self, settings: EstimatorSettings) -> Camera:
        """Return the camera to work with."""
        if self.camera is not None:
            return self.camera
        height, width = self.image.shape[:2]
        return Camera.from_fov(width, height, math.radians(settings.default_fov_deg))


def check_stamp(stamp: float) -> None:
    """Raise ValueError if a time is not finite."""
    if not math.isfinite(stamp):
        raise ValueError(f'stamp: expected a finite time, s; got {stamp}')
