"""Root depth from a depth image: patches on the torso, with outliers rejected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import Skeleton

# Positions of the patches on the torso: between these pairs of keypoints, at these shares of the
# way.
_LINES = (
    ('left_shoulder_joint', 'right_hip_joint'),
    ('right_shoulder_joint', 'left_hip_joint'),
    ('neck', 'pelvis'),
)
_SHARES = (0.15, 0.35, 0.5, 0.65, 0.85)
_PATCH = 2  # px to either side.
_NEAREST = 0.1  # m; less is no measurement.
# Half the torso's extent from back to front and from side to side, m: joints lie in the middle,
# and the camera sees the surface; and the radius of the arms, which may hang before it.
_HALF_DEPTH, _HALF_WIDTH, _ARM = 0.11, 0.15, 0.05
_ARM_BONES = tuple(
    (f'{side}_{first}', f'{side}_{second}')
    for side in ('left', 'right')
    for first, second in (('shoulder_joint', 'elbow'), ('elbow', 'wrist'))
)
# Measurements are rejected if they differ from their median by more than so many times the median
# difference, and by more than this floor, m: the torso is not flat.
_REFUSED, _FLOOR = 3.0, 0.04
# Least number of patches, and the standard deviation of a good measurement: constant and per m.
_LEAST_PATCHES = 3
# Standard deviation of the tangent of the error in the torso's lean towards the camera; number of
# rounds of the line fit; least noise of a patch, m.
_LEAN, _REFITS, _LEAST_NOISE = 0.25, 3, 0.01
_SIGMA, _SIGMA_PER_M = 0.015, 0.005


def torso_depth(
    depth: NDArray[np.float32], keypoints: Array, points: Array, skeleton: Skeleton
) -> tuple[float, float]:
    """
    Measure how far a person's root is.

    Parameters
    ----------
    depth : NDArray[np.float32]
        ``(H, W)`` m along the optical axis, aligned with the image; 0 or NaN where unknown.
    keypoints : NDArray
        ``(K, 2)`` px.
    points : NDArray
        ``(K, 3)`` the person as estimated from the image alone, m, camera frame; the root is the
        pelvis.
    skeleton : Skeleton
        The set of both.

    Returns
    -------
    z : float
        Of the root, m, camera frame; NaN if the torso was not measured.
    sigma : float
        Its standard deviation, m.

    """
    first, second = (skeleton.indices(*names) for names in zip(*_LINES, strict=True))
    shares = np.array(_SHARES)[:, None, None]
    places = ((1 - shares) * keypoints[first] + shares * keypoints[second]).reshape(-1, 2)
    joints = ((1 - shares) * points[first] + shares * points[second]).reshape(-1, 3)
    root = points[skeleton.index('pelvis')]
    surface = _patches(depth, places)
    expected = np.minimum(
        joints[:, 2] - _thickness(points, skeleton), _arms_before(joints, points, skeleton)
    )
    measured = surface + root[2] - expected
    spine = points[skeleton.index('neck')] - root
    above = (joints - root) @ (spine / max(float(np.linalg.norm(spine)), 1e-6))
    known = np.isfinite(measured)
    if np.count_nonzero(known) < _LEAST_PATCHES:
        return np.nan, np.nan
    z, sigma = _without_lean(measured[known], above[known])
    return z, float(np.hypot(_SIGMA + _SIGMA_PER_M * z, sigma))


def _without_lean(measured: Array, above: Array) -> tuple[float, float]:
    """
    Return the root's depth, allowing that the torso leans differently from the skeleton.

    Parameters
    ----------
    measured : NDArray
        ``(P,)`` depths of the root by each patch if the skeleton leaned as the torso does, m.
    above : NDArray
        ``(P,)`` how far each patch is above the root, along the torso, m.

    Returns
    -------
    z : float
        m; NaN if most patches are refused.
    sigma : float
        Its standard deviation, m.

    """
    line = np.full(len(measured), np.median(measured))
    for _ in range(_REFITS):
        off = np.abs(measured - line)
        good = off <= max(_REFUSED * float(np.median(off)), _FLOOR)
        if 2 * np.count_nonzero(good) < len(measured):
            return np.nan, np.nan
        # Least squares for the depth at the root and the slope of the line, whose prior mean is 0.
        noise = max(1.4826 * float(np.median(off[good])), _LEAST_NOISE)
        x, y = above[good], measured[good]
        middle, count = x.mean(), len(x)
        steep = np.square(x - middle).sum() + (noise / _LEAN) ** 2
        slope = (x - middle) @ (y - y.mean()) / steep
        # The remaining uncertainty of the slope adds to that of the root.
        z = float(y.mean() - slope * middle)
        line = z + slope * above
    return z, float(noise * np.sqrt(1 / count + middle**2 / steep))


def fuse(
    projective: float, sigma_projective: float, measured: float, sigma_measured: float
) -> float:
    """
    Return the mean of two depths, weighted by their uncertainties.

    Parameters
    ----------
    projective, sigma_projective : float
        By the image alone, m.
    measured, sigma_measured : float
        By the depth image, m.

    Returns
    -------
    float
        m; NaN if the measurement is missing, or so different that it cannot be of this person.

    """
    if not abs(measured - projective) <= 3 * np.hypot(sigma_projective, sigma_measured):
        return np.nan
    a, b = sigma_projective**-2, sigma_measured**-2
    return float((a * projective + b * measured) / (a + b))


def _patches(depth: NDArray[np.float32], places: Array) -> NDArray[np.float64]:
    """``(P,)`` median depth around each place; NaN where most of it is unknown."""
    h, w = depth.shape
    known = np.isfinite(places).all(-1, keepdims=True)
    centre = np.rint(np.where(known, places, -1e6)).astype(int)
    reach = np.arange(-_PATCH, _PATCH + 1)
    y = centre[:, 1, None, None] + reach[:, None]
    x = centre[:, 0, None, None] + reach
    inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
    values = depth[np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)].astype(np.float64)
    values[~inside | ~(values > _NEAREST) | ~np.isfinite(values)] = np.nan
    values = np.sort(values.reshape(len(places), -1), -1)  # NaN go last.
    count = np.isfinite(values).sum(-1)
    middle = values[np.arange(len(values)), np.maximum(count - 1, 0) // 2]
    return np.where(2 * count > values.shape[-1], middle, np.nan)


def _thickness(points: Array, skeleton: Skeleton) -> float:
    """Return the distance from surface to joints, m: the torso is an ellipse, turned as it is."""
    left, right, top, low = points[
        skeleton.indices('left_shoulder_joint', 'right_shoulder_joint', 'neck', 'pelvis')
    ]
    across = left - right
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    view = 0.5 * (top + low)
    view = view / max(float(np.linalg.norm(view)), 1e-6)
    side = float(np.clip(across @ view, -1, 1))
    return float(1 / np.hypot(side / _HALF_WIDTH, np.sqrt(1 - side**2) / _HALF_DEPTH))


def _arms_before(joints: Array, points: Array, skeleton: Skeleton) -> NDArray[np.float64]:
    """``(P,)`` Depth of the arms' surface on the rays of points ``(P, 3)``; inf without one."""
    start, end = (points[skeleton.indices(*names)] for names in zip(*_ARM_BONES, strict=True))
    rays, first, second = (
        place[..., :2] / np.maximum(place[..., 2:], _NEAREST) for place in (joints, start, end)
    )
    along = second - first
    share = ((rays[:, None] - first) * along).sum(-1)
    share = np.clip(share / np.maximum(np.square(along).sum(-1), 1e-12), 0, 1)
    z = start[:, 2] + share * (end[:, 2] - start[:, 2])
    aside = np.linalg.norm(rays[:, None] - first - share[..., None] * along, axis=-1) * z
    reach = np.sqrt(np.maximum(_ARM**2 - aside**2, 0))
    surface: NDArray[np.float64] = np.where(aside < _ARM, z - reach, np.inf).min(-1)
    return surface
