"""Read the intrinsics of a camera from sensor_msgs/CameraInfo, and write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from unihpe_ros.core.calibration import (
    check_view,
    doubt_of,
    fit_to_image,
    is_counted_twice,
    off_centre,
)
from unihpe_ros.core.distortion import read_distortion
from unihpe_ros.core.geometry import Camera

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo
    from std_msgs.msg import Header


@dataclass(frozen=True)
class Calibration:
    """
    Camera of a camera_info, or None, and notes on what was corrected or is wrong.

    Parameters
    ----------
    camera : Camera, optional
        Intrinsics of the published image; None if they can't be used.
    notes : tuple[str, ...]
        Messages for the user: why there is no camera, or which fields were corrected.

    """

    camera: Camera | None
    notes: tuple[str, ...] = ()


_NOTHING = Calibration(None)
_Region = tuple[int, int, int, int]
# Camera of an image with that binning and region of interest.
_CameraOf = Callable[[tuple[int, int], _Region], Camera]


def read_calibration(
    msg: CameraInfo, *, rectified: bool, size: tuple[int, int] | None = None
) -> Calibration:
    """
    Read the camera of the image that is published beside a camera_info; never raises.

    Parameters
    ----------
    msg : CameraInfo
        Calibration, with binning and region of interest. Drivers fill the fields in different
        ways: the name of the distortion is read in any spelling, and binning or a region of
        interest that is in K already is not applied again.
    rectified : bool
        The image is rectified: read P, and no distortion.
    size : tuple[int, int], optional
        (w, h) of the image, px, if it is known: a calibration of the same proportions is scaled
        to it, and one without a size gets it.

    Returns
    -------
    Calibration
        The camera, or the reason why there is none.

    """
    try:
        calibration = _read(msg, rectified, size)
        if calibration.camera is None or size is None:
            return calibration
        return Calibration(fit_to_image(calibration.camera, size), calibration.notes)
    except ValueError as error:
        return Calibration(None, (str(error),))


def to_camera(msg: CameraInfo, *, rectified: bool) -> Camera:
    """
    Read the intrinsics of the image that is published beside a camera_info.

    Parameters
    ----------
    msg, rectified
        See `read_calibration`.

    Raises
    ------
    ValueError
        If the camera is not calibrated (zeros) or a field holds what no camera can have.

    """
    calibration = read_calibration(msg, rectified=rectified)
    if calibration.camera is None:
        raise ValueError(calibration.notes[0])
    return calibration.camera


def _read(msg: CameraInfo, rectified: bool, size: tuple[int, int] | None) -> Calibration:
    rectified, swapped = _filled_matrix(msg, rectified)
    matrix = 'P' if rectified else 'K'
    lens = read_distortion('', ())
    if not (rectified or swapped):
        lens = read_distortion(msg.distortion_model, msg.d)
    full, sizeless = (msg.width, msg.height), ''
    if not any(full):
        sizeless = 'width and height are 0: those of the image are taken'
        full = size or _size_around(msg.p[2:7:4] if rectified else msg.k[2:6:3])

    def camera(binning: tuple[int, int], part: _Region) -> Camera:
        return Camera.from_camera_info(
            msg.k,
            lens.coefficients.tolist(),
            msg.p,
            full,
            model=lens.model,
            binning=binning,
            roi=part,
            rectified=rectified,
        )

    part, partial = _region(msg, camera, full, size)
    found, counted = _counted_once(msg, part, camera)
    if counted:
        counted = f'{counted} not applied: the principal point says that {matrix} has it already'
    check_view(found)
    # For a region in the corner of a sensor it is right that the principal point is far away.
    whole = camera((1, 1), (0, 0, 0, 0))
    if size == full and size != (found.width, found.height):
        counted = 'binning and region of interest are not applied: the image is of the full size'
        found = whole
    notes = (swapped, lens.note, sizeless, partial, counted, doubt_of(found, whole))
    return Calibration(found, tuple(f'camera_info: {text}' for text in notes if text))


def _filled_matrix(msg: CameraInfo, rectified: bool) -> tuple[bool, str]:
    """Return whether to read P rather than K, and a note if the wanted one is empty."""
    if any(msg.p if rectified else msg.k):
        return rectified, ''
    wanted, other = ('P', 'K') if rectified else ('K', 'P')
    if not any(msg.k if rectified else msg.p):
        raise ValueError(f'camera_info: {wanted} is all zero; expected a calibrated camera')
    return not rectified, f'{wanted} is all zero: {other} is taken, without distortion'


def _region(
    msg: CameraInfo, camera: _CameraOf, full: tuple[int, int], size: tuple[int, int] | None
) -> tuple[_Region, str]:
    """Return the region of interest, and a note if it has an offset but no size."""
    roi, binning = msg.roi, (max(msg.binning_x, 1), max(msg.binning_y, 1))
    x, y, w, h = part = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    if (w and h) or not any(part):
        return part, ''
    # By the message's definition, 0 is the full image, of which nothing is cut off.
    nothing = (0, 0, 0, 0)
    if size is None:
        return nothing, ''
    w, h = size[0] * binning[0], size[1] * binning[1]
    is_part = (w, h) != full and x + w <= full[0] and y + h <= full[1]
    said = f'the region of interest has the offset {x}, {y} but no size'
    cut, whole = camera(binning, (x, y, w, h)), camera(binning, (0, 0, w, h))
    if is_part or off_centre(cut) < off_centre(whole):
        return (x, y, w, h), f'{said}: that of the image is taken'
    return nothing, f'{said}: it is not applied'


def _counted_once(msg: CameraInfo, part: _Region, camera: _CameraOf) -> tuple[Camera, str]:
    """Return the camera of the published image, and which of binning and ROI is in K already."""
    binning = (max(msg.binning_x, 1), max(msg.binning_y, 1))
    x, y, w, h = part
    said = camera(binning, part)
    if binning == (1, 1) and not any(part):
        return said, ''
    size, names = (said.width, said.height), ('the region of interest is', 'binning is')
    both = 'binning and region of interest are'
    alone = names[0] if binning == (1, 1) else names[1] if (x, y) == (0, 0) else both
    for what, other in (
        (alone, camera((1, 1), (0, 0, *size))),
        (names[0], camera(binning, (0, 0, w, h))),
        (names[1], camera((1, 1), (x // binning[0], y // binning[1], *size))),
    ):
        if is_counted_twice(said, other):
            return other, what
    return said, ''


def _size_around(principal_point: Sequence[float]) -> tuple[int, int]:
    """Return the (w, h), px, of an image in whose middle the principal point is."""
    if not np.isfinite(principal_point).all():
        return 0, 0
    x, y = (round(2 * float(value) + 1) for value in principal_point)
    return x, y


def calibration_command(topic: str) -> str:
    """Return what calibrates the camera that publishes images on a topic."""
    raw = topic.removesuffix('/compressed')
    camera = raw.rpartition('/')[0] or '/'
    return (
        'ros2 run camera_calibration cameracalibrator --size 8x6 --square 0.025 --ros-args '
        f'-r image:={raw} -p camera:={camera}'
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
    rotation : int
        By how many degrees the picture is turned clockwise to be upright.

    Attributes
    ----------
    camera : Camera, optional
        The camera at the size that the camera_info says.

    """

    def __init__(self, rectified: bool, rotation: int = 0) -> None:
        self._rectified = rectified
        self._rotation = rotation
        self._known: tuple[object, ...] = ()
        self._msg: CameraInfo | None = None
        self._fitted: tuple[object, tuple[int, int], Calibration] = (None, (0, 0), _NOTHING)
        self.camera: Camera | None = None

    @property
    def ever_came(self) -> bool:
        """Whether there was any camera_info, usable or not."""
        return bool(self._known)

    @property
    def frame_id(self) -> str:
        """The camera's frame, as the camera_info says; empty without one."""
        return '' if self._msg is None else str(self._msg.header.frame_id)

    def update(self, msg: CameraInfo) -> Calibration | None:
        """Take over a camera_info; return what it says, or None while nothing changes."""
        known = _content(msg)
        if known == self._known:
            return None
        calibration = read_calibration(msg, rectified=self._rectified)
        # Each is one assignment: the worker may read them at any time.
        self._known, self._msg = known, msg
        self.camera = self._turned(calibration).camera
        return calibration

    def fitted(self, size: tuple[int, int]) -> Calibration:
        """Return the calibration at the size of an image, (w, h) px; always the same one."""
        msg, fitted = self._msg, self._fitted
        if msg is None or self.camera is None:
            return _NOTHING
        if fitted[0] is not msg or fitted[1] != size:
            calibration = read_calibration(msg, rectified=self._rectified, size=size)
            self._fitted = fitted = (msg, size, self._turned(calibration))
        return fitted[2]

    def _turned(self, calibration: Calibration) -> Calibration:
        if calibration.camera is None or not self._rotation:
            return calibration
        camera = replace(calibration.camera, rotation=self._rotation)
        return replace(calibration, camera=camera)


def _content(msg: CameraInfo) -> tuple[object, ...]:
    """Return a camera_info without its header as bytes, because NaN differs from itself."""
    roi = msg.roi
    return (
        *(msg.height, msg.width, msg.distortion_model, msg.binning_x, msg.binning_y),
        *(bytes(memoryview(msg.k)), bytes(memoryview(msg.d)), bytes(memoryview(msg.p))),
        *(roi.x_offset, roi.y_offset, roi.width, roi.height),
    )
