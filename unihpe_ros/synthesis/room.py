"""Kernel of the indoors: the inside of a box with windows, doors, pictures and shelves."""

from __future__ import annotations

import numba
import numpy as np
from unihpe_ros.synthesis.noise import fractal
from unihpe_ros.synthesis.planes import surface_share
from unihpe_ros.synthesis.raster import shadow_at
from unihpe_ros.synthesis.shade import sky_light

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
