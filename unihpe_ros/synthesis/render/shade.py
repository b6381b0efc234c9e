"""Numba kernels that shade visible faces: texture, relief, light and shadow."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.raster import shadow_at
from unihpe_ros.synthesis.render.noise import fractal, noise
from unihpe_ros.synthesis.render.textures import crease, mark_at, relief, second_colour_share

Float32 = NDArray[np.float32]

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_ZERO = np.float32(0)
_ONE = np.float32(1)
_SHADOW_BIAS = np.float32(0.025)


@jit
def sky_light(sh: Float32, x: float, y: float, z: float, channel: int) -> float:
    """Return the ambient light on a surface with normal (x, y, z); never negative."""
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
def corner_weights(seen, corners, x, y):  # type: ignore[no-untyped-def]
    """Return perspective-correct barycentric weights at a pixel."""
    a, b, c = corners
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
def mix(values, corners, weights, k):  # type: ignore[no-untyped-def]
    """Return one column of a vertex attribute, interpolated."""
    return (
        weights[0] * values[corners[0], k]
        + weights[1] * values[corners[1], k]
        + weights[2] * values[corners[2], k]
    )


@jit
def mix3(values, corners, weights):  # type: ignore[no-untyped-def]
    """Write a vector attribute, interpolated."""
    return (
        mix(values, corners, weights, 0),
        mix(values, corners, weights, 1),
        mix(values, corners, weights, 2),
    )


@jit
def dot(a, b):  # type: ignore[no-untyped-def]
    """Return the scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@jit
def unit_vector(x, y, z):  # type: ignore[no-untyped-def]
    """Return the vector with the length 1."""
    per = _ONE / np.sqrt(x * x + y * y + z * z + np.float32(1e-12))
    return x * per, y * per, z * per


@jit
def one_material(ids, face_materials, i, j):  # type: ignore[no-untyped-def]
    """Return whether the 2x2 block of a pixel shows one material only."""
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
def bent_normal(material, texel, normal):  # type: ignore[no-untyped-def]
    """Write the normal changed by the surface's relief (bump mapping)."""
    nx, ny, nz = normal
    if material.bump > 0 or material.fold > 0:
        x, y, z = texel
        step = np.float32(0.35) / max(material.bump_scale, material.fold_scale)
        flat = relief(material, x, y, z)
        nx -= relief(material, x + step, y, z) - flat
        ny -= relief(material, x, y + step, z) - flat
        nz -= relief(material, x, y, z + step) - flat
    return unit_vector(nx, ny, nz)


@jit
def sunlight(  # type: ignore[no-untyped-def]
    material, point, normal, view, sun, shadow, light, place
):
    """Return the diffuse and the specular share of sunlight that a surface reflects."""
    towards = dot(normal, sun)
    lit = _ONE
    if towards > -material.wrap and shadow.shape[0] > 1:
        lit -= shadow_at(point[0], point[1], point[2], shadow, light, place, _SHADOW_BIAS)
    direct = max(towards, _ZERO) * lit
    if material.wrap > 0:
        around = max((towards + material.wrap) / (_ONE + material.wrap), _ZERO)
        direct = around * (np.float32(0.35) if towards < 0 else lit)
    shine = _ZERO
    if towards > 0 and material.gloss > 0:
        half = unit_vector(view[0] + sun[0], view[1] + sun[1], view[2] + sun[2])
        shine = max(dot(normal, half), _ZERO) ** material.shininess * material.gloss * lit
    return direct, shine


@jit
def unevenness(material, texel):  # type: ignore[no-untyped-def]
    """Return the factor on a surface's colour for stains, grain and creases."""
    x, y, z = texel
    s, t = material.mottle_scale, material.grain_scale
    factor = (
        _ONE
        + material.mottle * (fractal(x * s, y * s, z * s, 3) - np.float32(0.45))
        + material.grain * (noise(x * t, y * t, z * t) - np.float32(0.5))
    )
    if material.fold > 0:
        valley = _ONE - crease(material, x, y, z)
        factor *= _ONE - np.float32(0.14) * material.fold * valley * valley
    return factor


@jit
def mark_shade(material, texel, cover):  # type: ignore[no-untyped-def]
    """Return the factor of the mark at a point of a garment; negative for the trim's colour."""
    if cover < material.trim_width:
        return -_ONE
    mark = mark_at(material, texel[0], texel[1], texel[2])
    return material.marks[mark, 7] if mark >= 0 else _ONE


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
    atlas,
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
    Write the shaded colour of every pixel that shows a face, in linear RGB.

    A 2x2 block that shows one material is shaded once: edges keep the full resolution.

    """
    for j in range(ids.shape[0]):
        for i in range(ids.shape[1]):
            f = ids[j, i]
            if f < 0:
                continue
            block = one_material(ids, face_materials, i, j)
            if block and (i & 1 or j & 1):
                continue
            corners = faces[f, 0], faces[f, 1], faces[f, 2]
            weights = corner_weights(seen, corners, np.float32(i), np.float32(j))
            point = mix3(vertices, corners, weights)
            texel = mix3(texture, corners, weights)
            m = materials[face_materials[f]]
            normal = bent_normal(m, texel, mix3(normals, corners, weights))
            view = unit_vector(eye[0] - point[0], eye[1] - point[1], eye[2] - point[2])
            facing = dot(normal, view)
            if facing < 0:  # Surfaces are drawn from both sides.
                normal = -normal[0], -normal[1], -normal[2]
                facing = -facing
            direct, shine = sunlight(m, point, normal, view, sun, shadow, light, place)
            share = second_colour_share(m, atlas, texel[0], texel[1], texel[2])
            uneven = unevenness(m, texel)
            marked = mark_shade(m, texel, dot(weights, (cover[f, 0], cover[f, 1], cover[f, 2])))
            paint = m.painted * mix(colours, corners, weights, 3)
            edge = _ONE - facing
            rim = m.rim * edge * edge * edge
            for k in range(3):
                colour = m.base[k] + (m.second[k] - m.base[k]) * share
                colour = (m.trim[k] if marked < 0 else colour * marked) * uneven
                colour += (mix(colours, corners, weights, k) - colour) * paint
                ambient = sky_light(sh, normal[0], normal[1], normal[2], k)
                value = colour * (ambient + direct * sun_colour[k])
                value += shine * sun_colour[k] + rim * ambient
                image[j, i, k] = value
                if block:
                    image[j, i + 1, k] = value
                    image[j + 1, i, k] = value
                    image[j + 1, i + 1, k] = value


@jit
def resolve(image, ids, background, shrunk):  # type: ignore[no-untyped-def]
    """Average 2x2 blocks of the drawing over the background (anti-aliasing)."""
    height, width = shrunk.shape[0], shrunk.shape[1]
    for j in range(height):
        for i in range(width):
            for k in range(3):
                total = _ZERO
                for q in range(4):
                    jj, ii = 2 * j + (q >> 1), 2 * i + (q & 1)
                    total += image[jj, ii, k] if ids[jj, ii] >= 0 else background[j, i, k]
                shrunk[j, i, k] = np.float32(0.25) * total
