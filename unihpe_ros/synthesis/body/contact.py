"""Self-contact: arms that would be inside the trunk or the thighs are moved out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.body.poser import Poser
from unihpe_ros.synthesis.body.skinning import skin_vertices, vertex_normals
from unihpe_ros.synthesis.body.topology import BODY
from unihpe_ros.synthesis.motion.hands import rotation_vectors_to_matrices
from unihpe_ros.synthesis.motion.retarget import DRIVES
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_DRIVES = list(DRIVES)
_ARM = {
    s: [_DRIVES.index(f'{bone}.{s}') for bone in
        ('upperarm01', 'upperarm02', 'lowerarm01', 'lowerarm02', 'wrist')]
    for s in 'LR'
}  # fmt: skip
# Bones at whose heads an arm is probed, and how thick it is there, m, clothes included.
_PROBES = (('lowerarm01', 0.045), ('lowerarm02', 0.04), ('wrist', 0.03), ('finger3-1', 0.02))
_TRUNK = ('root', 'pelvis', 'spine', 'upperleg', 'neck', 'head')
_EVERY = 6
# Largest distance of a probe from the surface that it may be inside of, m.
_NEAR = 0.25
_ROUNDS = 4
_STATURE = 1.7


class Contact:
    """
    Correction of arms that are inside the trunk or the thighs of posed bodies.

    Parameters
    ----------
    bodies : BodyShapes
        The shapes.
    poser : Poser
        Puts poses onto them.

    """

    def __init__(self, bodies: BodyShapes, poser: Poser) -> None:
        self.bodies, self.poser = bodies, poser
        index = bodies.rig.index
        strongest = bodies.weights[BODY].argmax(1)
        bone = bodies.weight_bones[BODY][np.arange(len(strongest)), strongest]
        on_trunk = np.array([name.startswith(_TRUNK) for name in bodies.bones])[bone]
        drawn = np.unique(bodies.faces['body'])
        chosen = drawn[drawn < BODY.stop]
        self._trunk = chosen[on_trunk[chosen]][::_EVERY]
        self._probes = {s: [index[f'{name}.{s}'] for name, _ in _PROBES] for s in 'LR'}
        self._shoulders = {s: index[f'upperarm01.{s}'] for s in 'LR'}
        self._normals: dict[int, Float32] = {}

    def arms_moved_out(self, shape: int, posture: BodyPosture) -> BodyPosture:
        """
        Return the posture with both arms moved out of the trunk and the thighs.

        Parameters
        ----------
        shape : int
            The body.
        posture : BodyPosture
            Its posture.

        Returns
        -------
        BodyPosture
            The same with arms turned about the shoulders.

        """
        for _ in range(_ROUNDS):
            cleared = self._clear_once(shape, posture)
            if cleared is posture:
                break
            posture = cleared
        return posture

    def depths(self, shape: int, posture: BodyPosture) -> tuple[Float64, Float64]:
        """
        Return how deep the arms are inside the trunk or the thighs, m.

        Parameters
        ----------
        shape, posture
            See mended.

        Returns
        -------
        depths : Float64
            ``(2, P)`` m, for the probes of the left and the right arm; below 0 is outside.
        normals : Float64
            ``(2, P, 3)`` The way out.

        """
        turned, joints, shifts = self.poser.posed(shape, posture)
        surface, outward = self._trunk_of(shape, turned, shifts)
        probes = joints[[self._probes[s] for s in 'LR']].reshape(-1, 3)
        offset = probes[:, None] - surface
        nearest = (offset**2).sum(-1).argmin(1)
        picked = offset[np.arange(len(probes)), nearest]
        normals = outward[nearest]
        depths = -(picked * normals).sum(-1)
        depths[(picked**2).sum(-1) > _NEAR**2] = -1
        return depths.reshape(2, -1).astype(np.float64), normals.reshape(2, -1, 3)

    def _clear_once(self, shape: int, posture: BodyPosture) -> BodyPosture:
        size = self.bodies.height(shape) / _STATURE
        depths, normals = self.depths(shape, posture)
        depths += np.array([thickness for _, thickness in _PROBES]) * size
        if depths.max() <= 0.005:
            return posture
        _, joints, _ = self.poser.posed(shape, posture)
        driven = posture.driven.astype(np.float64)
        for number, side in enumerate('LR'):
            worst = int(depths[number].argmax())
            if depths[number, worst] <= 0.005:
                continue
            lever = joints[self._probes[side][worst]] - joints[self._shoulders[side]]
            step = normals[number, worst] * (depths[number, worst] + 0.005)
            turn = np.cross(lever, step) / float(lever @ lever)
            turn *= min(1.0, 0.6 / max(float(np.linalg.norm(turn)), 1e-9))
            driven[_ARM[side]] = rotation_vectors_to_matrices(turn[None])[0] @ driven[_ARM[side]]
        return replace(posture, driven=driven.astype(np.float32))

    def _trunk_of(self, shape: int, turned: Float32, shifts: Float32) -> tuple[Float32, Float32]:
        bodies, chosen = self.bodies, self._trunk
        rest = bodies.rest[shape]
        if shape not in self._normals:
            self._normals[shape] = vertex_normals(rest, bodies.faces['body'])[chosen]
        weights, bones = bodies.weights[chosen], bodies.weight_bones[chosen]
        surface = skin_vertices(rest[chosen], weights, bones, turned, shifts)
        tips = skin_vertices(rest[chosen] + self._normals[shape], weights, bones, turned, shifts)
        outward = tips - surface
        return surface, outward / np.linalg.norm(outward, axis=1, keepdims=True)
