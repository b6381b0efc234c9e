"""Postures from the bank: mixed, loosened, seated, tilted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.hands import rotation_vectors_to_matrices
from unihpe_ros.synthesis.motions import MotionBank
from unihpe_ros.synthesis.retarget import DRIVES
from unihpe_ros.synthesis.scene import Posture
from unihpe_ros.synthesis.solids import upright

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
_OTHER_LEGS, _LOOSENED, _SEATED, _TILTED = 0.25, 0.6, 0.14, 0.06


def sample_posture(rng: np.random.Generator, bank: MotionBank) -> tuple[Posture, bool]:
    """
    Take a pose of a bank, often changed, turned any way, hips at the origin.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    bank : MotionBank
        The poses.

    Returns
    -------
    posture : Posture
        The pose.
    sits : bool
        Whether it needs a seat.

    """
    posture, sits = varied(rng, bank, int(rng.integers(len(bank))))
    turn = upright(rng.uniform(0, 2 * np.pi))
    if rng.random() < _TILTED:
        tilt = rng.normal(size=3) * (1, 1, 0.2)
        tilt *= rng.uniform(0.5, 1.7) / np.linalg.norm(tilt)
        turn = rotation_vectors_to_matrices(tilt[None])[0] @ turn
    return replace(posture, driven=(turn @ posture.driven).astype(np.float32)), sits


def varied(rng: np.random.Generator, bank: MotionBank, pose: int) -> tuple[Posture, bool]:
    """
    Change a pose of a bank: other legs, turned limbs, seated.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    bank : MotionBank
        The poses.
    pose : int
        Which pose.

    Returns
    -------
    posture : Posture
        The pose, hips at the origin.
    sits : bool
        Whether it was seated.

    """
    driven = bank.rotations[pose]
    if rng.random() < _OTHER_LEGS:
        legs = bank.rotations[rng.integers(len(bank))]
        driven = driven.copy()
        driven[_LOWER] = driven[_HIPS] @ legs[_HIPS].T @ legs[_LOWER]
    if rng.random() < _LOOSENED:
        driven = _loosen(driven, rng)
    sits = bool(rng.random() < _SEATED)
    if sits:
        driven = _seated(driven, rng)
    curls = rng.uniform(0, 1.1, 2) if rng.random() < 0.8 else rng.uniform(-0.2, 0.2, 2)
    return Posture(
        driven=driven,
        clip=int(bank.clip[pose]),
        frame=int(bank.frame[pose]),
        root=np.zeros(3, np.float32),
        curl=(float(curls[0]), float(curls[1])),
    ), sits


def _loosen(driven: Float32, rng: np.random.Generator) -> Float32:
    """Turn limbs and head a little about the joints they hang from."""
    loosened = driven.astype(np.float64)
    scales = np.array([scale for _, scale in _TURNABLE.values()])
    vectors = rng.normal(size=(len(scales), 3)) * scales[:, None]
    turns = rotation_vectors_to_matrices(vectors)
    for (chosen, _), turn in zip(_TURNABLE.values(), turns, strict=True):
        loosened[chosen] = turn @ loosened[chosen]
    return loosened.astype(np.float32)


def _seated(driven: Float32, rng: np.random.Generator) -> Float32:
    """Make somebody sit: hips upright, thighs forward, shins down; the upper body is kept."""
    forward = driven[_HIPS] @ np.array([0, -1.0, 0])
    level = upright(float(np.arctan2(forward[0], -forward[1])))
    lean = rotation_vectors_to_matrices(np.array([[rng.normal(0.05, 0.2), 0, 0]]))[0]
    sitting = (level @ lean @ driven[_HIPS].T.astype(np.float64)) @ driven
    for letter, sign in (('.L', 1.0), ('.R', -1.0)):
        splay = upright(sign * rng.normal(0.15, 0.15))
        bends = [[-rng.normal(1.5, 0.15), 0, 0], [rng.normal(0.05, 0.3), 0, 0], [0, 0, 0]]
        turns = rotation_vectors_to_matrices(np.array(bends))
        for part, turn in zip(('upperleg', 'lowerleg', 'foot'), turns, strict=True):
            sitting[_limb(part, letter=letter)] = level @ splay @ turn
    return sitting.astype(np.float32)
