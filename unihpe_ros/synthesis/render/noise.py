"""Numba kernels of smooth 3D noise, of which all procedural textures are made."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_SIDE = 32
LATTICE = np.random.default_rng(7).random((_SIDE, _SIDE, _SIDE)).astype(np.float32)

_ONE = np.float32(1)
_HALF = np.float32(0.5)


@jit
def noise(x: float, y: float, z: float) -> float:
    """Return smooth noise in [0, 1] with features about one unit wide."""
    x0, y0, z0 = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = int(x0) & (_SIDE - 1), int(y0) & (_SIDE - 1), int(z0) & (_SIDE - 1)
    i1, j1, k1 = (i + 1) & (_SIDE - 1), (j + 1) & (_SIDE - 1), (k + 1) & (_SIDE - 1)
    u, v, w = np.float32(x - x0), np.float32(y - y0), np.float32(z - z0)
    u = u * u * (np.float32(3) - np.float32(2) * u)
    v = v * v * (np.float32(3) - np.float32(2) * v)
    w = w * w * (np.float32(3) - np.float32(2) * w)
    a = LATTICE[i, j, k] + (LATTICE[i1, j, k] - LATTICE[i, j, k]) * u
    b = LATTICE[i, j1, k] + (LATTICE[i1, j1, k] - LATTICE[i, j1, k]) * u
    c = LATTICE[i, j, k1] + (LATTICE[i1, j, k1] - LATTICE[i, j, k1]) * u
    d = LATTICE[i, j1, k1] + (LATTICE[i1, j1, k1] - LATTICE[i, j1, k1]) * u
    near = a + (b - a) * v
    far = c + (d - c) * v
    return near + (far - near) * w


@jit
def fractal(x: float, y: float, z: float, octaves: int) -> float:
    """Return noise summed over several octaves, about 0.5 on average."""
    total = np.float32(0)
    weight = _HALF
    for _ in range(octaves):
        total += weight * noise(x, y, z)
        x *= np.float32(2.03)
        y *= np.float32(2.03)
        z *= np.float32(2.03)
        weight *= _HALF
    return total


@jit
def noise_at(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(N,)`` Noise at ``(N, 3)`` points."""
    values = np.empty(points.shape[0], np.float32)
    for i in range(points.shape[0]):
        values[i] = noise(points[i, 0], points[i, 1], points[i, 2])
    return values
