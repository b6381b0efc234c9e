"""Boxes, cylinders, balls and leaves, and meshes assembled from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.materials import stack
from unihpe_ros.synthesis.primitives.scene_types import Mesh

Float32 = NDArray[np.float32]


def _unit_box() -> tuple[Float32, Float32, NDArray[np.int32]]:
    vertices: list[NDArray[np.float64]] = []
    normals: list[NDArray[np.float64]] = []
    faces: list[list[int]] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            first = len(vertices)
            for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                corner = np.zeros(3)
                corner[axis], corner[(axis + 1) % 3], corner[(axis + 2) % 3] = sign, u, v
                vertices.append(corner)
                normals.append(np.eye(3)[axis] * sign)
            faces += [[first, first + 1, first + 2], [first, first + 2, first + 3]]
    return np.array(vertices, np.float32), np.array(normals, np.float32), np.array(faces, np.int32)


def _unit_cylinder(sides: int = 14) -> tuple[Float32, Float32, NDArray[np.int32]]:
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(sides)], 1)
    up = np.array([0, 0, 1.0])
    parts = [ring - up, ring + up, ring - up, ring + up, -up[None], up[None]]
    flat = np.zeros((sides, 3)) + up
    normals = [ring, ring, -flat, flat, -up[None], up[None]]
    faces = []
    for i in range(sides):
        j = (i + 1) % sides
        faces += [[i, j, sides + j], [i, sides + j, sides + i]]
        faces += [[4 * sides, 2 * sides + j, 2 * sides + i]]
        faces += [[4 * sides + 1, 3 * sides + i, 3 * sides + j]]
    return (
        np.concatenate(parts).astype(np.float32),
        np.concatenate(normals).astype(np.float32),
        np.array(faces, np.int32),
    )


def _unit_ball(rings: int = 9, sides: int = 14) -> tuple[Float32, Float32, NDArray[np.int32]]:
    tilt = np.linspace(0, np.pi, rings)[:, None]
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None]
    x, y = np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn)
    points = np.stack([x, y, np.cos(tilt) + 0 * turn], -1).reshape(-1, 3)
    faces = []
    for r in range(rings - 1):
        for s in range(sides):
            a, b = r * sides + s, r * sides + (s + 1) % sides
            faces += [[a, a + sides, b + sides], [a, b + sides, b]]
    return points.astype(np.float32), points.astype(np.float32), np.array(faces, np.int32)


def _unit_leaves(count: int = 70) -> tuple[Float32, Float32, NDArray[np.int32]]:
    """Loose triangles inside a ball, most of them near its surface."""
    rng = np.random.default_rng(5)
    out = rng.normal(size=(count, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    centres = out * rng.uniform(0.5, 0.95, (count, 1))
    corners = centres[:, None] + rng.normal(0, 0.16, (count, 3, 3))
    normals = np.repeat(out, 3, axis=0)
    faces = np.arange(3 * count, dtype=np.int32).reshape(-1, 3)
    return corners.reshape(-1, 3).astype(np.float32), normals.astype(np.float32), faces


_SOLIDS = {
    'box': _unit_box(),
    'cylinder': _unit_cylinder(),
    'ball': _unit_ball(),
    'leaves': _unit_leaves(),
}

Triple = Sequence[float] | NDArray[np.floating]
# Solid, centre and half size in the thing's own frame (m), number of its material.
Part = tuple[str, Triple, Triple, int]


def solid(name: str) -> tuple[Float32, NDArray[np.int32]]:
    """Return the vertices, at most one unit from the centre, and triangles of a solid."""
    points, _, faces = _SOLIDS[name]
    return points, faces


def upright(angle: float) -> NDArray[np.float64]:
    """``(3, 3)`` Rotation about the vertical, rad."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """``(3, 3)`` Random rotation."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    q[:, 0] *= np.sign(np.linalg.det(q))
    return q


def assemble(
    parts: Sequence[Part],
    materials: Sequence[np.void],
    place: NDArray[np.floating],
    rotation: NDArray[np.floating],
    taper: float = 1.0,
) -> Mesh:
    """
    Return one mesh of several solids.

    Parameters
    ----------
    parts : Sequence[Part]
        Solid (box, cylinder, ball, leaves), centre and half size in the thing's own frame, m, and
        the number of its material.
    materials : Sequence[np.void]
        MATERIAL records.
    place : NDArray
        ``(3,)`` Where the thing's origin goes in the world.
    rotation : NDArray
        ``(3, 3)`` world_from_thing.
    taper : float
        How much narrower the top of every cylinder is than its bottom.

    Returns
    -------
    Mesh
        The thing in the world.

    """
    vertices, normals, faces, chosen = [], [], [], []
    count = 0
    for solid, centre, half, number in parts:
        points, outward, triangles = _SOLIDS[solid]
        scaled = points * np.asarray(half, np.float32)
        if solid == 'cylinder' and taper != 1.0:
            scaled[points[:, 2] > 0, :2] *= np.float32(taper)
        bent = outward / np.asarray(half, np.float32)
        bent /= np.linalg.norm(bent, axis=1, keepdims=True)
        vertices.append(scaled + np.asarray(centre, np.float32))
        normals.append(bent)
        faces.append(triangles + np.int32(count))
        chosen.append(np.full(len(triangles), number, np.int32))
        count += len(points)
    local = np.concatenate(vertices)
    turn = rotation.T.astype(np.float32)
    triangles = np.concatenate(faces)
    return Mesh(
        vertices=local @ turn + np.asarray(place, np.float32),
        normals=np.concatenate(normals) @ turn,
        texture=local,
        colours=np.zeros((count, 4), np.float32),
        faces=triangles,
        cover=np.ones((len(triangles), 3), np.float32),
        face_materials=np.concatenate(chosen),
        materials=stack(materials),
    )
