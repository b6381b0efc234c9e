"""People: a body shape, an outfit and a posture, sampled from the banks and posed as a mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body import Bodies, BODY
from unihpe_ros.synthesis.hands import Hands, rotation_vectors_to_matrices
from unihpe_ros.synthesis.labels import union_keypoints
from unihpe_ros.synthesis.motions import MotionBank
from unihpe_ros.synthesis.poses import Poser
from unihpe_ros.synthesis.props import upright
from unihpe_ros.synthesis.retarget import DRIVES
from unihpe_ros.synthesis.scene import Mesh, Posture
from unihpe_ros.synthesis.skinning import bone_motions, skin, vertex_normals
from unihpe_ros.synthesis.tailor import Dressed, Tailor

Float32 = NDArray[np.float32]

_DRIVES = list(DRIVES)
_LOWER = [i for i, name in enumerate(_DRIVES) if name.startswith(('upperleg', 'lowerleg', 'foot'))]
_HIPS = _DRIVES.index('root')


def _limb(*prefixes: str, letter: str = '') -> list[int]:
    return [
        i for i, name in enumerate(_DRIVES) if name.startswith(prefixes) and name.endswith(letter)
    ]


# Parts that can be turned as a whole about the joint they hang from.
_TURNABLE = {
    'left_arm': (_limb('upperarm', 'lowerarm', 'wrist', letter='.L'), 0.3),
    'right_arm': (_limb('upperarm', 'lowerarm', 'wrist', letter='.R'), 0.3),
    'left_leg': (_limb('upperleg', 'lowerleg', 'foot', letter='.L'), 0.12),
    'right_leg': (_limb('upperleg', 'lowerleg', 'foot', letter='.R'), 0.12),
    'head': (_limb('neck', 'head'), 0.2),
    'left_forearm': (_limb('lowerarm', 'wrist', letter='.L'), 0.15),
    'right_forearm': (_limb('lowerarm', 'wrist', letter='.R'), 0.15),
}


@dataclass(frozen=True)
class Figure:
    """
    A posed, dressed body.

    Parameters
    ----------
    mesh : Mesh
        Its surfaces in the world.
    keypoints : Float32
        ``(26, 3)`` In the world, m.
    body : Float32
        ``(13380, 3)`` The bare body's vertices, for boxes and for finding the floor.

    """

    mesh: Mesh
    keypoints: Float32
    body: Float32


class Cast:
    """
    The bodies, clothes and motions that people are made of.

    Parameters
    ----------
    bodies : Bodies
        The shapes.
    bank : MotionBank
        The poses.
    split : str
        Which shapes to use.

    """

    def __init__(self, bodies: Bodies, bank: MotionBank, split: str) -> None:
        self.bodies = bodies
        self.bank = bank
        self.shapes = bodies.shapes(split)
        self.poser = Poser(bodies, bank)
        self.tailor = Tailor(bodies)
        self.hands = Hands(bodies.rig)

    def posed(self, dressed: Dressed, posture: Posture, spread: Float32) -> Figure:
        """
        Pose a dressed body.

        Parameters
        ----------
        dressed : Dressed
            The body in its clothes.
        posture : Posture
            How it stands.
        spread : Float32
            ``(2, 5, 3)`` Differences between the fingers, 0 to 1.

        Returns
        -------
        Figure
            The person in the world.

        """
        bodies, tailor = self.bodies, self.tailor
        heads = bodies.heads[dressed.shape]
        turned = self.poser.rotations(dressed.shape, posture.clip, posture.driven)
        turned = np.ascontiguousarray(turned, np.float32)
        self.hands.curl(turned, heads, posture.curl, spread)
        joints, shifts = bone_motions(
            heads, bodies.parents, turned, np.asarray(posture.root, np.float32)
        )
        vertices = skin(dressed.rest, tailor.weights, tailor.weight_bones, turned, shifts)
        mesh = Mesh(
            vertices=vertices,
            normals=vertex_normals(vertices, dressed.faces),
            texture=tailor.region.position,
            colours=dressed.colours,
            faces=dressed.faces,
            cover=dressed.cover,
            face_materials=dressed.face_materials,
            materials=dressed.materials,
        )
        keypoints = union_keypoints(
            bodies, vertices[bodies.keypoint_vertices], vertices[bodies.crown], joints
        )
        return Figure(mesh, keypoints, vertices[BODY])

    def sample_posture(self, rng: np.random.Generator) -> Posture:
        """
        Take a pose of the bank, often changed, turned any way, hips at the origin.

        Parameters
        ----------
        rng : np.random.Generator
            Source of chance.

        Returns
        -------
        Posture
            The pose.

        """
        pose = int(rng.integers(len(self.bank)))
        driven = self.bank.rotations[pose]
        if rng.random() < 0.25:
            driven = self._with_legs_of(driven, int(rng.integers(len(self.bank))))
        if rng.random() < 0.6:
            driven = _loosen(driven, rng)
        turn = upright(rng.uniform(0, 2 * np.pi))
        if rng.random() < 0.06:
            tilt = rng.normal(size=3) * (1, 1, 0.2)
            tilt *= rng.uniform(0.5, 1.7) / np.linalg.norm(tilt)
            turn = rotation_vectors_to_matrices(tilt[None])[0] @ turn
        curls = rng.uniform(0, 1.1, 2) if rng.random() < 0.8 else rng.uniform(-0.2, 0.2, 2)
        return Posture(
            driven=(turn @ driven).astype(np.float32),
            clip=int(self.bank.clip[pose]),
            frame=int(self.bank.frame[pose]),
            root=np.zeros(3, np.float32),
            curl=(float(curls[0]), float(curls[1])),
        )

    def _with_legs_of(self, driven: Float32, other: int) -> Float32:
        """Put another pose's legs under the same hips."""
        legs = self.bank.rotations[other]
        mixed = driven.copy()
        mixed[_LOWER] = driven[_HIPS] @ legs[_HIPS].T @ legs[_LOWER]
        return mixed


