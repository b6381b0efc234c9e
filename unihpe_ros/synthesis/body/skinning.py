"""Numba kernels of forward kinematics, linear blend skinning and vertex normals."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

jit = numba.njit(cache=True, fastmath=True, nogil=True)


@jit
def bone_motions(
    heads: Float32, parents: NDArray[np.int32], rotations: Float32, root: Float32
) -> tuple[Float32, Float32]:
    """Forward kinematics: return joint positions and the translation of each bone."""
    count = heads.shape[0]
    positions = np.empty((count, 3), np.float32)
    shifts = np.empty((count, 3), np.float32)
    for bone in range(count):
        parent = parents[bone]
        turn = rotations[bone]
        for a in range(3):
            if parent < 0:
                positions[bone, a] = root[a]
            else:
                above = rotations[parent]
                positions[bone, a] = shifts[parent, a] + (
                    above[a, 0] * heads[bone, 0]
                    + above[a, 1] * heads[bone, 1]
                    + above[a, 2] * heads[bone, 2]
                )
        for a in range(3):
            shifts[bone, a] = positions[bone, a] - (
                turn[a, 0] * heads[bone, 0]
                + turn[a, 1] * heads[bone, 1]
                + turn[a, 2] * heads[bone, 2]
            )
    return positions, shifts


@jit
def skin_vertices(
    rest: Float32,
    weights: Float32,
    bones: NDArray[np.int32],
    rotations: Float32,
    shifts: Float32,
) -> Float32:
    """``(V, 3)`` Vertices after linear blend skinning."""
    moved = np.zeros(rest.shape, np.float32)
    for v in range(rest.shape[0]):
        x, y, z = rest[v, 0], rest[v, 1], rest[v, 2]
        for k in range(weights.shape[1]):
            weight = weights[v, k]
            if weight <= 0:
                continue
            turn = rotations[bones[v, k]]
            shift = shifts[bones[v, k]]
            for a in range(3):
                moved[v, a] += weight * (
                    turn[a, 0] * x + turn[a, 1] * y + turn[a, 2] * z + shift[a]
                )
    return moved


@jit
def vertex_normals(vertices: Float32, faces: NDArray[np.int32]) -> Float32:
    """``(V, 3)`` Area-weighted unit normals; zero where no face meets."""
    normals = np.zeros(vertices.shape, np.float32)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx = vertices[c, 0] - vertices[a, 0]
        vy = vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in range(3):
            v = faces[f, corner]
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(vertices.shape[0]):
        squared = normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2
        scale = np.float32(1) / (np.sqrt(squared) + np.float32(1e-20))
        for a in range(3):
            normals[v, a] *= scale
    return normals


@jit
def cut(faces: NDArray[np.int32], value: Float32) -> tuple[NDArray[np.int32], Float32]:
    """Return the ``(F, 3)`` faces with a ``(V,)`` value above 0 at a corner, and those values."""
    kept = np.empty(faces.shape, np.int32)
    cover = np.empty(faces.shape, np.float32)
    count = 0
    for f in range(faces.shape[0]):
        a, b, c = value[faces[f, 0]], value[faces[f, 1]], value[faces[f, 2]]
        if a > 0 or b > 0 or c > 0:
            kept[count] = faces[f]
            cover[count, 0], cover[count, 1], cover[count, 2] = a, b, c
            count += 1
    return kept[:count].copy(), cover[:count].copy()
