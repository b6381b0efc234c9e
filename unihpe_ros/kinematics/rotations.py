"""Body frames from directions, and angles from rotations, for many bodies at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

SHORTEST = 1e-6  # m, below which a bone has no direction.
_NEXT, _AFTER_NEXT = np.array([1, 2, 0]), np.array([2, 0, 1])


def cross(a: Float64, b: Float64) -> Float64:
    """Return cross products; np.cross is slow on a few vectors."""
    ahead = a.take(_NEXT, -1) * b.take(_AFTER_NEXT, -1)
    return np.asarray(ahead - a.take(_AFTER_NEXT, -1) * b.take(_NEXT, -1))


def wrapped(angles: Float64) -> Float64:
    """Return angles between -pi and pi."""
    return np.asarray((angles + np.pi) % (2 * np.pi) - np.pi)


def within(values: Float64, low: float, high: float) -> Float64:
    """Return values held between two limits; np.clip is slow on a few."""
    return np.asarray(np.minimum(np.maximum(values, low), high))


def yxz_angles(rotation: Float64) -> tuple[Float64, Float64, Float64]:
    """``(...)`` The angles about y, then x, then z of ``(..., 3, 3)`` rotations."""
    x = np.arcsin(within(-rotation[..., 1, 2], -1, 1))
    y = np.arctan2(rotation[..., 0, 2], rotation[..., 2, 2])
    return y, x, np.arctan2(rotation[..., 1, 0], rotation[..., 1, 1])


def zxy_angles(rotation: Float64) -> tuple[Float64, Float64, Float64]:
    """``(...)`` The angles about z, then x, then y of ``(..., 3, 3)`` rotations."""
    x = np.arcsin(within(rotation[..., 2, 1], -1, 1))
    z = np.arctan2(-rotation[..., 0, 1], rotation[..., 1, 1])
    return z, x, np.arctan2(-rotation[..., 2, 0], rotation[..., 2, 2])


def upright_frames(up: Float64, left: Float64) -> Float64:
    """``(..., 3, 3)`` Frames with z along `up`, and y to the left as far as it is across."""
    frames = np.empty((*up.shape, 3))
    z = unit(up)
    x = unit(cross(left, z))
    frames[..., 0], frames[..., 1], frames[..., 2] = x, cross(z, x), z
    return frames


def unit(vectors: Float64) -> Float64:
    """``(..., 3)`` Unit vectors; NaN for what has no length."""
    lengths = length(vectors)
    lengths[~(lengths > SHORTEST)] = np.nan
    return np.asarray(vectors / lengths[..., None])


def length(vectors: Float64) -> Float64:
    """``(...)`` Lengths of vectors."""
    return np.asarray(np.sqrt(np.add.reduce(vectors * vectors, -1)))
