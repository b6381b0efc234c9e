"""Kernels that colour what the depth buffer shows: texture, relief, light and shadow."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.noise import fractal, noise
from unihpe_ros.synthesis.raster import shadow_at

Float32 = NDArray[np.float32]

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_ZERO = np.float32(0)
_ONE = np.float32(1)
_HALF = np.float32(0.5)
_SHADOW_BIAS = np.float32(0.025)


@jit
def sky_light(sh: Float32, x: float, y: float, z: float, channel: int) -> float:
    """Diffuse light from all around on a surface that faces (x, y, z); never negative."""
    light = (
        sh[0, channel] * np.float32(0.282095)
        + np.float32(0.488603) * (sh[1, channel] * y + sh[2, channel] * z + sh[3, channel] * x)
        + np.float32(1.092548)
        * (sh[4, channel] * x * y + sh[5, channel] * y * z + sh[7, channel] * x * z)
        + sh[6, channel] * np.float32(0.315392) * (np.float32(3) * z * z - _ONE)
        + sh[8, channel] * np.float32(0.546274) * (x * x - y * y)
    )
    return max(light, _ZERO)


@jit
def second_colour_share(material, x, y, z):  # type: ignore[no-untyped-def]
    """How much of a material's second colour shows at a point of its texture space."""
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
        glyphs = noise(x * f + phase, np.float32(3), z * f * np.float32(1.3))
        return _ONE if glyphs > threshold else _ZERO
    if kind == 6:  # Gradient from bottom to top.
        return min(max((z - threshold) * f, _ZERO), _ONE)
    if kind == 7:  # Wood: noise drawn out along one axis.
        return fractal(x * f, y * f, z * f * np.float32(0.08) + phase, 3)
    # Bricks.
    v = z * f
    u = (x + y) * f * np.float32(0.4) + np.float32(0.5) * (np.floor(v) - np.floor(v / 2) * 2)
    u -= np.floor(u)
    v -= np.floor(v)
    return _ONE if u < np.float32(0.06) or v < np.float32(0.12) else _ZERO


@jit
def crease(material, x, y, z):  # type: ignore[no-untyped-def]
    """How far a point of cloth is from the next crease: 0 in it, about 1 between two."""
    s = material.fold_scale
    bend = noise(x * s * _HALF, y * s * _HALF, z * s * _HALF + material.phase)
    ridge = noise(x * s + material.phase, y * s, (z + bend * np.float32(0.12)) * s)
    return min(np.float32(4) * abs(ridge - _HALF), _ONE)


@jit
def relief(material, x, y, z):  # type: ignore[no-untyped-def]
    """Height of a surface's relief: fine bumps, and folds as creased large noise."""
    height = _ZERO
    if material.bump > 0:
        s = material.bump_scale
        height += material.bump * noise(x * s, y * s, z * s)
    if material.fold > 0:
        height += np.float32(0.35) * material.fold * crease(material, x, y, z)
    return height


@jit
def mark_at(material, x, y, z):  # type: ignore[no-untyped-def]
    """Which of a garment's marks (zip, pocket, belt) is at a point; -1 for none."""
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


@jit
def corner_weights(  # type: ignore[no-untyped-def]
    seen, a, b, c, x, y
):
    """Perspective-correct weights of a triangle's corners at a pixel."""
    x0, y0, x1, y1 = seen[a, 0], seen[a, 1], seen[b, 0], seen[b, 1]
    x2, y2 = seen[c, 0], seen[c, 1]
    per_area = _ONE / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
    w0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) * per_area
    w1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) * per_area
    w2 = (_ONE - w0 - w1) / seen[c, 2]
    w0 /= seen[a, 2]
    w1 /= seen[b, 2]
    scale = _ONE / (w0 + w1 + w2)
    return w0 * scale, w1 * scale, w2 * scale


@jit
def mix(values, a, b, c, w0, w1, w2, k):  # type: ignore[no-untyped-def]
    """Interpolate one column of a value per vertex."""
    return w0 * values[a, k] + w1 * values[b, k] + w2 * values[c, k]


@jit
def one_material(ids, face_materials, i, j):  # type: ignore[no-untyped-def]
    """Whether the 2x2 block that a pixel is in shows one material alone."""
    height, width = ids.shape
    i, j = i & ~1, j & ~1
    if j + 1 >= height or i + 1 >= width:
        return False
    f0, f1, f2, f3 = ids[j, i], ids[j, i + 1], ids[j + 1, i], ids[j + 1, i + 1]
    if f0 < 0 or f1 < 0 or f2 < 0 or f3 < 0:
        return False
    m = face_materials[f0]
    return m == face_materials[f1] and m == face_materials[f2] and m == face_materials[f3]


