"""Numba kernels of cloth textures: patterns, folds, zips and pockets."""

from __future__ import annotations

import numba
import numpy as np
from unihpe_ros.synthesis.render.noise import fractal, noise

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_ZERO = np.float32(0)
_ONE = np.float32(1)
_HALF = np.float32(0.5)
_PER_BYTE = np.float32(1 / 255)


@jit
def atlas_at(atlas, picture, u, v):  # type: ignore[no-untyped-def]
    """Return the value of a texture of the atlas, repeated, 0 to 1."""
    side = atlas.shape[1]
    i = int((u - np.floor(u)) * np.float32(side))
    j = int((v - np.floor(v)) * np.float32(side))
    return np.float32(atlas[picture, min(j, side - 1), min(i, side - 1)]) * _PER_BYTE


@jit
def second_colour_share(material, atlas, x, y, z):  # type: ignore[no-untyped-def]
    """Return the share of a material's second colour at a point of its texture space."""
    kind = material.pattern
    if kind == 0:
        return _ZERO
    f, phase, threshold = material.frequency, material.phase, material.threshold
    if kind == 1:  # Stripes.
        d = material.direction
        return _ONE if np.sin(phase + f * (x * d[0] + y * d[1] + z * d[2])) > threshold else _ZERO
    if kind == 2:  # Checks.
        across = np.float32(0.5) if np.sin(phase + f * x) > threshold else _ZERO
        return across + (np.float32(0.5) if np.sin(phase + f * z) > threshold else _ZERO)
    if kind == 3:  # Blotches.
        return _ONE if fractal(x * f + phase, y * f, z * f, 3) > threshold else _ZERO
    if kind == 4:  # Dots.
        u, v = x * f + phase, z * f
        u -= np.floor(u) + np.float32(0.5)
        v -= np.floor(v) + np.float32(0.5)
        return _ONE if u * u + v * v < threshold else _ZERO
    if kind == 5:  # Chest print.
        box = material.print_box
        if y > np.float32(-0.02) or abs(x - box[0]) > box[2] or abs(z - box[1]) > box[3]:
            return _ZERO
        u = (x - box[0]) / box[2] * _HALF + _HALF
        v = _HALF - (z - box[1]) / box[3] * _HALF
        return atlas_at(atlas, material.picture, u, v)
    if kind == 6:  # Gradient from bottom to top.
        return min(max((z - threshold) * f, _ZERO), _ONE)
    if kind == 7:  # Wood: noise drawn out along one axis.
        return fractal(x * f, y * f, z * f * np.float32(0.08) + phase, 3)
    if kind == 9:  # A picture again and again, upright in front and at the back.
        u = x if y < 0 else -x
        return atlas_at(atlas, material.picture, u * f + phase, phase - z * f)
    # Bricks.
    v = z * f
    u = (x + y) * f * np.float32(0.4) + np.float32(0.5) * (np.floor(v) - np.floor(v / 2) * 2)
    u -= np.floor(u)
    v -= np.floor(v)
    return _ONE if u < np.float32(0.06) or v < np.float32(0.12) else _ZERO


@jit
def crease(material, x, y, z):  # type: ignore[no-untyped-def]
    """Return the distance of a point of cloth from the next crease, in half their spacing."""
    s = material.fold_scale
    stretch = material.fold_stretch
    x, y, z = x * stretch[0], y * stretch[1], z * stretch[2]
    bend = noise(x * s * _HALF, y * s * _HALF, z * s * _HALF + material.phase)
    ridge = noise(x * s + material.phase, y * s + bend, (z + bend * np.float32(0.12)) * s)
    near = material.fold_edge * abs(ridge - _HALF)
    return near / (np.float32(0.35) + near) * np.float32(1.2)


@jit
def relief(material, x, y, z):  # type: ignore[no-untyped-def]
    """Return the height of a surface's relief: fine bumps, and folds."""
    height = _ZERO
    if material.bump > 0:
        s = material.bump_scale
        height += material.bump * noise(x * s, y * s, z * s)
    if material.fold > 0:
        height += np.float32(0.35) * material.fold * crease(material, x, y, z)
    return height


@jit
def mark_at(material, x, y, z):  # type: ignore[no-untyped-def]
    """Return the number of the mark (zip, pocket, belt) at a point of a garment; -1 for none."""
    for k in range(material.mark_count):
        mark = material.marks[k]
        if y * mark[4] < 0:
            continue
        across = abs(abs(x) - mark[0]) if mark[6] > 0 else abs(x - mark[0])
        up = abs(z - mark[1])
        if across > mark[2] or up > mark[3]:
            continue
        line = mark[5]
        if line <= 0 or across > mark[2] - line or up > mark[3] - line:
            return k
    return -1