def _loosen(driven: Float32, rng: np.random.Generator) -> Float32:
    """Turn limbs and head a little about the joints they hang from."""
    loosened = driven.astype(np.float64)
    scales = np.array([scale for _, scale in _TURNABLE.values()])
    vectors = rng.normal(size=(len(scales), 3)) * scales[:, None]
    turns = rotation_vectors_to_matrices(vectors)
    for (chosen, _), turn in zip(_TURNABLE.values(), turns, strict=True):
        loosened[chosen] = turn @ loosened[chosen]
    return loosened.astype(np.float32)


def seated(posture: Posture, rng: np.random.Generator) -> Posture:
    """
    Make somebody sit: hips upright, thighs forward, shins down.

    Parameters
    ----------
    posture : Posture
        A pose whose upper body is kept.
    rng : np.random.Generator
        Source of chance.

    Returns
    -------
    Posture
        The pose, sitting.

    """
    forward = posture.driven[_HIPS] @ np.array([0, -1.0, 0])
    facing = np.arctan2(forward[0], -forward[1])
    level = upright(facing)
    lean = rotation_vectors_to_matrices(np.array([[rng.normal(0.05, 0.2), 0, 0]]))[0]
    change = level @ lean @ posture.driven[_HIPS].T.astype(np.float64)
    driven = change @ posture.driven
    for letter, sign in (('.L', 1.0), ('.R', -1.0)):
        splay = upright(sign * rng.normal(0.15, 0.15))
        turns = rotation_vectors_to_matrices(
            np.array([[-rng.normal(1.5, 0.15), 0, 0], [rng.normal(0.05, 0.3), 0, 0], [0.0, 0, 0]])
        )
        for part, turn in zip(('upperleg', 'lowerleg', 'foot'), turns, strict=True):
            driven[_limb(part, letter=letter)] = level @ splay @ turn
    return Posture(
        driven.astype(np.float32), posture.clip, posture.frame, posture.root, posture.curl
    )
