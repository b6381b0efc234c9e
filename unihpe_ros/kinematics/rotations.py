"""Body frames from directions, and angles from rotations, for many bodies at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

SHORTEST = 1e-6  # m, below which a bone has no direction.
_NEXT, _AFTER_NEXT = [1, 2, 0], [2, 0, 1]


def cross(a: Float64, b: Float64) -> Float64:
    """Return cross products; np.cross is slow on a few vectors."""
    return np.asarray(a[..., _NEXT] * b[..., _AFTER_NEXT] - a[..., _AFTER_NEXT] * b[..., _NEXT])


def wrapped(angles: Float64) -> Float64:
    """Return angles between -pi and pi."""
    return np.asarray((angles + np.pi) % (2 * np.pi) - np.pi)


def yxz_angles(rotation: Float64) -> tuple[Float64, Float64, Float64]:
    """Return the angles about y, then x, then z."""
    x = np.arcsin(np.clip(-rotation[:, 1, 2], -1, 1))
    y = np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2])
    return y, x, np.arctan2(rotation[:, 1, 0], rotation[:, 1, 1])


def zxy_angles(rotation: Float64) -> tuple[Float64, Float64, Float64]:
    """Return the angles about z, then x, then y."""
    x = np.arcsin(np.clip(rotation[:, 2, 1], -1, 1))
    z = np.arctan2(-rotation[:, 0, 1], rotation[:, 1, 1])
    return z, x, np.arctan2(-rotation[:, 2, 0], rotation[:, 2, 2])


def upright_frames(up: Float64, left: Float64) -> Float64:
    """``(N, 3, 3)`` Frames with z along `up`, and y to the left as far as it is across."""
    z = unit(up)
    x = unit(cross(left, z))
    return np.stack([x, cross(z, x), z], -1)


def unit(vectors: Float64) -> Float64:
    """``(N, 3)`` Unit vectors; NaN for what has no length."""
    lengths = length(vectors)[:, None]
    return np.where(lengths > SHORTEST, vectors / np.maximum(lengths, SHORTEST), np.nan)


def length(vectors: Float64) -> Float64:
    """``(...)`` Lengths of vectors."""
    return np.asarray(np.sqrt(np.square(vectors).sum(-1)))
