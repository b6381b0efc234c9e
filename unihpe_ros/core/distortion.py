"""Read the distortion model of a camera_info, under any name that drivers give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.lens import OPENCV_LENGTHS

# Names are compared in lower case, letters and digits only.
_OPENCV = (
    *('plumbbob', 'rationalpolynomial', 'rational', 'polynomial', 'radtan', 'radialtangential'),
    *('brown', 'brownconrady', 'modifiedbrownconrady', 'pinhole', 'perspective', 'standard'),
    *('opencv', 'fullopencv', 'thinprism', 'thinprismmodel', 'tilted', 'radial', 'simpleradial'),
    *('pinholeradtan', 'opencvpinhole', 'opencvrational', 'rationalopencv'),
)
_FISHEYE = (
    *('equidistant', 'fisheye', 'equi', 'equid', 'equidist', 'opencvfisheye', 'fisheyeopencv'),
    *('kannalabrandt', 'kannalabrandt4', 'kannalabrandt8', 'kb', 'kb4', 'kb8'),
    *('pinholeequi', 'fisheyeequidistant', 'equidistantfisheye'),
)
_NONE = ('none', 'nodistortion', 'undistorted', 'rectified', 'ideal', 'null', 'na', 'no')
# RealSense: its coefficients lead from pixels to rays, where OpenCV's lead from rays to pixels.
_INVERSE = ('inversebrownconrady', 'inversebrown')
# What drivers write around a name: librealsense, and the number of coefficients.
_PREFIX, _SUFFIX = 'distortion', '0123456789'
# Lenses that are no pinhole even if all coefficients are zero.
_UNKNOWN_PROJECTIONS = ('mei', 'omni', 'unified', 'cata', 'sphere', 'eucm', 'fov', 'atan', 'scara')
# The first two coefficients, k1 and k2, mean the same in every model.
_RADIAL_ONLY = 2
_FISHEYE_LENGTH = 4
_PLUMB_BOB_LENGTH = 5


@dataclass(frozen=True)
class Distortion:
    """
    Distortion model and coefficients in OpenCV's order.

    Parameters
    ----------
    model : str
        plumb_bob, rational_polynomial or equidistant.
    coefficients : NDArray[np.float64]
        ``(D,)``, D is 0, 4, 5, 8, 12 or 14; empty without distortion.
    note : str
        What was changed or left out of the given name and coefficients; empty if nothing was.

    """

    model: str
    coefficients: NDArray[np.float64]
    note: str = ''


def read_distortion(name: str, coefficients: Sequence[float]) -> Distortion:
    """
    Return the OpenCV model of a camera_info's distortion.

    Parameters
    ----------
    name : str
        Field distortion_model; spelling, case and separators do not matter.
    coefficients : Sequence[float]
        Field d, in OpenCV's order. Trailing zeros may be missing, or be more than the model has.

    Raises
    ------
    ValueError
        If the model is not known or more coefficients than it has differ from zero.

    """
    values = np.asarray(coefficients, np.float64).ravel()
    if not np.isfinite(values).all():
        raise ValueError(f'camera distortion: expected finite numbers, got {values.tolist()}')
    plain = _plain(name)
    used = int(np.flatnonzero(values)[-1]) + 1 if values.any() else 0
    if plain in _FISHEYE:
        return Distortion('equidistant', _fisheye(name, values, used))
    if plain in _NONE or plain in _INVERSE:
        note = ''
        if used:
            note = f'distortion_model {name!r} beside coefficients: {values.tolist()} are not used'
        return Distortion('plumb_bob', np.zeros(0), note)
    if plain in _OPENCV:
        known = _opencv(name, values, used)
        rational = len(known) > _PLUMB_BOB_LENGTH
        return Distortion('rational_polynomial' if rational else 'plumb_bob', known)
    if not plain and used:
        note = f'distortion_model is empty: {values.tolist()} are taken for plumb_bob'
        return Distortion('plumb_bob', _opencv('without a name', values, used), note)
    if used or any(word in plain for word in _UNKNOWN_PROJECTIONS):
        raise ValueError(
            'camera distortion model: expected plumb_bob, rational_polynomial, equidistant or '
            f'none; got {name!r}'
        )
    note = f'distortion_model {name!r} is not known: all coefficients are zero, none is used'
    return Distortion('plumb_bob', np.zeros(0), note if plain else '')


def _plain(name: str) -> str:
    plain = ''.join(letter for letter in name.lower() if letter.isalnum())
    known = (*_OPENCV, *_FISHEYE, *_NONE, *_INVERSE)
    shorter = plain.removeprefix(_PREFIX)
    return next(
        (word for word in (plain, shorter, shorter.rstrip(_SUFFIX)) if word in known), plain
    )


def _fisheye(name: str, values: NDArray[np.float64], used: int) -> NDArray[np.float64]:
    if used > _FISHEYE_LENGTH:
        raise ValueError(
            f'camera distortion {name}: expected 4 coefficients, got {values.tolist()}'
        )
    if not len(values):
        return np.zeros(0)
    return _padded(values[:used], _FISHEYE_LENGTH)


def _opencv(name: str, values: NDArray[np.float64], used: int) -> NDArray[np.float64]:
    if not used:
        return np.zeros(0)
    # Three may be k1, k2, k3 or k1, k2, p1: the order is only known for OpenCV's numbers of
    # coefficients.
    known = used <= _RADIAL_ONLY or used in OPENCV_LENGTHS or len(values) in OPENCV_LENGTHS
    if used > OPENCV_LENGTHS[-1] or not known:
        raise ValueError(
            f'camera distortion {name}: expected {", ".join(map(str, OPENCV_LENGTHS))} '
            f'coefficients, got {values.tolist()}'
        )
    if len(values) in OPENCV_LENGTHS:
        return values
    return _padded(values[:used], next(n for n in OPENCV_LENGTHS if n >= used))


def _padded(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    return np.concatenate([values, np.zeros(length - len(values))])
