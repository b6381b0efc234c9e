"""Numba kernel of floor, wall and ground patterns: plaster, tiles, bricks, planks, grass."""

from __future__ import annotations

import numba
import numpy as np
from unihpe_ros.synthesis.render.noise import fractal, noise

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_ZERO = np.float32(0)
_ONE = np.float32(1)
_HALF = np.float32(0.5)

# What a plane (floor, wall, ceiling) looks like.
SURFACE = np.dtype(
    [
        ('kind', 'i4'),
        ('base', 'f4', 3),
        ('second', 'f4', 3),
        ('scale', 'f4'),
        ('ratio', 'f4'),
        ('rough', 'f4'),
        ('rough_scale', 'f4'),
    ]
)


@jit
def surface_share(kind, u, v, scale, ratio):  # type: ignore[no-untyped-def]
    """Return the share of the second colour on a surface at (u, v), m."""
    if kind == 0:  # Plaster, carpet.
        return _ZERO
    if kind == 1:  # Stripes.
        return _ONE if np.sin(u * scale * np.float32(6)) > ratio - _ONE else _ZERO
    if kind == 2:  # Checkerboard.
        cell = np.floor(u * scale) + np.floor(v * scale)
        return cell - np.float32(2) * np.floor(cell * _HALF)
    if kind == 3:  # Clouds: stone, sand, old paint.
        return fractal(u * scale, v * scale, _HALF, 4)
    if kind == 4:  # Bricks and tiles: joints, and every stone a little different.
        vv = v * scale * ratio
        uu = u * scale + _HALF * (np.floor(vv) - np.float32(2) * np.floor(vv * _HALF))
        fu, fv = uu - np.floor(uu), vv - np.floor(vv)
        if fu < np.float32(0.05) or fv < np.float32(0.07):
            return _ONE
        return np.float32(0.3) * noise(
            np.floor(uu) * np.float32(7.3), np.floor(vv) * np.float32(3.1), _ZERO
        )
    if kind == 5:  # Planks with grain.
        uu = u * scale
        fu = uu - np.floor(uu)
        if fu < np.float32(0.03):
            return _ONE
        shift = np.floor(uu) * np.float32(5.7)
        return np.float32(0.8) * fractal(uu * np.float32(4), v * _HALF * scale + shift, shift, 3)
    # Grass, leaves, gravel: fine noise in two sizes.
    fine = noise(u * scale * np.float32(16), v * scale * np.float32(16), _ZERO)
    return _HALF * fine + _HALF * fractal(u * scale, v * scale, np.float32(2.5), 3)