@jit
def shade(  # type: ignore[no-untyped-def]
    ids,
    seen,
    vertices,
    normals,
    texture,
    colours,
    faces,
    cover,
    face_materials,
    materials,
    sh,
    sun,
    sun_colour,
    shadow,
    light,
    place,
    eye,
    image,
):
    """
    Colour every pixel that shows a face, in linear RGB.

    A 2x2 block that shows one material is shaded once: edges keep the full resolution.

    """
    height, width = ids.shape
    for j in range(height):
        for i in range(width):
            f = ids[j, i]
            if f < 0:
                continue
            block = one_material(ids, face_materials, i, j)
            if block and (i & 1 or j & 1):
                continue
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            w0, w1, w2 = corner_weights(seen, a, b, c, np.float32(i), np.float32(j))
            px = mix(vertices, a, b, c, w0, w1, w2, 0)
            py = mix(vertices, a, b, c, w0, w1, w2, 1)
            pz = mix(vertices, a, b, c, w0, w1, w2, 2)
            tx = mix(texture, a, b, c, w0, w1, w2, 0)
            ty = mix(texture, a, b, c, w0, w1, w2, 1)
            tz = mix(texture, a, b, c, w0, w1, w2, 2)
            nx = mix(normals, a, b, c, w0, w1, w2, 0)
            ny = mix(normals, a, b, c, w0, w1, w2, 1)
            nz = mix(normals, a, b, c, w0, w1, w2, 2)
            m = materials[face_materials[f]]
            if m.bump > 0 or m.fold > 0:
                step = np.float32(0.35) / max(m.bump_scale, m.fold_scale)
                flat = relief(m, tx, ty, tz)
                nx -= relief(m, tx + step, ty, tz) - flat
                ny -= relief(m, tx, ty + step, tz) - flat
                nz -= relief(m, tx, ty, tz + step) - flat
            per = _ONE / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-12))
            nx, ny, nz = nx * per, ny * per, nz * per
            vx, vy, vz = eye[0] - px, eye[1] - py, eye[2] - pz
            per = _ONE / np.sqrt(vx * vx + vy * vy + vz * vz + np.float32(1e-12))
            vx, vy, vz = vx * per, vy * per, vz * per
            facing = nx * vx + ny * vy + nz * vz
            if facing < 0:
                nx, ny, nz, facing = -nx, -ny, -nz, -facing

            share = second_colour_share(m, tx, ty, tz)
            uneven = (
                _ONE
                + m.mottle
                * (
                    fractal(tx * m.mottle_scale, ty * m.mottle_scale, tz * m.mottle_scale, 3)
                    - np.float32(0.45)
                )
                + m.grain
                * (
                    noise(tx * m.grain_scale, ty * m.grain_scale, tz * m.grain_scale)
                    - np.float32(0.5)
                )
            )
            at_edge = w0 * cover[f, 0] + w1 * cover[f, 1] + w2 * cover[f, 2] < m.trim_width
            if m.fold > 0:
                uneven *= _ONE - np.float32(0.14) * m.fold * (_ONE - crease(m, tx, ty, tz)) ** 2
            mark = mark_at(m, tx, ty, tz)
            paint = m.painted * mix(colours, a, b, c, w0, w1, w2, 3)

            towards_sun = nx * sun[0] + ny * sun[1] + nz * sun[2]
            lit = _ONE
            if towards_sun > -m.wrap and shadow.shape[0] > 1:
                lit -= shadow_at(px, py, pz, shadow, light, place, _SHADOW_BIAS)
            direct = max(towards_sun, _ZERO) * lit
            if m.wrap > 0:
                around = max((towards_sun + m.wrap) / (_ONE + m.wrap), _ZERO)
                direct = around * (np.float32(0.35) if towards_sun < 0 else lit)
            shine = _ZERO
            if towards_sun > 0 and m.gloss > 0:
                hx, hy, hz = vx + sun[0], vy + sun[1], vz + sun[2]
                half = (nx * hx + ny * hy + nz * hz) / np.sqrt(
                    hx * hx + hy * hy + hz * hz + np.float32(1e-9)
                )
                shine = max(half, _ZERO) ** m.shininess * m.gloss * lit
            rim = _ONE - facing
            rim = m.rim * rim * rim * rim
            for k in range(3):
                colour = m.base[k] + (m.second[k] - m.base[k]) * share
                if at_edge or (mark >= 0 and m.marks[mark, 7] < 0):
                    colour = m.trim[k]
                elif mark >= 0:
                    colour *= m.marks[mark, 7]
                colour *= uneven
                colour += (mix(colours, a, b, c, w0, w1, w2, k) - colour) * paint
                ambient = sky_light(sh, nx, ny, nz, k)
                value = colour * (ambient + direct * sun_colour[k])
                value += shine * sun_colour[k] + rim * ambient
                image[j, i, k] = value
                if block:
                    image[j, i + 1, k] = value
                    image[j + 1, i, k] = value
                    image[j + 1, i + 1, k] = value


@jit
def resolve(image, ids, background, shrunk):  # type: ignore[no-untyped-def]
    """Average 2x2 blocks of the drawing, with the background where nothing was drawn."""
    height, width = shrunk.shape[0], shrunk.shape[1]
    for j in range(height):
        for i in range(width):
            for k in range(3):
                total = _ZERO
                for q in range(4):
                    jj, ii = 2 * j + (q >> 1), 2 * i + (q & 1)
                    total += image[jj, ii, k] if ids[jj, ii] >= 0 else background[j, i, k]
                shrunk[j, i, k] = np.float32(0.25) * total
