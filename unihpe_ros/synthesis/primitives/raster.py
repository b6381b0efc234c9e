"""
Numba kernels that project and rasterise triangles, and look up shadows.

Depth is stored as 1/z (larger is nearer, 0 is nothing there): it is linear in the image.

"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

jit = numba.njit(cache=True, fastmath=True, nogil=True)

NEAR = 0.05


@jit
def project(
    vertices: Float32, rotation: Float32, translation: Float32, intrinsics: Float32
) -> Float32:
    """
    ``(V, 3)`` Pixel x, y and depth of world points.

    `intrinsics` is fx, fy, cx, cy; pixel centres are at whole numbers.

    """
    seen = np.empty((vertices.shape[0], 3), np.float32)
    fx, fy, cx, cy = intrinsics[0], intrinsics[1], intrinsics[2], intrinsics[3]
    for i in range(vertices.shape[0]):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        across = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z + translation[0]
        down = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z + translation[1]
        depth = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z + translation[2]
        inverse = np.float32(1) / max(depth, np.float32(NEAR))
        seen[i, 0] = fx * across * inverse + cx
        seen[i, 1] = fy * down * inverse + cy
        seen[i, 2] = depth
    return seen


@jit
def project_along(vertices: Float32, axes: Float32, place: Float32, far: float) -> Float32:
    """``(V, 3)`` Pixel x, y and depth, about 1, of world points as a light far away sees them."""
    seen = np.empty((vertices.shape[0], 3), np.float32)
    for i in range(vertices.shape[0]):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        seen[i, 0] = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) * place[0] + place[1]
        seen[i, 1] = (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) * place[0] + place[2]
        seen[i, 2] = far / (far + axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z)
    return seen


@jit
def bounds(points: Float32) -> tuple[Float32, Float32]:
    """Least and greatest coordinate of ``(N, D)`` points per column."""
    low, high = points[0].copy(), points[0].copy()
    for i in range(1, points.shape[0]):
        for a in range(points.shape[1]):
            low[a] = min(low[a], points[i, a])
            high[a] = max(high[a], points[i, a])
    return low, high


@jit
def rasterise(
    seen: Float32,
    faces: NDArray[np.int32],
    cover: Float32,
    depth: Float32,
    ids: NDArray[np.int32],
) -> None:
    """
    Draw triangles, from both sides, into a depth buffer and a buffer of face numbers.

    `cover` ``(F, 3)`` is a value per corner; a pixel where it is not above 0 is left out, which
    cuts garments along smooth lines instead of along triangles.

    """
    height, width = depth.shape
    zero, one = np.float32(0), np.float32(1)
    right_end, bottom_end = np.float32(width - 1), np.float32(height - 1)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        y0, y1, y2 = seen[a, 1], seen[b, 1], seen[c, 1]
        j0 = int(np.ceil(max(min(y0, min(y1, y2)), zero)))
        j1 = int(np.floor(min(max(y0, max(y1, y2)), bottom_end)))
        if j1 < j0:
            continue
        x0, x1, x2 = seen[a, 0], seen[b, 0], seen[c, 0]
        i0 = int(np.ceil(max(min(x0, min(x1, x2)), zero)))
        i1 = int(np.floor(min(max(x0, max(x1, x2)), right_end)))
        if i1 < i0:
            continue
        z0, z1, z2 = seen[a, 2], seen[b, 2], seen[c, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0 or z0 < NEAR or z1 < NEAR or z2 < NEAR:
            continue
        per_area = one / area
        q0, q1, q2 = one / z0, one / z1, one / z2
        c0, c1, c2 = cover[f, 0], cover[f, 1], cover[f, 2]
        cut = c0 <= 0 or c1 <= 0 or c2 <= 0
        # Weights and depth change evenly across the picture.
        w0x, w0y = (y1 - y2) * per_area, (x2 - x1) * per_area
        w1x, w1y = (y2 - y0) * per_area, (x0 - x2) * per_area
        fi, fj = np.float32(i0), np.float32(j0)
        r0 = ((x1 - fi) * (y2 - fj) - (x2 - fi) * (y1 - fj)) * per_area
        r1 = ((x2 - fi) * (y0 - fj) - (x0 - fi) * (y2 - fj)) * per_area
        for j in range(j0, j1 + 1):
            w0, w1 = r0, r1
            entered = False
            for i in range(i0, i1 + 1):
                w2 = one - w0 - w1
                if w0 >= 0 and w1 >= 0 and w2 >= 0:
                    entered = True
                    q = w0 * q0 + w1 * q1 + w2 * q2
                    if q > depth[j, i] and (not cut or w0 * c0 + w1 * c1 + w2 * c2 > 0):
                        depth[j, i] = q
                        ids[j, i] = f
                elif entered:
                    break  # A row is inside in one piece.
                w0 += w0x
                w1 += w1x
            r0 += w0y
            r1 += w1y


@jit
def shadow_at(
    x: float, y: float, z: float, shadow: Float32, light: Float32, place: Float32, bias: float
) -> float:
    """
    Return how much of a point is in shadow, 0 to 1.

    `light` ``(3, 3)`` has the light's axes as rows, the last towards the light; `place` is the
    scale and the offset, px, of the shadow map.

    """
    size = shadow.shape[0]
    u = int((light[0, 0] * x + light[0, 1] * y + light[0, 2] * z) * place[0] + place[1])
    v = int((light[1, 0] * x + light[1, 1] * y + light[1, 2] * z) * place[0] + place[2])
    if u < 1 or v < 1 or u >= size - 1 or v >= size - 1:
        return np.float32(0)
    towards = light[2, 0] * x + light[2, 1] * y + light[2, 2] * z + bias
    hit = 0
    for j in range(v - 1, v + 2):
        for i in range(u - 1, u + 2):
            if shadow[j, i] > towards:
                hit += 1
    return np.float32(hit) / np.float32(9)
