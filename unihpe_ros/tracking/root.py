"""Root placement: scale from a known stature, translation from 2D-3D correspondences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.core.stature import LEG, stature, TRUNK

# Range of plausible scales: beyond it the skeleton is wrong.
_SCALE_LIMITS = (0.4, 2.0)
# Rounds of reweighting, and the residual, rad, below which nothing is an outlier.
_REWEIGHTINGS = 3
_LEAST_SCALE = 1e-4
# Stature, m, above which the network is more often wrong than a person that tall, and the share of
# the excess that is kept.
_TALL, _BELIEVED = 1.75, 0.25
# Weight of keypoints that depend little on the stature (arms, shoulders, face), against the
# others.
_ASIDE = 0.15
_TELLING = (*TRUNK, *(f'{side}_{name}' for side in ('left', 'right') for name in (*LEG, 'hip')))


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


def plausible_size(points: Array, skeleton: Skeleton) -> Array:
    """
    Shrink root-relative skeletons that are taller than people are likely to be.

    Parameters
    ----------
    points : NDArray
        ``(..., K, 3)`` m, root-relative.
    skeleton : Skeleton
        The set of `points`.

    """
    tall = np.maximum(stature(points, skeleton), _TALL)
    return points * ((_TALL + _BELIEVED * (tall - _TALL)) / tall)[..., None, None]


def root_weights(skeleton: Skeleton) -> NDArray[np.float64]:
    """
    Weight of each keypoint in the root's depth.

    Arms, shoulders and face are weighted down, so that their length cannot bias the depth.

    Parameters
    ----------
    skeleton : Skeleton
        The keypoint set.

    Returns
    -------
    NDArray[np.float64]
        ``(K,)`` weights.

    """
    return np.array([1.0 if name in _TELLING else _ASIDE for name in skeleton.keypoints])


def locate_root(relative_3d: Array, rays: Array, weights: Array) -> tuple[Array, Array]:
    """
    Find the translation that makes root-relative skeletons project onto observed rays.

    Each keypoint gives two linear equations in the translation t, ``t_x - u t_z = u Z - X`` and
    ``t_y - v t_z = v Z - Y``; the weighted normal equations are solved a few times, each time with
    Cauchy weights of the residuals of the round before, so that a few wrong keypoints do not move
    the person.

    Parameters
    ----------
    relative_3d : NDArray
        ``(N, K, 3)`` root-relative keypoints, m, in the frame in which the rays are given.
    rays : NDArray
        ``(N, K, 2)`` observed x/z, y/z.
    weights : NDArray
        ``(N, K)`` weight of each keypoint; values that are not finite count as 0.

    Returns
    -------
    translation : NDArray
        ``(N, 3)`` root position, m; NaN where fewer than two keypoints carry weight.
    residual : NDArray
        ``(N,)`` weighted RMS of the residual angles, about rad.

    """
    valid = np.isfinite(relative_3d).all(-1) & np.isfinite(rays).all(-1) & (weights > 0)
    w = np.where(valid, weights, 0.0).astype(np.float64, copy=False)
    points = np.where(valid[..., None], relative_3d, 0.0).astype(np.float64, copy=False)
    seen = np.where(valid[..., None], rays, 0.0).astype(np.float64, copy=False)
    terms, count = _terms(points, seen), np.count_nonzero(valid, axis=-1)
    everybody, middle, robust = np.arange(len(w)), np.maximum(count - 1, 0) // 2, w
    for step in range(_REWEIGHTINGS + 1):
        t = _solve_translation((robust[:, None] @ terms)[:, 0])
        residual = _angles(points, seen, t)
        if step < _REWEIGHTINGS:
            # The median of the keypoints with weight.
            ordered = np.sort(np.where(valid, residual, np.inf), -1)
            scale = ordered[everybody, middle, None]
            robust = w / (1 + (residual / np.maximum(scale, _LEAST_SCALE)) ** 2)
    rms = np.sqrt(np.sum(robust * residual**2, -1) / np.maximum(robust.sum(-1), 1e-9))
    unsolved = (count < 2) | ~(t[:, 2] > 0)
    t[unsolved] = np.nan
    rms[unsolved] = np.nan
    return t, rms


def _terms(points: Array, rays: Array) -> Array:
    """``(N, K, 7)`` what each keypoint adds to the normal equations, for a weight of 1."""
    terms = np.empty((*points.shape[:-1], 7))
    squared, b = rays * rays, rays * points[..., 2:] - points[..., :2]
    along = rays * b
    terms[..., 0], terms[..., 1:3], terms[..., 4:6] = 1, rays, b
    np.add(squared[..., 0], squared[..., 1], out=terms[..., 3])
    np.negative(along[..., 0] + along[..., 1], out=terms[..., 6])
    return terms


def _solve_translation(sums: Array) -> Array:
    """``(N, 3)`` translation from ``(N, 7)`` weighted sums of the terms."""
    # Plain numbers: NumPy takes longer for a step of this than Python for all of one person.
    return np.array([_translation(*row) for row in sums.tolist()]).reshape(-1, 3)


def _translation(
    total: float, wu: float, wv: float, wuu: float, rhs_x: float, rhs_y: float, rhs_z: float
) -> tuple[float, float, float]:
    total = max(total, 1e-9)
    # Schur complement of the 3x3 normal matrix [[W,0,-wu],[0,W,-wv],[-wu,-wv,wuu]].
    determinant = max(wuu - (wu * wu + wv * wv) / total, 1e-12)
    z = (rhs_z + (wu * rhs_x + wv * rhs_y) / total) / determinant
    return (rhs_x + wu * z) / total, (rhs_y + wv * z) / total, z


def _angles(points: Array, rays: Array, t: Array) -> Array:
    placed = points + t[:, None]
    off = placed[..., :2] / np.maximum(placed[..., 2:], 0.05) - rays
    return np.hypot(off[..., 0], off[..., 1])
