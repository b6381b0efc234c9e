"""Kernels that draw what surrounds the scene: a sky over textured ground, or a room."""

from __future__ import annotations

import numba
import numpy as np
from unihpe_ros.synthesis.noise import fractal, noise
from unihpe_ros.synthesis.raster import shadow_at
from unihpe_ros.synthesis.shade import sky_light

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_ZERO = np.float32(0)
_ONE = np.float32(1)
_HALF = np.float32(0.5)
_BIAS = np.float32(0.03)

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

# A rectangle on a wall: a window, a door, a picture, a shelf.
PANEL = np.dtype(
    [
        ('wall', 'i4'),
        ('left', 'f4'),
        ('right', 'f4'),
        ('bottom', 'f4'),
        ('top', 'f4'),
        ('colour', 'f4', 3),
        ('frame', 'f4', 3),
        ('frame_width', 'f4'),
        ('glow', 'f4'),  # Light of its own: a window by day.
        ('texture_scale', 'f4'),
        ('texture', 'f4'),
        ('columns', 'f4'),  # Panes, or rows of books.
        ('rows', 'f4'),
    ]
)

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
def surface_share(kind, u, v, scale, ratio):  # type: ignore[no-untyped-def]
    """Share of the second colour on a plane at (u, v), m."""
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


@jit
def skyline_at(sky, angle):  # type: ignore[no-untyped-def]
    """Height of the skyline (tangent of its elevation) in a direction."""
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


@jit
def draw_sky(  # type: ignore[no-untyped-def]
    image, rotation, intrinsics, eye, ground_z, sky, ground, sh, sun_colour, shadow, light, place
):
    """Draw sky, skyline and ground; `image` is linear RGB."""
    height, width = image.shape[0], image.shape[1]
    sun = sky.sun
    for j in range(height):
        for i in range(width):
            x = (np.float32(i) - intrinsics[2]) / intrinsics[0]
            y = (np.float32(j) - intrinsics[3]) / intrinsics[1]
            dx = rotation[0, 0] * x + rotation[1, 0] * y + rotation[2, 0]
            dy = rotation[0, 1] * x + rotation[1, 1] * y + rotation[2, 1]
            dz = rotation[0, 2] * x + rotation[1, 2] * y + rotation[2, 2]
            flat = np.sqrt(dx * dx + dy * dy) + np.float32(1e-6)
            slope = dz / flat
            per = _ONE / np.sqrt(flat * flat + dz * dz)
            if slope < np.float32(-0.004):
                t = (ground_z - eye[2]) / dz
                gx, gy = eye[0] + dx * t, eye[1] + dy * t
                share = surface_share(ground.kind, gx, gy, ground.scale, ground.ratio)
                rs = ground.rough_scale
                uneven = _ONE + ground.rough * (
                    fractal(gx * rs, gy * rs, np.float32(1.7), 3) - np.float32(0.45)
                )
                lit = _ONE - shadow_at(gx, gy, ground_z, shadow, light, place, _BIAS)
                far = flat * t
                mist = min(far * sky.haze * np.float32(0.012), np.float32(0.9))
                for k in range(3):
                    colour = (
                        ground.base[k] + (ground.second[k] - ground.base[k]) * share
                    ) * uneven
                    value = colour * (
                        sky_light(sh, _ZERO, _ZERO, _ONE, k)
                        + max(sun[2], _ZERO) * lit * sun_colour[k]
                    )
                    image[j, i, k] = value + (sky.horizon[k] - value) * mist
                continue
            angle = np.arctan2(dx, dy) + np.float32(4)
            top = skyline_at(sky, angle)
            if slope < top:
                if sky.skyline == 3:
                    fu = angle * np.float32(36) - np.floor(angle * np.float32(36))
                    fv = slope * np.float32(24) - np.floor(slope * np.float32(24))
                    window = fu > np.float32(0.3) and fv > np.float32(0.35)
                    tone = np.float32(0.45) if window else _ONE
                    tone *= _HALF + noise(
                        np.floor(angle * np.float32(6)) * np.float32(9.1), sky.seed, _HALF
                    )
                else:
                    tone = _HALF + fractal(
                        angle * np.float32(40), slope * np.float32(40), sky.seed, 3
                    )
                for k in range(3):
                    value = sky.skyline_colour[k] * tone
                    image[j, i, k] = value + (sky.horizon[k] - value) * np.float32(0.6) * min(
                        sky.haze, _ONE
                    )
                continue
            up = max(dz * per, _ZERO)
            blend = up ** np.float32(0.5)
            clouds = _ZERO
            if sky.cloud_cover > 0:
                reach = sky.cloud_scale / (up + np.float32(0.12)) * per
                clouds = fractal(dx * reach + sky.seed, dy * reach, sky.seed, 5)
                clouds = min(max((clouds - (_ONE - sky.cloud_cover)) * np.float32(5), _ZERO), _ONE)
            near_sun = max((dx * sun[0] + dy * sun[1] + dz * sun[2]) * per, _ZERO)
            glare = near_sun ** np.float32(24) * np.float32(0.4)
            if near_sun > np.float32(0.9996):
                glare += np.float32(6)
            for k in range(3):
                value = sky.horizon[k] + (sky.zenith[k] - sky.horizon[k]) * blend
                value += (sky.cloud[k] - value) * clouds
                image[j, i, k] = value + glare * sky.sun_colour[k] * (_ONE - clouds)


