"""Random postures from the bank: mirrored, legs of other clips, seated, kneeling, lying."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.motion.hands import rotation_vectors_to_matrices
from unihpe_ros.synthesis.motion.joint_limits import clamp_to_limits
from unihpe_ros.synthesis.motion.motion_bank import MotionBank
from unihpe_ros.synthesis.motion.retarget import DRIVES
from unihpe_ros.synthesis.motion.stances import apply_stance, sample_stance
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture, Support
from unihpe_ros.synthesis.primitives.solids import upright

Float32 = NDArray[np.float32]

_DRIVES = list(DRIVES)
_LOWER = [i for i, name in enumerate(_DRIVES) if name.startswith(('upperleg', 'lowerleg', 'foot'))]
# Hips, trunk, head and arms.
UPPER = [i for i in range(len(_DRIVES)) if i not in _LOWER]
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
_OTHER_LEGS, _LOOSENED, _MIRRORED, _LYING = 0.25, 0.6, 0.5, 0.05
_OTHER_SIDE = [
    _DRIVES.index(name[:-2] + {'.L': '.R', '.R': '.L'}.get(name[-2:], name[-2:]))
    for name in _DRIVES
]
_MIRROR = np.diag([-1, 1, 1]).astype(np.float32)


def sample_posture(rng: np.random.Generator, bank: MotionBank) -> BodyPosture:
    """
    Return a random pose of a bank, often changed, at any heading, hips at the origin.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    bank : MotionBank
        The poses.

    Returns
    -------
    BodyPosture
        The pose.

    """
    posture = varied(rng, bank, int(rng.integers(len(bank))))
    turn = upright(rng.uniform(0, 2 * np.pi))
    if posture.support is Support.FEET and rng.random() < _LYING:
        # On the back, the belly or a side; balance.py lets it come to rest later.
        tilt = rng.normal(size=3) * (1, 0.6, 0)
        tilt *= rng.uniform(1.3, 1.8) / np.linalg.norm(tilt)
        turn = turn @ rotation_vectors_to_matrices(tilt[None])[0]
        forward = posture.driven[_HIPS] @ np.array([0, -1.0, 0])
        turn = turn @ upright(-float(np.arctan2(forward[0], -forward[1])))
        posture = replace(posture, support=Support.LYING)
    return replace(posture, driven=(turn @ posture.driven).astype(np.float32))


def varied(rng: np.random.Generator, bank: MotionBank, pose: int) -> BodyPosture:
    """
    Return a pose of a bank with random changes: mirrored, other legs, seated, kneeling.

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
    BodyPosture
        The pose, hips at the origin.

    """
    driven = bank.rotations[pose]
    if rng.random() < _OTHER_LEGS:
        legs = bank.rotations[rng.integers(len(bank))]
        driven = driven.copy()
        driven[_LOWER] = driven[_HIPS] @ legs[_HIPS].T @ legs[_LOWER]
    if rng.random() < _MIRRORED:
        driven = mirrored_turn(driven)
    if rng.random() < _LOOSENED:
        driven = clamp_to_limits(_loosen(driven, rng))
    support = Support.FEET
    stance = sample_stance(rng)
    if stance:
        driven, support = apply_stance(rng, driven, stance)
    curls = rng.uniform(0, 1.1, 2) if rng.random() < 0.8 else rng.uniform(-0.2, 0.2, 2)
    return BodyPosture(
        driven=driven,
        clip=int(bank.clip[pose]),
        frame=int(bank.frame[pose]),
        root=np.zeros(3, np.float32),
        curl=(float(curls[0]), float(curls[1])),
        support=support,
    )


def mirrored_turn(driven: Float32) -> Float32:
    """Return ``(D, 3, 3)`` rotations of driving bones with left and right exchanged."""
    return np.asarray(_MIRROR @ driven[_OTHER_SIDE] @ _MIRROR, np.float32)


def _loosen(driven: Float32, rng: np.random.Generator) -> Float32:
    """Return rotations with limbs and head turned a little at random."""
    loosened = driven.astype(np.float64)
    scales = np.array([scale for _, scale in _TURNABLE.values()])
    vectors = rng.normal(size=(len(scales), 3)) * scales[:, None]
    turns = rotation_vectors_to_matrices(vectors)
    for (chosen, _), turn in zip(_TURNABLE.values(), turns, strict=True):
        loosened[chosen] = turn @ loosened[chosen]
    return loosened.astype(np.float32)


def trunk_is_level(posture: BodyPosture) -> bool:
    """Whether the trunk is nearer the horizontal than the vertical."""
    return bool(posture.driven[_HIPS][2, 2] < 0.7)
