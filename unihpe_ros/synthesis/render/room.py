"""Numba kernel that draws a room: a box with windows, doors, pictures and shelves."""

from __future__ import annotations

import numba
import numpy as np
from unihpe_ros.synthesis.primitives.raster import shadow_at
from unihpe_ros.synthesis.render.noise import fractal
from unihpe_ros.synthesis.render.shade import dot, sky_light
from unihpe_ros.synthesis.render.surfaces import surface_share

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_ZERO = np.float32(0)
_ONE = np.float32(1)
_HALF = np.float32(0.5)
_BIAS = np.float32(0.03)

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


@jit
def hit_wall(eye, low, high, direction, point):  # type: ignore[no-untyped-def]
    """Intersect a ray with a box from inside: return the wall, write the point."""
    nearest = np.float32(1e9)
    wall = 0
    for a in range(3):
        d = direction[a]
        if abs(d) > np.float32(1e-7):
            t = ((high[a] if d > 0 else low[a]) - eye[a]) / d
            if _ZERO < t < nearest:
                nearest, wall = t, 2 * a + (1 if d > 0 else 0)
    for a in range(3):
        point[a] = eye[a] + direction[a] * nearest
    return wall


@jit
def panel_colour(panel, u, v, colour):  # type: ignore[no-untyped-def]
    """Write a panel's colour at (u, v), m, and return the light it emits."""
    width, height = panel.right - panel.left, panel.top - panel.bottom
    fu = (u - panel.left) / width * panel.columns
    fv = (v - panel.bottom) / height * panel.rows
    iu, iv = np.floor(fu), np.floor(fv)
    edge = min(
        min(fu - iu, iu + _ONE - fu) * width / panel.columns,
        min(fv - iv, iv + _ONE - fv) * height / panel.rows,
    )
    if edge < panel.frame_width:
        for k in range(3):
            colour[k] = panel.frame[k]
        return _ZERO
    s = panel.texture_scale
    varied = fractal(u * s + iu * np.float32(7), v * s + iv * np.float32(3), _HALF, 3)
    inner = _ONE + panel.texture * (varied - np.float32(0.45))
    for k in range(3):
        colour[k] = panel.colour[k] * inner
    return panel.glow


@jit
def wall_colour(surface, u, v, colour):  # type: ignore[no-untyped-def]
    """Write a wall's colour at (u, v), m."""
    share = surface_share(surface.kind, u, v, surface.scale, surface.ratio)
    s = surface.rough_scale
    rough = fractal(u * s, v * s, np.float32(1.7), 3) - np.float32(0.45)
    uneven = _ONE + surface.rough * rough
    for k in range(3):
        colour[k] = (surface.base[k] + (surface.second[k] - surface.base[k]) * share) * uneven


@jit
def corner_distance(point, low, high, axis):  # type: ignore[no-untyped-def]
    """Return the distance of a point on a wall from the nearest edge of the room, m."""
    distance = np.float32(1e9)
    for a in range(3):
        if a != axis:
            distance = min(distance, min(point[a] - low[a], high[a] - point[a]))
    return max(distance, _ZERO)


@jit
def render_room(  # type: ignore[no-untyped-def]
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
    point, direction = np.empty(3, np.float32), np.empty(3, np.float32)
    normal, colour = np.empty(3, np.float32), np.empty(3, np.float32)
    for j in range(image.shape[0]):
        for i in range(image.shape[1]):
            x = (np.float32(i) - intrinsics[2]) / intrinsics[0]
            y = (np.float32(j) - intrinsics[3]) / intrinsics[1]
            for a in range(3):
                direction[a] = rotation[0, a] * x + rotation[1, a] * y + rotation[2, a]
                normal[a] = _ZERO
            wall = hit_wall(eye, low, high, direction, point)
            axis = wall >> 1
            normal[axis] = -_ONE if wall & 1 else _ONE
            u = point[1] if axis == 0 else point[0]
            v = point[1] if axis == 2 else point[2]
            wall_colour(surfaces[wall], u, v, colour)
            glow = _ZERO
            for q in range(panels.shape[0]):
                p = panels[q]
                if p.wall == wall and p.left < u < p.right and p.bottom < v < p.top:
                    glow = panel_colour(p, u, v, colour)
            lit = max(dot(normal, sun), _ZERO)
            if lit > 0:
                lit *= _ONE - shadow_at(point[0], point[1], point[2], shadow, light, place, _BIAS)
            near = corner_distance(point, low, high, axis) * np.float32(1.6)
            occlusion = np.float32(0.6) + np.float32(0.4) * min(near, _ONE)
            for k in range(3):
                ambient = sky_light(sh, normal[0], normal[1], normal[2], k) * occlusion
                image[j, i, k] = colour[k] * (ambient + lit * sun_colour[k] + glow)