@jit
def draw_room(  # type: ignore[no-untyped-def]
    image,
    rotation,
    intrinsics,
    eye,
    low,
    high,
    surfaces,
    panels,
    sh,
    sun,
    sun_colour,
    shadow,
    light,
    place,
):
    """Draw the inside of a box with something on its walls; `image` is linear RGB."""
    height, width = image.shape[0], image.shape[1]
    point = np.empty(3, np.float32)
    direction = np.empty(3, np.float32)
    normal = np.empty(3, np.float32)
    for j in range(height):
        for i in range(width):
            x = (np.float32(i) - intrinsics[2]) / intrinsics[0]
            y = (np.float32(j) - intrinsics[3]) / intrinsics[1]
            nearest = np.float32(1e9)
            axis, upper = 0, 0
            for a in range(3):
                d = rotation[0, a] * x + rotation[1, a] * y + rotation[2, a]
                direction[a] = d
                if abs(d) > np.float32(1e-7):
                    t = ((high[a] if d > 0 else low[a]) - eye[a]) / d
                    if _ZERO < t < nearest:
                        nearest, axis, upper = t, a, 1 if d > 0 else 0
            corner = np.float32(1e9)
            for a in range(3):
                point[a] = eye[a] + direction[a] * nearest
                normal[a] = _ZERO
                if a != axis:
                    corner = min(corner, min(point[a] - low[a], high[a] - point[a]))
            normal[axis] = -_ONE if upper == 1 else _ONE
            u = point[1] if axis == 0 else point[0]
            v = point[1] if axis == 2 else point[2]
            wall = axis * 2 + upper
            s = surfaces[wall]
            share = surface_share(s.kind, u, v, s.scale, s.ratio)
            rs = s.rough_scale
            uneven = _ONE + s.rough * (
                fractal(u * rs, v * rs, np.float32(1.7), 3) - np.float32(0.45)
            )
            found = -1
            for q in range(panels.shape[0]):
                p = panels[q]
                if p.wall == wall and p.left < u < p.right and p.bottom < v < p.top:
                    found = q
            glow = _ZERO
            framed = False
            inner = _ONE
            if found >= 0:
                p = panels[found]
                fu = (u - p.left) / (p.right - p.left) * p.columns
                fv = (v - p.bottom) / (p.top - p.bottom) * p.rows
                pane_u = (p.right - p.left) / p.columns
                pane_v = (p.top - p.bottom) / p.rows
                iu, iv = np.floor(fu), np.floor(fv)
                edge_u = min(fu - iu, iu + _ONE - fu) * pane_u
                edge_v = min(fv - iv, iv + _ONE - fv) * pane_v
                framed = min(edge_u, edge_v) < p.frame_width
                ts = p.texture_scale
                inner = _ONE + p.texture * (
                    fractal(u * ts + iu * np.float32(7), v * ts + iv * np.float32(3), _HALF, 3)
                    - np.float32(0.45)
                )
                glow = p.glow
            towards = normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2]
            lit = max(towards, _ZERO)
            if lit > 0:
                lit *= _ONE - shadow_at(point[0], point[1], point[2], shadow, light, place, _BIAS)
            occlusion = np.float32(0.6) + np.float32(0.4) * min(
                max(corner, _ZERO) * np.float32(1.6), _ONE
            )
            for k in range(3):
                colour = (s.base[k] + (s.second[k] - s.base[k]) * share) * uneven
                own = _ZERO
                if found >= 0:
                    p = panels[found]
                    colour = p.frame[k] if framed else p.colour[k] * inner
                    own = _ZERO if framed else glow * colour
                ambient = sky_light(sh, normal[0], normal[1], normal[2], k) * occlusion
                image[j, i, k] = colour * (ambient + lit * sun_colour[k]) + own
