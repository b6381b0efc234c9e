"""Placing skeletons in the room: their size from a known stature, their root from the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import Skeleton

# Height of the ankle joint over the floor as a share of the stature
# (Drillis and Contini 1966, in Winter: Biomechanics and Motor Control of Human Movement).
_ANKLE_HEIGHT = 0.039
# Beyond these the skeleton is wrong, not the person unusual.
_SCALE_LIMITS = (0.4, 2.0)
# Rounds of reweighting, and the residual, rad, below which nothing is an outlier.
_REWEIGHTINGS = 3
_LEAST_SCALE = 1e-4
_LEG = ('hip_joint', 'knee', 'ankle')
_TRUNK = ('pelvis', 'spine', 'neck', 'head', 'head_top')


def stature(points: Array, skeleton: Skeleton) -> NDArray[np.float64]:
    """
    Return how tall each person would stand, by the lengths of the bones.

    Parameters
    ----------
    points : NDArray
        ``(..., K, 3)`` m, any frame.
    skeleton : Skeleton
        The set of `points`; it must have the legs' and the trunk's joints.

    Returns
    -------
    NDArray[np.float64]
        ``(...)`` m: ankles to the top of the head along the bones, and the feet below.

    """
    left = _length(points, skeleton, [f'left_{name}' for name in _LEG])
    right = _length(points, skeleton, [f'right_{name}' for name in _LEG])
    chain = 0.5 * (left + right) + _length(points, skeleton, _TRUNK)
    return chain / (1 - _ANKLE_HEIGHT)


def scale_to_stature(points: Array, skeleton: Skeleton, height: float) -> Array:
    """
    Scale root-relative skeletons to a known stature.

    Parameters
    ----------
    points : NDArray
        ``(..., K, 3)`` m, root-relative.
    skeleton : Skeleton
        The set of `points`.
    height : float
        Stature of every person, m.

    """
    factor = height / np.maximum(stature(points, skeleton), 1e-3)
    return points * np.clip(factor, *_SCALE_LIMITS)[..., None, None]


def locate_root(relative: Array, rays: Array, weights: Array) -> tuple[Array, Array]:
    """
    Find the translation that makes root-relative skeletons project onto observed rays.

    Each keypoint gives two linear equations in the translation t,
    ``t_x - u t_z = u Z - X`` and ``t_y - v t_z = v Z - Y``; the weighted normal equations are
    solved a few times, each time with Cauchy weights of the residuals left before, so that a few
    wrong keypoints do not carry the person away.

    Parameters
    ----------
    relative : NDArray
        ``(N, K, 3)`` root-relative keypoints, m, in the frame in which the rays are given.
    rays : NDArray
        ``(N, K, 2)`` observed x/z, y/z.
    weights : NDArray
        ``(N, K)`` weight of each keypoint; entries that are not finite count 0.

    Returns
    -------
    translation : NDArray
        ``(N, 3)`` root position, m; NaN where fewer than two keypoints carry weight.
    residual : NDArray
        ``(N,)`` weighted RMS angle left over, about rad.

    """
    valid = np.isfinite(relative).all(-1) & np.isfinite(rays).all(-1) & (weights > 0)
    w = np.where(valid, weights, 0.0)
    points = np.where(valid[..., None], relative, 0.0).astype(np.float64)
    seen = np.where(valid[..., None], rays, 0.0).astype(np.float64)
    robust = w
    for step in range(_REWEIGHTINGS + 1):
        t = _solve_translation(points, seen, robust)
        residual = _angles(points, seen, t)
        if step < _REWEIGHTINGS:
            scale = np.maximum(_middle(residual, valid), _LEAST_SCALE)
            robust = w / (1 + (residual / scale) ** 2)
    rms = np.sqrt(np.sum(robust * residual**2, -1) / np.maximum(robust.sum(-1), 1e-9))
    unsolved = (valid.sum(-1) < 2) | ~(t[:, 2] > 0)
    t[unsolved] = np.nan
    rms[unsolved] = np.nan
    return t, rms


def _solve_translation(points: Array, rays: Array, w: Array) -> Array:
    u, v = rays[..., 0], rays[..., 1]
    b_x = u * points[..., 2] - points[..., 0]
    b_y = v * points[..., 2] - points[..., 1]
    total = np.maximum(w.sum(-1), 1e-9)
    wu, wv = (w * u).sum(-1), (w * v).sum(-1)
    wuu = (w * (u * u + v * v)).sum(-1)
    rhs_x, rhs_y = (w * b_x).sum(-1), (w * b_y).sum(-1)
    rhs_z = -(w * (u * b_x + v * b_y)).sum(-1)
    # Schur complement of the 3x3 normal matrix [[W,0,-wu],[0,W,-wv],[-wu,-wv,wuu]].
    determinant = np.maximum(wuu - (wu * wu + wv * wv) / total, 1e-12)
    z = (rhs_z + (wu * rhs_x + wv * rhs_y) / total) / determinant
    return np.stack([(rhs_x + wu * z) / total, (rhs_y + wv * z) / total, z], -1)


def _middle(residual: Array, valid: NDArray[np.bool_]) -> Array:
    """``(N, 1)`` median residual of the keypoints that count."""
    ordered = np.sort(np.where(valid, residual, np.inf), -1)
    middle = np.maximum(valid.sum(-1, keepdims=True) - 1, 0) // 2
    return np.take_along_axis(ordered, middle, -1)


def _angles(points: Array, rays: Array, t: Array) -> Array:
    placed = points + t[:, None]
    depth = np.maximum(placed[..., 2], 0.05)
    return np.hypot(placed[..., 0] / depth - rays[..., 0], placed[..., 1] / depth - rays[..., 1])


def _length(points: Array, skeleton: Skeleton, chain: Sequence[str]) -> Array:
    joints = points[..., skeleton.indices(*chain), :].astype(np.float64)
    return np.linalg.norm(np.diff(joints, axis=-2), axis=-1).sum(-1)
