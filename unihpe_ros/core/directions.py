"""Rotations that turn one direction into another by the smallest angle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array

# Directions that are nearer to opposite than this cosine share an axis that rounding decides.
_OPPOSITE = -1 + 1e-6


def smallest_rotation(start: Array, end: Array) -> NDArray[np.float64]:
    """
    Return the smallest rotation that turns each direction into another.

    Parameters
    ----------
    start, end : NDArray
        ``(..., 3)`` unit vectors; their leading axes are broadcast.

    Returns
    -------
    NDArray[np.float64]
        ``(..., 3, 3)``; the identity, within 0.002, for directions that are opposite within
        0.0014 rad.

    """
    a, b = ([one[..., axis] for axis in range(3)] for one in (start, end))
    # Rodrigues' formula about a x b, written out: products of many small matrices are slow.
    x, y, z = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    k = (cosine > _OPPOSITE) / (1 + np.maximum(cosine, _OPPOSITE))
    kx, ky, kz = k * x, k * y, k * z
    kxy, kxz, kyz, kxx, kyy, kzz = kx * y, kx * z, ky * z, kx * x, ky * y, kz * z
    turn = np.empty((*k.shape, 3, 3))
    turn[..., 0, 0], turn[..., 1, 1], turn[..., 2, 2] = (
        1 - (kyy + kzz),
        1 - (kxx + kzz),
        1 - (kxx + kyy),
    )
    turn[..., 0, 1], turn[..., 1, 0] = kxy - z, kxy + z
    turn[..., 0, 2], turn[..., 2, 0] = kxz + y, kxz - y
    turn[..., 1, 2], turn[..., 2, 1] = kyz - x, kyz + x
    return turn


def rotation_to_axis(rays: Array) -> NDArray[np.float64]:
    """
    Return the smallest rotation that brings each viewing ray onto the optical axis.

    Parameters
    ----------
    rays : NDArray
        ``(..., 2)`` x/z, y/z.

    Returns
    -------
    NDArray[np.float64]
        ``(..., 3, 3)`` rotations `virtual_from_camera`.

    """
    direction = np.concatenate([rays, np.ones_like(rays[..., :1])], -1)
    unit = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    x, y, z = unit[..., 0], unit[..., 1], unit[..., 2]
    # `smallest_rotation` to the axis, without what is multiplied by its zeros.
    k = 1 / (1 + z)
    kx, ky = k * x, k * y
    turn = np.empty((*k.shape, 3, 3))
    turn[..., 0, 0], turn[..., 1, 1] = 1 - kx * x, 1 - ky * y
    turn[..., 0, 1] = turn[..., 1, 0] = -ky * x
    turn[..., :2, 2], turn[..., 2, :] = -unit[..., :2], unit
    turn[..., 2, 2] = 1 - (ky * y + kx * x)
    return turn
