"""Read the intrinsics of a camera from sensor_msgs/CameraInfo, and write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from unihpe_ros.core.geometry import Camera

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo
    from std_msgs.msg import Header

# Focal lengths, in widths and heights of the image, beyond which a calibration is in other units.
_SHORTEST, _LONGEST = 0.05, 500.0
# How far towards the edge of the image a distortion must go on growing.
_LEAST_REACH = 0.5


def to_camera(msg: CameraInfo, *, rectified: bool) -> Camera:
    """
    Read the intrinsics of the image that is published beside a camera_info.

    Parameters
    ----------
    msg : CameraInfo
        Calibration, with binning and region of interest.
    rectified : bool
        The image is rectified: read P, and no distortion.

    Raises
    ------
    ValueError
        If the camera is not calibrated (zeros) or a field holds what no camera can have.

    """
    matrix = 'P' if rectified else 'K'
    if not any(msg.p if rectified else msg.k):
        raise ValueError(f'camera_info: {matrix} is all zero; expected a calibrated camera')
    roi, model, distortion = msg.roi, msg.distortion_model, msg.d
    if rectified or not (model or any(distortion)):
        # P knows no lens; and drivers of ideal cameras give zeros without naming a model.
        model, distortion = 'plumb_bob', ()
    camera = Camera.from_camera_info(
        msg.k,
        distortion,
        msg.p,
        (msg.width, msg.height),
        model=model,
        binning=(msg.binning_x, msg.binning_y),
        roi=(roi.x_offset, roi.y_offset, roi.width, roi.height),
        rectified=rectified,
    )
    _check_view(camera)
    return camera


def _check_view(camera: Camera) -> None:
    """Raise ValueError for a lens through which nobody would be found."""
    lengths = camera.K[0, 0] / camera.width, camera.K[1, 1] / camera.height
    if not _SHORTEST <= min(lengths) <= max(lengths) <= _LONGEST:
        raise ValueError(
            f'camera_info: expected focal lengths in px that fit an image of {camera.width}x'
            f'{camera.height}; got {camera.K[0, 0]:g}, {camera.K[1, 1]:g}'
        )
    corner = 0.5 / min(lengths)
    if camera.is_distorted and camera.reach < _LEAST_REACH * corner:
        raise ValueError(
            f'camera_info: expected a distortion that holds for the image; got '
            f'{camera.distortion.tolist()}, which fold back within {_LEAST_REACH:.0%} of it'
        )


def to_camera_info(camera: Camera, header: Header) -> CameraInfo:
    """Write a camera as the message that is published beside its images."""
    from sensor_msgs.msg import CameraInfo

    rows = np.column_stack([camera.K, np.zeros(3)])
    return CameraInfo(
        header=header,
        width=camera.width,
        height=camera.height,
        distortion_model=camera.model,
        d=camera.distortion.tolist(),
        k=camera.K.ravel().tolist(),
        r=np.eye(3).ravel().tolist(),
        p=rows.ravel().tolist(),
    )


class CameraSource:
    """
    The camera that the latest camera_info describes.

    Parameters
    ----------
    rectified : bool
        The image is rectified.

    """

    def __init__(self, rectified: bool) -> None:
        self._rectified = rectified
        self._known: tuple[object, ...] = ()
        self.camera: Camera | None = None

    @property
    def ever_came(self) -> bool:
        """Whether there was any camera_info, usable or not."""
        return bool(self._known)

    def update(self, msg: CameraInfo) -> None:
        """
        Take over a camera_info; free of cost while nothing changes.

        Raises
        ------
        ValueError
            If it is unusable: once, until it changes. There is no camera then.

        """
        known = _calibration(msg)
        if known == self._known:
            return
        self._known, camera = known, None
        try:
            camera = to_camera(msg, rectified=self._rectified)
        finally:
            # In one step: the worker reads it at any time.
            self.camera = camera


def _calibration(msg: CameraInfo) -> tuple[object, ...]:
    """Return all of a camera_info but its header; bytes, since NaN differs from itself."""
    roi = msg.roi
    return (
        *(msg.height, msg.width, msg.distortion_model, msg.binning_x, msg.binning_y),
        *(bytes(memoryview(msg.k)), bytes(memoryview(msg.d)), bytes(memoryview(msg.p))),
        *(roi.x_offset, roi.y_offset, roi.width, roi.height),
    )
