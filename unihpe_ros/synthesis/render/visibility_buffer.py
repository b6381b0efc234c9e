"""Visibility buffer: which face is at each pixel and how deep, before shading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.materials import stack
from unihpe_ros.synthesis.primitives.raster import project, rasterise
from unihpe_ros.synthesis.primitives.scene_types import Mesh, SceneCamera

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


@dataclass(frozen=True)
class VisibilityBuffer:
    """
    The visible face and the depth of every pixel.

    Parameters
    ----------
    mesh : Mesh
        All of them in one.
    seen : Float32
        ``(V, 3)`` Pixels, at twice the picture's resolution, and depths of the vertices, m.
    depth : Float32
        ``(2H, 2W)`` 1/z; 0 where nothing is.
    ids : NDArray[np.int32]
        ``(2H, 2W)`` Number of the face; -1 where nothing is.
    owner : NDArray[np.int16]
        ``(2H, 2W)`` As in Drawing.
    first_faces : NDArray[np.intp]
        ``(M,)`` Number of each mesh's first face.

    """

    mesh: Mesh
    seen: Float32
    depth: Float32
    ids: Int32
    owner: NDArray[np.int16]
    first_faces: NDArray[np.intp]

    def mesh_at(self, seen: NDArray[np.floating]) -> NDArray[np.intp]:
        """``(K,)`` Number of the mesh at ``(K, 2)`` px of the picture; -1 where none is."""
        rows, columns = self.ids.shape
        fine = np.rint(2 * seen + 0.5).astype(int).clip(0, (columns - 1, rows - 1))
        return np.searchsorted(self.first_faces, self.ids[fine[:, 1], fine[:, 0]], 'right') - 1


def rasterise_meshes(
    meshes: Sequence[Mesh], owners: Sequence[int], view: SceneCamera
) -> VisibilityBuffer:
    """
    Return the visibility buffer of meshes seen by a camera.

    Parameters
    ----------
    meshes : Sequence[Mesh]
        People and things.
    owners : Sequence[int]
        Number of each mesh in `owner`.
    view : View
        The camera.

    Returns
    -------
    VisibilityBuffer
        At twice the resolution of the picture.

    """
    mesh = join_meshes(meshes)
    rotation = view.rotation.astype(np.float32)
    # Pixel centres are whole numbers at either resolution.
    K = view.K
    fine = np.array([2 * K[0, 0], 2 * K[1, 1], 2 * K[0, 2] + 0.5, 2 * K[1, 2] + 0.5], np.float32)
    seen = project(mesh.vertices, rotation, (-rotation @ view.eye).astype(np.float32), fine)
    width, height = view.size
    depth = np.zeros((2 * height, 2 * width), np.float32)
    ids = np.full(depth.shape, -1, np.int32)
    rasterise(seen, mesh.faces, mesh.cover, depth, ids)
    counts = [len(m.faces) for m in meshes]
    face_owner = np.repeat(np.asarray([*owners, -1], np.int16), [*counts, 1])
    return VisibilityBuffer(mesh, seen, depth, ids, face_owner[ids], np.cumsum([0, *counts[:-1]]))


def join_meshes(meshes: Sequence[Mesh]) -> Mesh:
    """Return several meshes as one."""
    first_vertex = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    first_material = np.cumsum([0, *(len(m.materials) for m in meshes)])
    return Mesh(
        vertices=np.concatenate([m.vertices for m in meshes]),
        normals=np.concatenate([m.normals for m in meshes]),
        texture=np.concatenate([m.texture for m in meshes]),
        colours=np.concatenate([m.colours for m in meshes]),
        faces=np.concatenate(
            [m.faces + np.int32(v) for m, v in zip(meshes, first_vertex, strict=False)]
        ),
        cover=np.concatenate([m.cover for m in meshes]),
        face_materials=np.concatenate(
            [m.face_materials + np.int32(v) for m, v in zip(meshes, first_material, strict=False)]
        ),
        materials=stack(m.materials for m in meshes),
    )
