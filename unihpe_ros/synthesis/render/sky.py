"""Numba kernel that draws the outdoors: sky, clouds, skyline and ground."""

from __future__ import annotations

import numba
import numpy as np
from unihpe_ros.synthesis.primitives.raster import shadow_at
from unihpe_ros.synthesis.render.noise import fractal, noise
from unihpe_ros.synthesis.render.shade import sky_light
from unihpe_ros.synthesis.render.surfaces import surface_share

jit = numba.njit(cache=True, fastmath=True, nogil=True)
# Numba's own inlining: many array arguments make a call dearer than what it does.
inlined = numba.njit(inline='always', fastmath=True)

_ZERO = np.float32(0)
_ONE = np.float32(1)
_HALF = np.float32(0.5)
_BIAS = np.float32(0.03)

SKY = np.dtype(
    [
        ('zenith', 'f4', 3),
        ('horizon', 'f4', 3),
        ('haze', 'f4'),
        ('cloud', 'f4', 3),
        ('cloud_cover', 'f4'),
        ('cloud_scale', 'f4'),
        ('sun', 'f4', 3),
        ('sun_colour', 'f4', 3),
        ('skyline', 'i4'),  # 0 none, 1 hills, 2 trees, 3 houses.
        ('skyline_height', 'f4'),
        ('skyline_colour', 'f4', 3),
        ('seed', 'f4'),
    ]
)


@jit
def skyline_at(sky, angle):  # type: ignore[no-untyped-def]
    """Return the height of the skyline (tangent of its elevation) in a direction."""
    if sky.skyline == 0:
        return _ZERO
    if sky.skyline == 3:
        block = np.floor(angle * np.float32(6))
        return sky.skyline_height * (
            np.float32(0.35) + noise(block * np.float32(3.7), sky.seed, _ZERO)
        )
    octaves = 2 if sky.skyline == 1 else 5
    stretch = np.float32(1.5) if sky.skyline == 1 else np.float32(7)
    return (
        sky.skyline_height * fractal(angle * stretch, sky.seed, _ZERO, octaves) * np.float32(1.6)
    )


@inlined
def shade_ground(  # type: ignore[no-untyped-def]
    pixel, x, y, z, far, ground, sky, sh, sun_colour, shadow, light, place
):
    """Write the colour of the ground at distance `far`, with shadows and mist."""
    share = surface_share(ground.kind, x, y, ground.scale, ground.ratio)
    s = ground.rough_scale
    rough = fractal(x * s, y * s, np.float32(1.7), 3) - np.float32(0.45)
    uneven = _ONE + ground.rough * rough
    lit = _ONE - shadow_at(x, y, z, shadow, light, place, _BIAS)
    lit *= max(sky.sun[2], _ZERO)
    mist = min(far * sky.haze * np.float32(0.012), np.float32(0.9))
    for k in range(3):
        colour = (ground.base[k] + (ground.second[k] - ground.base[k]) * share) * uneven
        value = colour * (sky_light(sh, _ZERO, _ZERO, _ONE, k) + lit * sun_colour[k])
        pixel[k] = value + (sky.horizon[k] - value) * mist


@inlined
def shade_skyline(pixel, sky, angle, slope):  # type: ignore[no-untyped-def]
    """Write the colour of distant hills, trees or houses."""
    if sky.skyline == 3:
        u, v = angle * np.float32(36), slope * np.float32(24)
        window = u - np.floor(u) > np.float32(0.3) and v - np.floor(v) > np.float32(0.35)
        tone = np.float32(0.45) if window else _ONE
        house = np.floor(angle * np.float32(6)) * np.float32(9.1)
        tone *= _HALF + noise(house, sky.seed, _HALF)
    else:
        tone = _HALF + fractal(angle * np.float32(40), slope * np.float32(40), sky.seed, 3)
    mist = np.float32(0.6) * min(sky.haze, _ONE)
    for k in range(3):
        value = sky.skyline_colour[k] * tone
        pixel[k] = value + (sky.horizon[k] - value) * mist


@inlined
def shade_sky(pixel, sky, x, y, z):  # type: ignore[no-untyped-def]
    """Write the colour of the sky in a unit direction: gradient, clouds, glare around the sun."""
    up = max(z, _ZERO)
    blend = np.sqrt(up)
    clouds = _ZERO
    if sky.cloud_cover > 0:
        reach = sky.cloud_scale / (up + np.float32(0.12))
        clouds = fractal(x * reach + sky.seed, y * reach, sky.seed, 5)
        clouds = min(max((clouds - (_ONE - sky.cloud_cover)) * np.float32(5), _ZERO), _ONE)
    near_sun = max(x * sky.sun[0] + y * sky.sun[1] + z * sky.sun[2], _ZERO)
    glare = near_sun ** np.float32(24) * np.float32(0.4)
    if near_sun > np.float32(0.9996):
        glare += np.float32(6)
    for k in range(3):
        value = sky.horizon[k] + (sky.zenith[k] - sky.horizon[k]) * blend
        value += (sky.cloud[k] - value) * clouds
        pixel[k] = value + glare * sky.sun_colour[k] * (_ONE - clouds)


@jit
def draw_sky(  # type: ignore[no-untyped-def]
    image, rotation, intrinsics, eye, ground_z, sky, ground, sh, sun_colour, shadow, light, place
):
    """Draw sky, skyline and ground; `image` is linear RGB."""
    for j in range(image.shape[0]):
        for i in range(image.shape[1]):
            x = (np.float32(i) - intrinsics[2]) / intrinsics[0]
            y = (np.float32(j) - intrinsics[3]) / intrinsics[1]
            dx = rotation[0, 0] * x + rotation[1, 0] * y + rotation[2, 0]
            dy = rotation[0, 1] * x + rotation[1, 1] * y + rotation[2, 1]
            dz = rotation[0, 2] * x + rotation[1, 2] * y + rotation[2, 2]
            flat = np.sqrt(dx * dx + dy * dy) + np.float32(1e-6)
            slope = dz / flat
            pixel = image[j, i]
            if slope < np.float32(-0.004):
                t = (ground_z - eye[2]) / dz
                shade_ground(
                    pixel, eye[0] + dx * t, eye[1] + dy * t, ground_z, flat * t,
                    ground, sky, sh, sun_colour, shadow, light, place,
                )  # fmt: skip
                continue
            angle = np.arctan2(dx, dy) + np.float32(4)
            if slope < skyline_at(sky, angle):
                shade_skyline(pixel, sky, angle, slope)
                continue
            per = _ONE / np.sqrt(flat * flat + dz * dz)
            shade_sky(pixel, sky, dx * per, dy * per, dz * per)
