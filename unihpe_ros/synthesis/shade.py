"""Kernels that colour what the depth buffer shows: texture, relief, light and shadow."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.noise import fractal, noise
from unihpe_ros.synthesis.raster import shadow_at
from unihpe_ros.synthesis.textures import crease, mark_at, relief, second_colour_share

Float32 = NDArray[np.float32]

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_ZERO = np.float32(0)
_ONE = np.float32(1)
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
