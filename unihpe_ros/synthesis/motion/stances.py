"""Leg postures that walking clips lack: seated, squatting, kneeling, on the floor, in sports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.motion.hands import rotation_vectors_to_matrices
from unihpe_ros.synthesis.motion.retarget import DRIVES
from unihpe_ros.synthesis.primitives.scene_types import Support
from unihpe_ros.synthesis.primitives.solids import upright

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_DRIVES = list(DRIVES)
_HIPS = _DRIVES.index('root')
_PARTS = {
    (part, letter): [
        i for i, name in enumerate(_DRIVES) if name.startswith(part) and name.endswith(letter)
    ]
    for part in ('upperleg', 'lowerleg', 'foot')
    for letter in ('.L', '.R')
}


@dataclass(frozen=True)
class _Leg:
    """Pitch of thigh, shin and foot, rad, forwards below 0; turned outwards; spread sideways."""

    thigh: float
    shin: float
    foot: float = 0.0
    out: float = 0.0
    shin_out: float | None = None
    spread: float = 0.0


@dataclass(frozen=True)
class _Stance:
    """Two legs (which is left is left to chance), lean of the trunk, rad, how common."""

    legs: tuple[_Leg, _Leg]
    lean: float
    support: Support
    share: float


def _even(leg: _Leg, lean: float, support: Support, share: float) -> _Stance:
    return _Stance((leg, leg), lean, support, share)


_KNEELING = _Leg(-0.1, 1.62, 2.1)
_STANCES = {
    'chair': _even(_Leg(-1.5, 0.05, 0.0, 0.15), 0.05, Support.SEAT, 0.17),
    'squat': _even(_Leg(-2.0, 0.75, 0.1, 0.35), 0.45, Support.FEET, 0.03),
    'on one knee': _Stance(
        (_Leg(-1.8, 0.0, 0.0, 0.15), _Leg(0.1, 1.65, 2.0)), 0.1, Support.FLOOR, 0.025
    ),
    'on the knees': _even(_KNEELING, 0.05, Support.FLOOR, 0.015),
    'on the heels': _even(_Leg(-1.25, 1.75, 2.6, 0.1), 0.1, Support.FLOOR, 0.015),
    'legs stretched': _even(_Leg(-1.55, -1.45, -1.2, 0.15), -0.1, Support.FLOOR, 0.02),
    'knees up': _even(_Leg(-2.2, 0.6, 0.1, 0.1), -0.05, Support.FLOOR, 0.015),
    'cross-legged': _even(_Leg(-1.35, -1.25, -1.0, 0.8, -1.2), 0.1, Support.FLOOR, 0.015),
    'on all fours': _even(_Leg(0.02, 1.6, 2.2, 0.05), 1.25, Support.FLOOR, 0.012),
    'lunge': _Stance((_Leg(-1.2, 0.15), _Leg(0.5, 1.0, 0.9)), 0.1, Support.FEET, 0.02),
    'kick': _Stance((_Leg(-1.3, -0.9, -0.6), _Leg(0.05, 0.1)), -0.2, Support.FEET, 0.01),
    'run': _Stance((_Leg(-1.0, 0.6, 0.2), _Leg(0.45, 1.6, 1.4)), 0.2, Support.FEET, 0.02),
    'wide': _even(_Leg(-0.2, 0.2, 0.0, 0.2, spread=0.35), 0.15, Support.FEET, 0.015),
    'one leg': _Stance((_Leg(-0.8, 0.9, 0.6, 0.9), _Leg(0, 0)), 0.0, Support.FEET, 0.005),
    'bent over': _even(_Leg(-0.1, 0.1), 1.15, Support.FEET, 0.02),
}
_NAMES = list(_STANCES)
_SHARES = np.array([stance.share for stance in _STANCES.values()])
# Spread of the angles from one person to the next, rad.
_NOISE = 0.12


def sample_stance(rng: np.random.Generator) -> str:
    """Return the name of a random stance; '' to keep the legs of the clip."""
    chosen = rng.choice(len(_NAMES) + 1, p=[*_SHARES, 1 - _SHARES.sum()])
    return '' if chosen == len(_NAMES) else _NAMES[chosen]


def apply_stance(rng: np.random.Generator, driven: Float32, name: str) -> tuple[Float32, Support]:
    """
    Return a pose with the legs of a stance and its own upper body.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    driven : Float32
        ``(D, 3, 3)`` World rotation per driving bone.
    name : str
        One of the stances.

    Returns
    -------
    driven : Float32
        ``(D, 3, 3)``.
    support : Support
        What the person rests on.

    """
    stance = _STANCES[name]
    forward = driven[_HIPS] @ np.array([0, -1.0, 0])
    level = upright(float(np.arctan2(forward[0], -forward[1])))
    lean = _pitch(rng.normal(stance.lean, 0.17))
    changed = (level @ lean @ driven[_HIPS].T.astype(np.float64)) @ driven
    legs = stance.legs if rng.random() < 0.5 else stance.legs[::-1]
    for letter, side, leg in zip(('.L', '.R'), (1.0, -1.0), legs, strict=True):
        out, shin_out = leg.out, leg.out if leg.shin_out is None else leg.shin_out
        noise = rng.normal(0, _NOISE, 5)
        sideways = _roll(-side * (leg.spread + 0.3 * noise[4]))
        thigh_turn = level @ upright(side * (out + noise[0])) @ sideways
        shin_turn = level @ upright(side * (shin_out + noise[0])) @ sideways
        changed[_PARTS['upperleg', letter]] = thigh_turn @ _pitch(leg.thigh + noise[1])
        changed[_PARTS['lowerleg', letter]] = shin_turn @ _pitch(leg.shin + noise[2])
        changed[_PARTS['foot', letter]] = shin_turn @ _pitch(leg.foot + 0.5 * noise[3])
    return changed.astype(np.float32), stance.support


def _pitch(angle: float) -> Float64:
    return rotation_vectors_to_matrices(np.array([[angle, 0, 0]]))[0]


def _roll(angle: float) -> Float64:
    return rotation_vectors_to_matrices(np.array([[0, angle, 0]]))[0]
