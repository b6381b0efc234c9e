"""Check that a camera's intrinsics describe its image, and fit them to the image's size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from unihpe_ros.core.geometry import Camera

# Focal lengths, in widths and heights of the image, beyond which a calibration is in other units.
_SHORTEST, _LONGEST = 0.05, 500.0
# Share of the way to the image's edge up to which a distortion has to grow.
_LEAST_REACH = 0.5
# Largest distance of the principal point from the image's middle, in widths or heights: for a
# region of interest in the corner of a large sensor it is a few, for garbage it is more.
_FARTHEST = 50.0
# Points of the image, as shares of it, half of which at least must have a ray.
_MIDDLE = np.stack(np.meshgrid((0.3, 0.5, 0.7), (0.3, 0.5, 0.7)), -1).reshape(-1, 2)
# The same distance, above which the calibration may be of another image, and below which it is of
# this one.
_SUSPICIOUS, _CENTRED = 0.2, 0.12
# By rounding, two sizes of the same proportions differ by up to this, px.
_ROUNDING = 2.0


def check_view(camera: Camera) -> None:
    """
    Check that people can be seen through a camera.

    Parameters
    ----------
    camera : Camera
        The camera.

    Raises
    ------
    ValueError
        If no camera can have these focal lengths, principal point or distortion.

    """
    lengths = camera.K[0, 0] / camera.width, camera.K[1, 1] / camera.height
    if not _SHORTEST <= min(lengths) <= max(lengths) <= _LONGEST:
        raise ValueError(
            f'camera_info: expected focal lengths in px that fit an image of {camera.width}x'
            f'{camera.height}; got {camera.K[0, 0]:g}, {camera.K[1, 1]:g}'
        )
    if off_centre(camera) > _FARTHEST or abs(camera.K[0, 1]) > camera.K[0, 0]:
        raise ValueError(
            f'camera_info: expected a principal point near the image of {camera.width}x'
            f'{camera.height} and next to no skew; got {camera.K.tolist()}'
        )
    corner = 0.5 / min(lengths)
    if camera.is_distorted and (camera.reach < _LEAST_REACH * corner or not _has_rays(camera)):
        raise ValueError(
            f'camera_info: expected a distortion that holds for the image; got '
            f'{camera.distortion.tolist()}, which fold it or lead to none of its pixels'
        )


def _has_rays(camera: Camera) -> bool:
    """Whether the pixels in the middle of the image have viewing rays."""
    rays = camera.rays(_MIDDLE * (camera.width - 1, camera.height - 1))
    return bool(np.isfinite(rays).all(-1).mean() >= 0.5)


def off_centre(camera: Camera) -> float:
    """Return how far the principal point is from the image's middle, in widths or heights."""
    size = np.array([camera.width, camera.height])
    return float((np.abs(camera.K[:2, 2] - 0.5 * (size - 1)) / size).max())


def is_counted_twice(camera: Camera, plain: Camera) -> bool:
    """
    Return whether the driver has applied binning or the region of interest to K already.

    Parameters
    ----------
    camera : Camera
        As camera_info says: K is of the full sensor.
    plain : Camera
        With the same K, but of the published image.

    """
    return off_centre(camera) > _SUSPICIOUS and off_centre(plain) < _CENTRED


def doubt_of(camera: Camera, sensor: Camera) -> str:
    """
    Return a warning about a calibration that is usable but implausible; '' without one.

    Parameters
    ----------
    camera : Camera
        Of the published image.
    sensor : Camera
        With the same K, of the whole sensor.

    """
    if min(off_centre(camera), off_centre(sensor)) <= _SUSPICIOUS:
        return ''
    x, y = camera.K[:2, 2]
    return (
        f'the principal point ({x:.0f}, {y:.0f}) is far from the middle of an image of '
        f'{camera.width}x{camera.height}: expected the calibration of this very image; is '
        'binning or a region of interest counted twice, or not told?'
    )


def fit_to_image(camera: Camera, size: tuple[int, int]) -> Camera:
    """
    Return the camera of the same picture at another resolution.

    Parameters
    ----------
    camera : Camera
        Calibrated at some resolution.
    size : tuple[int, int]
        (w, h) of the image, px.

    Raises
    ------
    ValueError
        If the image has other proportions, so that it is no scaled copy.

    """
    if size == (camera.width, camera.height):
        return camera
    scale = np.array(size) / (camera.width, camera.height)
    # The ratio is the same on both axes, up to the rounding of the sizes.
    spread = abs(scale[0] - scale[1]) / scale.min() * min(*size, camera.width, camera.height)
    if spread > _ROUNDING:
        raise ValueError(
            f'it is of {camera.width}x{camera.height}, the image is of {size[0]}x{size[1]}'
        )
    K = camera.K.copy()
    # Pixel centres are at whole numbers, the image's corner is at -0.5.
    K[:2, 2] += 0.5
    K[:2] *= scale[:, None]
    K[:2, 2] -= 0.5
    return replace(camera, K=K, width=size[0], height=size[1])
