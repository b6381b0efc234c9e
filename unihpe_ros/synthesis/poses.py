"""Posed bodies without pictures: a bank of 3D poses for training the lifter."""

from __future__ import annotations

from collections.abc import Iterable
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.body import Bodies
from unihpe_ros.synthesis.labels import union_keypoints
from unihpe_ros.synthesis.motions import MotionBank
from unihpe_ros.synthesis.skinning import bone_motions, skin

Float32 = NDArray[np.float32]


class Poser:
    """
    Puts poses of a bank onto body shapes.

    Parameters
    ----------
    bodies : Bodies
        The shapes.
    bank : MotionBank
        The poses.

    """

    def __init__(self, bodies: Bodies, bank: MotionBank) -> None:
        self.bodies = bodies
        self.bank = bank
        # The few vertices that keypoints are read from.
        self._chosen = np.concatenate([bodies.keypoint_vertices, bodies.crown])
        self._weights = bodies.weights[self._chosen]
        self._weight_bones = bodies.weight_bones[self._chosen]
        self._alignments: dict[tuple[int, int], Float32] = {}

    def rotations(self, shape: int, clip: int, driven: Float32) -> Float32:
        """``(B, 3, 3)`` World rotation of every bone for ``(D, 3, 3)`` driven rotations."""
        key = (shape, clip)
        if key not in self._alignments:
            self._alignments[key] = self.bodies.rig.alignment(
                self.bodies.heads[shape], self.bank.limb_directions[clip]
            )
        return driven[self.bodies.rig.drive] @ self._alignments[key]

    def root(self, shape: int, pose: int) -> Float32:
        """``(3,)`` Where the clip puts the hips of a body of this leg length, m."""
        leg = self.bodies.rig.leg_length(self.bodies.heads[shape])
        return (self.bank.root[pose] * leg).astype(np.float32)

    def keypoints(self, shape: int, clip: int, driven: Float32, root: Float32) -> Float32:
        """``(26, 3)`` Keypoints of a shape that takes ``(D, 3, 3)`` driven rotations, world, m."""
        bodies = self.bodies
        turned = np.ascontiguousarray(self.rotations(shape, clip, driven), np.float32)
        joints, shifts = bone_motions(bodies.heads[shape], bodies.parents, turned, root)
        moved = skin(
            np.ascontiguousarray(bodies.rest[shape][self._chosen]),
            self._weights,
            self._weight_bones,
            turned,
            shifts,
        )
        split = len(bodies.keypoint_vertices)
        return union_keypoints(bodies, moved[:split], moved[split:], joints)


def build_pose_bank(
    poser: Poser,
    out: Path,
    split: str,
    shapes_per_pose: int,
    seed: int = 0,
    progress: type[Iterable[int]] = list,  # type: ignore[type-arg]
) -> int:
    """
    Write the keypoints of every pose of a bank on several body shapes each.

    Parameters
    ----------
    poser : Poser
        The shapes and the poses.
    out : Path
        The .npz file to write: positions ``(M, 26, 3)`` float32 m (world frame, Z up), clip,
        frame and shape ``(M,)``, names of the clips, keypoints.
    split : str
        Which shapes to use.
    shapes_per_pose : int
        How many bodies take each pose.
    seed : int
        Seed of their choice.
    progress : callable
        Wraps the loop, for a progress bar.

    Returns
    -------
    int
        The number of poses written.

    """
    rng = np.random.default_rng([seed, SPLIT_SEEDS[split]])
    bodies, bank = poser.bodies, poser.bank
    # One run of a clip on one body: consecutive rows are consecutive in time.
    rows = np.tile(np.arange(len(bank)), shapes_per_pose)
    clips = len(bank.names)
    chosen = rng.choice(bodies.shapes(split), (shapes_per_pose, clips))
    shapes = chosen[np.repeat(np.arange(shapes_per_pose), len(bank)), bank.clip[rows]]
    positions = np.empty((len(rows), len(UNION), 3), np.float32)
    for row in progress(range(len(rows))):
        shape, pose = int(shapes[row]), int(rows[row])
        positions[row] = poser.keypoints(
            shape, int(bank.clip[pose]), bank.rotations[pose], poser.root(shape, pose)
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f'.{out.name}.{os.getpid()}')
    with partial.open('wb') as file:
        np.savez(
            file,
            positions=positions,
            clip=bank.clip[rows],
            frame=bank.frame[rows],
            shape=shapes.astype(np.int32),
            names=np.array(bank.names),
            keypoints=np.array(UNION.keypoints),
            split=np.array(split),
        )
    partial.replace(out)
    return len(rows)


# What a split adds to a seed, so that train and test never draw the same numbers.
SPLIT_SEEDS = {'train': 0, 'test': 1}
