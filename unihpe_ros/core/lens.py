"""Project rays through a distorted lens and back, with OpenCV's models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
import math

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

# Newton steps of undistortion; the error, px, at which they stop, and the one that is a failure.
_UNDISTORT_STEPS = 8
_EXACT = 1e-6
_FAILED = 1e-2
# How many coefficients OpenCV's lens model may have; the names that ROS has for it say no more.
OPENCV_LENGTHS = (4, 5, 8, 12, 14)
_DISTORTION_LENGTHS = {'': (), 'plumb_bob': OPENCV_LENGTHS, 'rational_polynomial': OPENCV_LENGTHS}
_FISHEYE_MODELS = ('equidistant', 'fisheye')
# Columns of OpenCV's projection derivatives that belong to the translation's x and y.
_TRANSLATION, _FISHEYE_TRANSLATION = slice(3, 5), slice(11, 13)


@dataclass(frozen=True)
class LensModel:
    """
    A lens and the sensor behind it.

    Parameters
    ----------
    K : NDArray[np.float64]
        ``(3, 3)`` intrinsic matrix, px.
    coefficients : NDArray[np.float64]
        ``(D,)`` OpenCV coefficients; empty for a rectified image.
    model : str
        ROS name of the distortion model: plumb_bob, rational_polynomial, equidistant.

    Raises
    ------
    ValueError
        If the model is not known, or the coefficients are not finite or do not fit it.

    """

    K: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    model: str

    def __post_init__(self) -> None:
        if not np.isfinite(self.coefficients).all():
            raise ValueError(
                f'camera distortion: expected finite numbers, got {self.coefficients}'
            )
        lengths = (4,) if self.is_fisheye else _DISTORTION_LENGTHS.get(self.model)
        if lengths is None:
            known = ', '.join((*filter(None, _DISTORTION_LENGTHS), *_FISHEYE_MODELS))
            raise ValueError(
                f'camera distortion model: expected one of {known}; got {self.model!r}'
            )
        if len(self.coefficients) not in (0, *lengths):
            expected = ' or '.join(map(str, (0, *lengths)))
            raise ValueError(
                f'camera distortion {self.model}: expected {expected} coefficients, '
                f'got {len(self.coefficients)}'
            )

    @property
    def is_fisheye(self) -> bool:
        """Whether the lens follows the equidistant model."""
        return self.model in _FISHEYE_MODELS

    @cached_property
    def is_distorted(self) -> bool:
        """Whether the lens has distortion; an equidistant one has, even with coefficients of 0."""
        return bool(np.any(self.coefficients)) or (self.is_fisheye and len(self.coefficients) > 0)

    @cached_property
    def reach(self) -> float:
        """Largest x/z the lens model is good for: beyond it the polynomial folds back."""
        rays = np.column_stack([np.linspace(0, 10, 1001), np.zeros(1001)])
        with np.errstate(all='ignore'):
            steps = np.diff(self.bend(rays)[0][:, 0])
        # Absurd coefficients overflow: what is not a number is no step outwards either.
        folded = np.flatnonzero(~(steps > 0))
        return float(rays[folded[0], 0]) if len(folded) else math.inf

    def bend(self, rays: Array) -> tuple[Array, Array]:
        """``(M, 2)`` px at which rays ``(M, 2)`` arrive, and ``(M, 2, 2)`` how they move there."""
        if not len(rays):
            return np.zeros((0, 2)), np.zeros((0, 2, 2))
        points, zero = np.column_stack([rays, np.ones(len(rays))])[:, None], np.zeros(3)
        project = cv2.fisheye.projectPoints if self.is_fisheye else cv2.projectPoints
        pixels, derivatives = project(points, zero, zero, self.K, self.coefficients)
        # Moving a point at depth 1 is moving its ray: OpenCV's derivatives by the translation.
        by_ray = _FISHEYE_TRANSLATION if self.is_fisheye else _TRANSLATION
        return pixels.reshape(-1, 2), derivatives.reshape(len(rays), 2, -1)[..., by_ray]

    @np.errstate(over='ignore', invalid='ignore')
    def straighten(self, pixels: Array) -> Array:
        """``(M, 2)`` rays that arrive at px ``(M, 2)``; NaN where none in reach does."""
        undistort = cv2.fisheye.undistortPoints if self.is_fisheye else cv2.undistortPoints
        # OpenCV stops after five fixed-point steps (and 4.x and 5.x take the criteria in
        # different places): go on by Newton's method until the reprojection agrees.
        rays = undistort(pixels[:, None], self.K, self.coefficients).reshape(-1, 2)
        for _ in range(_UNDISTORT_STEPS):
            arrived, slope = self.bend(rays)
            error = arrived - pixels
            if not (np.abs(error) > _EXACT).any():
                break
            determinant = slope[:, 0, 0] * slope[:, 1, 1] - slope[:, 0, 1] * slope[:, 1, 0]
            determinant[determinant == 0] = np.nan
            x = slope[:, 1, 1] * error[:, 0] - slope[:, 0, 1] * error[:, 1]
            y = slope[:, 0, 0] * error[:, 1] - slope[:, 1, 0] * error[:, 0]
            rays = rays - np.stack([x, y], -1) / determinant[:, None]
        failed = ~(np.abs(self.bend(rays)[0] - pixels).max(-1) < _FAILED)
        rays[failed | ~(np.hypot(rays[:, 0], rays[:, 1]) <= self.reach)] = np.nan
        return rays
