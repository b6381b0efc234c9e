"""Gestures that need no recording, made from positions and paths of the hands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.kinematics.arm_directions import mirrored_arms
from unihpe_ros.kinematics.gesture_gallery import (
    Gallery,
    KnownGesture,
    MOVEMENT_LIMIT,
    POSE_LIMIT,
    RATE,
    read_gallery,
    REST,
    STEPS,
)
from unihpe_ros.kinematics.human_model import BODY_SIZES

Float64 = NDArray[np.float64]
# From the shoulder, in lengths of the arm: forward, outward, up.
Reach = tuple[float, float, float]

_UPPER = BODY_SIZES['upper_arm'] / (BODY_SIZES['upper_arm'] + BODY_SIZES['forearm'])
_FORE = 1.0 - _UPPER
_SHORTEST_REACH, _LONGEST_REACH = 0.3, 0.995
# Where an elbow goes: down and a little outward; of hands on the hips outward.
_ELBOW_HANGS, _ELBOW_OUT = (-0.15, 0.45, -1.0), (-0.35, 1.0, 0.0)
# Its turns about the line from shoulder to wrist, one for each example, rad.
_SWIVELS, _MOVEMENT_SWIVELS = (-0.4, 0.0, 0.4), (-0.3, 0.3)
_PHASES = 6
_HANGING = (0.1, 0.05, -0.97)


@dataclass(frozen=True)
class _Style:
    """
    One way to make a gesture.

    Parameters
    ----------
    reach : Reach
        Where the wrist of the left arm is held; the right one's is its mirror image.
    end : Reach, optional
        Where it moves to from there, and back; nowhere for a pose.
    elbow : Reach
        Where the elbow goes.

    """

    reach: Reach
    end: Reach | None = None
    elbow: Reach = _ELBOW_HANGS


_RAISED = (_Style((0.05, 0.08, 0.97)), _Style((0.2, 0.2, 0.8)), _Style((0.25, 0.25, 0.55)))
# The arms ('one' is either), and the ways to make the gesture.
_POSES: Mapping[str, tuple[str, Sequence[_Style]]] = {
    'left_hand_raised': ('left', _RAISED),
    'right_hand_raised': ('right', _RAISED),
    'both_hands_raised': ('both', _RAISED),
    'hands_on_face': (
        'both',
        (_Style((0.3, -0.22, 0.28)), _Style((0.25, -0.25, 0.42)), _Style((0.35, -0.2, 0.15))),
    ),
    'arms_crossed': (
        'both',
        (_Style((0.36, -0.42, -0.42)), _Style((0.35, -0.55, -0.5)), _Style((0.3, -0.68, -0.4))),
    ),
    'hands_on_hips': (
        'both',
        (
            _Style((0.05, 0.1, -0.78), elbow=_ELBOW_OUT),
            _Style((0.15, 0.0, -0.72), elbow=_ELBOW_OUT),
            _Style((0.1, 0.12, -0.62), elbow=_ELBOW_OUT),
        ),
    ),
    'arms_spread': (
        'both',
        (_Style((0.05, 0.98, 0.0)), _Style((0.1, 0.92, 0.2)), _Style((0.1, 0.92, -0.15))),
    ),
    'stop': (
        'one',
        (_Style((0.97, 0.0, 0.0)), _Style((0.95, -0.15, 0.15)), _Style((0.82, 0.1, 0.05))),
    ),
}
# The same, and repetitions per second.
_MOVEMENTS: Mapping[str, tuple[str, Sequence[_Style], Sequence[float]]] = {
    'waving': (
        'one',
        (
            _Style((0.2, 0.0, 0.62), (0.2, 0.55, 0.5)),
            _Style((0.15, -0.1, 0.9), (0.15, 0.5, 0.8)),
            _Style((0.4, -0.1, 0.15), (0.35, 0.4, 0.15)),
        ),
        (0.9, 1.4, 2.0),
    ),
    'clapping': (
        'both',
        (
            _Style((0.5, -0.33, -0.3), (0.5, 0.0, -0.3)),
            _Style((0.55, -0.33, 0.0), (0.55, 0.0, 0.0)),
            _Style((0.4, -0.33, -0.45), (0.4, 0.0, -0.45)),
        ),
        (1.2, 1.8, 2.5),
    ),
    'beckon': (
        'one',
        (
            _Style((0.85, 0.0, -0.1), (0.32, 0.0, 0.1)),
            _Style((0.75, 0.05, -0.35), (0.32, 0.0, -0.05)),
        ),
        (0.7, 1.1, 1.6),
    ),
    'come_here': (
        'both',
        (
            _Style((0.9, 0.05, -0.05), (0.25, 0.1, 0.5)),
            _Style((0.8, 0.1, -0.2), (0.3, 0.05, 0.3)),
        ),
        (0.7, 1.1, 1.6),
    ),
}
STARTER = (*_POSES, *_MOVEMENTS)
# Share of the distance to the resting arms below which a gesture is recognised.
_REST_SHARE = 0.62
# Arms that do nothing, each of either side with each of the other: they hang, swing as in walking,
# have a hand in the pocket, before the belly, or carry something.
_RESTING = (
    _Style((0.1, 0.05, -0.97)),
    _Style((0.4, 0.0, -0.85)),
    _Style((-0.3, 0.1, -0.92)),
    _Style((0.12, 0.08, -0.9), elbow=(-0.8, 0.4, -0.3)),
    _Style((0.42, -0.25, -0.55)),
    _Style((0.48, 0.05, -0.5)),
)
# Name that stands for these gestures in place of the path of a gallery.
STARTER_NAME = 'starter'


def open_gallery(text: str) -> Gallery:
    """Return a gallery by the path of its file, or the starter gallery; GalleryError if not."""
    if text == STARTER_NAME:
        return Gallery(STARTER)
    return read_gallery(Path(text).expanduser(), STARTER)


@lru_cache(maxsize=1)
def starter_gestures() -> Mapping[str, KnownGesture]:
    """Return the gestures by name; they work with every model, because they are 3D directions."""
    made = {}
    for name, (arms, styles) in _POSES.items():
        poses = [
            _both_arms(_arm(style, np.zeros(1), swivel), arms)
            for style, swivel in product(styles, _SWIVELS)
        ]
        made[name] = KnownGesture(name, np.concatenate(poses)[:, 0], POSE_LIMIT, 'starter')
    times = np.arange(STEPS) / RATE
    for name, (arms, styles, rates) in _MOVEMENTS.items():
        phases = np.arange(_PHASES) / _PHASES
        windows = [
            _both_arms(
                _arm(style, 0.5 - 0.5 * np.cos(math.tau * (rate * times + phase)), swivel), arms
            )
            for style, rate, phase, swivel in product(styles, rates, phases, _MOVEMENT_SWIVELS)
        ]
        made[name] = KnownGesture(name, np.concatenate(windows), MOVEMENT_LIMIT, 'starter')
    return made


@lru_cache(maxsize=1)
def resting_arms() -> KnownGesture:
    """Return arms that make no gesture; a person nearest to one of these makes none."""
    arms = np.concatenate([_arm(style, np.zeros(1)) for style in _RESTING])
    right = mirrored_arms(np.concatenate([arms, arms], -1))[:, arms.shape[-1] :]
    pairs = [np.concatenate(pair) for pair in product(arms, right)]
    return KnownGesture(REST, np.stack(pairs), _REST_SHARE * POSE_LIMIT, 'starter')


def _both_arms(arm: Float64, arms: str) -> Float64:
    """Return ``(M, T, 12)`` examples of both arms, from ``(T, 6)`` of the left one that moves."""
    other = arm if arms == 'both' else _arm(_Style(_HANGING), np.zeros(len(arm)))
    # In the mirror image the left arm becomes the right one.
    right = mirrored_arms(np.concatenate([other, other], -1))[:, other.shape[-1] :]
    left = np.concatenate([arm, right], -1)[None]
    if arms in ('left', 'both'):
        return left
    mirrored = mirrored_arms(left)
    return mirrored if arms == 'right' else np.concatenate([left, mirrored])


def _arm(style: _Style, shares: Float64, swivel: float = 0.0) -> Float64:
    """
    Return the directions of a left arm whose wrist is at a share of the way of its movement.

    Parameters
    ----------
    style : _Style
        From where to where.
    shares : NDArray[np.float64]
        ``(T,)`` of the way.
    swivel : float
        Turn of the elbow about the line from shoulder to wrist, rad.

    Returns
    -------
    NDArray[np.float64]
        ``(T, 6)`` unit vectors along upper arm and forearm.

    """
    # Outward is to the left, as y is.
    start = np.array(style.reach)
    end = start if style.end is None else np.array(style.end)
    wrist = start + shares[:, None] * (end - start)
    far = np.linalg.norm(wrist, axis=-1, keepdims=True)
    way = wrist / far
    far = np.clip(far, _SHORTEST_REACH, _LONGEST_REACH)
    elbow = np.array(style.elbow) - (way @ np.array(style.elbow))[:, None] * way
    elbow /= np.linalg.norm(elbow, axis=-1, keepdims=True)
    elbow = math.cos(swivel) * elbow + math.sin(swivel) * np.cross(way, elbow)
    along = (_UPPER**2 - _FORE**2 + far**2) / (2 * far)
    upper = along * way + np.sqrt(np.maximum(_UPPER**2 - along**2, 0)) * elbow
    return np.concatenate([upper / _UPPER, (far * way - upper) / _FORE], -1)
