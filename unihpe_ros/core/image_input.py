"""CameraImage: one image with its camera, stamp, depth and boxes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.settings import EstimatorSettings

# By how much a JPEG can be reduced while it is decoded.
REDUCTIONS = (1, 2, 4, 8)


@dataclass(frozen=True)
class CameraImage:
    """
    One image of a stream.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR; it may be reduced, see `whole_size`.
    camera : Camera, optional
        Intrinsics of this image; without them a default field of view is assumed, and people are
        flagged ASSUMED_VIEW.
    stamp : float
        When the image was taken, s.
    stream : str
        Name of the camera: each has people of its own.
    boxes : NDArray, optional
        ``(N, 4)`` px, where people are, instead of the detector's.
    depth : NDArray[np.float32], optional
        ``(H, W)`` m along the optical axis, aligned with the picture; 0 or NaN where unknown.
    whole_size : tuple[int, int], optional
        (w, h) of the picture that was taken, px, if `image` is a reduction of it by 2, 4 or 8:
        all else, and all answers, are in px of that picture.
    rotation : int
        Of the camera that is assumed without one, see `unihpe_ros.core.geometry.Camera`.
    world_from_camera : NDArray[np.float64], optional
        ``(4, 4)`` where the camera's optical frame is at `stamp`, in a frame that stays still, m:
        tracks are transformed with it when the camera turns and drives. If this or the last image
        has no pose, the camera is assumed not to have moved between them.

    Raises
    ------
    ValueError
        If the image, the camera, the stamp, the boxes, the depth or the pose is malformed.

    """

    image: NDArray[np.uint8]
    camera: Camera | None
    stamp: float
    stream: str = ''
    boxes: Array | None = None
    depth: NDArray[np.float32] | None = None
    whole_size: tuple[int, int] | None = None
    rotation: int = 0
    world_from_camera: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        image, camera = self.image, self.camera
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(f'image: expected (H, W, 3) uint8; got {image.shape} {image.dtype}')
        check_stamp(self.stamp)
        check_pose(self.world_from_camera)
        if self.reduction == 0:
            raise ValueError(
                f'image: expected {self.whole_size} reduced by 2, 4 or 8; got {image.shape}'
            )
        width, height = self.size
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

    @property
    def size(self) -> tuple[int, int]:
        """(w, h) of the picture, px."""
        return self.whole_size or (self.image.shape[1], self.image.shape[0])

    @property
    def is_view_assumed(self) -> bool:
        """Whether the camera is not calibrated."""
        return self.camera is None or self.camera.assumed

    @cached_property
    def reduction(self) -> int:
        """By how much the image is smaller than the picture; 0 if it does not fit."""
        width, height = self.size
        for factor in REDUCTIONS:
            if self.image.shape[:2] == (-(-height // factor), -(-width // factor)):
                return factor
        return 0

    def view(self, settings: EstimatorSettings) -> Camera:
        """Return the camera to work with."""
        if self.camera is not None:
            return self.camera
        return assumed_camera(*self.size, settings.default_fov_deg, self.rotation)


@lru_cache(maxsize=16)
def assumed_camera(width: int, height: int, fov_deg: float, rotation: int = 0) -> Camera:
    """
    Return the camera that is assumed where none is calibrated.

    Parameters
    ----------
    width, height : int
        Size of the image, px.
    fov_deg : float
        Horizontal field of view, degrees.
    rotation : int
        See `unihpe_ros.core.geometry.Camera`.

    """
    camera = Camera.from_fov(width, height, math.radians(fov_deg))
    return replace(camera, rotation=rotation, assumed=True)


def check_pose(world_from_camera: NDArray[np.float64] | None) -> None:
    """Raise ValueError if the pose of a camera is known, and not ``(4, 4)`` finite numbers."""
    pose = world_from_camera
    if pose is not None and (pose.shape != (4, 4) or not np.isfinite(pose).all()):
        raise ValueError(
            f'world_from_camera: expected (4, 4) finite numbers; got {pose.shape} {pose.tolist()}'
        )


def check_stamp(stamp: float) -> None:
    """Raise ValueError if a time is not finite."""
    if not math.isfinite(stamp):
        raise ValueError(f'stamp: expected a finite time, s; got {stamp}')
