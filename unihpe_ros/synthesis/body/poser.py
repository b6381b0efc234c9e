"""Puts poses of a bank onto body shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.body.skinning import bone_motions, skin_vertices
from unihpe_ros.synthesis.motion.motion_bank import MotionBank
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture
from unihpe_ros.synthesis.samples.labels import union_keypoints

Float32 = NDArray[np.float32]


class Poser:
    """
    Puts poses of a bank onto body shapes.

    Parameters
    ----------
    bodies : BodyShapes
        The shapes.
    bank : MotionBank
        The poses.

    """

    def __init__(self, bodies: BodyShapes, bank: MotionBank) -> None:
        self.bodies = bodies
        self.bank = bank
        # The few vertices that keypoints are read from.
        self._chosen = np.concatenate([bodies.keypoint_vertices, bodies.crown])
        self._weights = bodies.weights[self._chosen]
        self._weight_bones = bodies.weight_bones[self._chosen]
        self._alignments: dict[tuple[int, int], Float32] = {}

    def rotations(self, shape: int, clip: int, driven: NDArray[np.floating]) -> Float32:
        """``(B, 3, 3)`` World rotation of every bone for ``(D, 3, 3)`` driven rotations."""
        key = (shape, clip)
        if key not in self._alignments:
            self._alignments[key] = self.bodies.rig.alignment(
                self.bodies.heads[shape], self.bank.limb_directions[clip]
            )
        turned = driven[self.bodies.rig.drive] @ self._alignments[key]
        return np.ascontiguousarray(turned, np.float32)

    def motions(
        self, shape: int, rotations: Float32, root: NDArray[np.floating]
    ) -> tuple[Float32, Float32]:
        """``(B, 3)`` Joints, world, m, and the translation of each bone's motion."""
        bodies = self.bodies
        root = np.asarray(root, np.float32)
        return bone_motions(bodies.heads[shape], bodies.parents, rotations, root)

    def posed(self, shape: int, posture: BodyPosture) -> tuple[Float32, Float32, Float32]:
        """Return the bone rotations, joints and bone translations of a body in a posture."""
        turned = self.rotations(shape, posture.clip, posture.driven)
        return turned, *self.motions(shape, turned, posture.root)

    def root(self, shape: int, pose: int) -> Float32:
        """``(3,)`` Position of the hips in a clip, scaled to the body's leg length, m."""
        leg = self.bodies.rig.leg_length(self.bodies.heads[shape])
        return (self.bank.root[pose] * leg).astype(np.float32)

    def keypoints(self, shape: int, clip: int, driven: Float32, root: Float32) -> Float32:
        """``(26, 3)`` Keypoints of a shape that takes ``(D, 3, 3)`` driven rotations, world, m."""
        bodies = self.bodies
        turned = self.rotations(shape, clip, driven)
        joints, shifts = self.motions(shape, turned, root)
        moved = skin_vertices(
            np.ascontiguousarray(bodies.rest[shape][self._chosen]),
            self._weights,
            self._weight_bones,
            turned,
            shifts,
        )
        split = len(bodies.keypoint_vertices)
        return union_keypoints(bodies, moved[:split], moved[split:], joints)
