"""Arm gestures that motion clips lack: phoning, pointing, waving, carrying, hands in pockets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.directions import smallest_rotation
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.motion.hands import rotation_vectors_to_matrices
from unihpe_ros.synthesis.motion.retarget import DRIVES
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Offset = tuple[float, float, float]

_DRIVES = list(DRIVES)
_UPPER = {s: [_DRIVES.index(f'upperarm0{i}.{s}') for i in (1, 2)] for s in 'LR'}
_FORE = {s: [_DRIVES.index(f'lowerarm0{i}.{s}') for i in (1, 2)] for s in 'LR'}
_HAND = {s: [_DRIVES.index(f'wrist.{s}')] for s in 'LR'}
_SIDES = {'L': 'left', 'R': 'right'}

# Where the wrist goes: a keypoint ({} is the hand's own side, [] the other) and how far from it
# outwards, forwards and upwards, in shares of the standing height; then how common it is.
_GESTURES = {
    'phone at the ear': ('{}_ear', (0.03, 0.02, -0.06), 0.12),
    'chin': ('nose', (0.02, 0.03, -0.09), 0.10),
    'hip': ('{}_hip', (0.06, 0.01, 0.04), 0.14),
    'pocket': ('{}_hip', (0.06, 0.04, -0.02), 0.10),
    'belly': ('pelvis', (0.03, 0.10, 0.05), 0.10),
    'crossed': ('[]_elbow', (0.0, 0.04, 0.04), 0.10),
    'reading': ('neck', (0.05, 0.22, -0.12), 0.12),
    'knee': ('{}_knee', (0.0, 0.02, 0.05), 0.07),
    'head': ('head_top', (0.05, 0.0, 0.0), 0.06),
    'waving': ('{}_shoulder', (0.14, 0.05, 0.18), 0.05),
    'back': ('pelvis', (0.03, -0.09, 0.05), 0.04),
    'raised': ('{}_shoulder', (0.04, 0.03, 0.33), 0.09),
    'pointing ahead': ('{}_shoulder', (0.03, 0.34, 0.02), 0.07),
    'pointing aside': ('{}_shoulder', (0.34, 0.08, 0.02), 0.05),
    'pointing up': ('{}_shoulder', (0.12, 0.22, 0.2), 0.03),
    'reaching down': ('{}_knee', (0.02, 0.06, -0.1), 0.04),
    'carrying': ('spine', (0.10, 0.20, 0.0), 0.09),
}
# Done with both hands or not at all.
_BY_BOTH = ('carrying',)
_TABLE = ('pelvis', (0.08, 0.25, 0.13), 0.0)
_OVER_KNEES = 0.13
_FLOOR = ('{}_shoulder', (0.02, 0.34, 0.0), 0.0)


def gesture(rng: np.random.Generator, posture: BodyPosture, keypoints: Float32) -> BodyPosture:
    """
    Return a posture with a random gesture of one or both arms.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    posture : BodyPosture
        The posture to change.
    keypoints : Float32
        ``(26, 3)`` Where its keypoints are, m.

    Returns
    -------
    BodyPosture
        The same with other arms.

    """
    names = list(_GESTURES)
    common = np.array([share for _, _, share in _GESTURES.values()])
    driven = posture.driven.astype(np.float64)
    first = names[rng.choice(len(names), p=common / common.sum())]
    together = first in _BY_BOTH
    both = together or rng.random() < 0.45
    for side in 'LR' if both else ('L', 'R')[rng.integers(2)]:
        other = not together and rng.random() < 0.2
        name = names[rng.integers(len(names))] if other else first
        wrist = wrist_target(rng, _GESTURES[name], side, keypoints)
        reach_with(rng, driven, side, wrist, keypoints)
    return replace(posture, driven=driven.astype(np.float32), carries=together)


def hands_down(rng: np.random.Generator, posture: BodyPosture, keypoints: Float32) -> BodyPosture:
    """Return a posture with both hands on the floor, for somebody on all fours."""
    driven = posture.driven.astype(np.float64)
    for side in 'LR':
        wrist = wrist_target(rng, _FLOOR, side, keypoints)
        reach_with(rng, driven, side, wrist, keypoints)
    return replace(posture, driven=driven.astype(np.float32))


def hands_on_table(
    rng: np.random.Generator, posture: BodyPosture, keypoints: Float32
) -> BodyPosture:
    """Return a sitting posture with the hands on a table, sometimes one hand elsewhere."""
    posture = gesture(rng, posture, keypoints) if rng.random() < 0.3 else posture
    free = posture.carries or rng.random() < 0.3
    driven = posture.driven.astype(np.float64)
    out, front, up = np.array(_TABLE[1]) + rng.normal(0, (0.04, 0.03, 0.01))
    # The top is above the knees, and the hands on it.
    least = float(keypoints[UNION.indices('left_knee', 'right_knee'), 2].max()) + _OVER_KNEES
    for side in ('L', 'R')[rng.integers(2)] if free else 'LR':
        wrist = wrist_target(rng, (_TABLE[0], (out, front, up), 0.0), side, keypoints)
        wrist[2] = max(wrist[2], least)
        reach_with(rng, driven, side, wrist, keypoints)
    return replace(posture, driven=driven.astype(np.float32), carries=False, at_table=True)


def wrist_target(
    rng: np.random.Generator, goal: tuple[str, Offset, float], side: str, keypoints: Float32
) -> Float64:
    """
    Return where a wrist goes to.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    goal : tuple[str, tuple[float, float, float], float]
        Keypoint ({} is the hand's own side, [] the other); how far from it outwards, forwards and
        upwards, in shares of the standing height; and how common it is, which is not used here.
    side : str
        'L' or 'R'.
    keypoints : Float32
        ``(26, 3)`` m.

    """
    other = _SIDES['R' if side == 'L' else 'L']
    anchor, offset, _ = goal
    anchor = anchor.replace('{}', _SIDES[side]).replace('[]', other)
    left, right, neck, pelvis = keypoints[
        UNION.indices('left_shoulder_joint', 'right_shoulder_joint', 'neck', 'pelvis')
    ].astype(np.float64)
    up = neck - pelvis
    size = float(np.linalg.norm(up)) / 0.31  # About the standing height.
    up /= np.linalg.norm(up)
    outward = (left - right) * (1 if side == 'L' else -1)
    outward -= up * (outward @ up)
    outward /= np.linalg.norm(outward)
    forward = np.cross(up, outward) * (-1 if side == 'L' else 1)
    out, front, above = np.array(offset) + rng.normal(0, 0.02, 3)
    return keypoints[UNION.index(anchor)] + size * (out * outward + front * forward + above * up)


def reach_with(
    rng: np.random.Generator,
    driven: Float64,
    side: str,
    wrist: Float64,
    keypoints: Float32,
    flare: float = 1.5,
) -> None:
    """
    Turn upper arm and forearm, in place, so that the wrist reaches a point.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    driven : Float64
        ``(D, 3, 3)`` world rotation per driving bone; it is changed.
    side : str
        'L' or 'R'.
    wrist : Float64
        ``(3,)`` the point, m.
    keypoints : Float32
        ``(26, 3)`` before, m.
    flare : float
        How far outwards the elbow goes, in distances of the shoulder from the neck.

    """
    word = _SIDES[side]
    shoulder, elbow, hand = keypoints[
        UNION.indices(f'{word}_shoulder_joint', f'{word}_elbow', f'{word}_wrist')
    ].astype(np.float64)
    upper, fore = np.linalg.norm(elbow - shoulder), np.linalg.norm(hand - elbow)
    way = wrist - shoulder
    far = float(np.clip(np.linalg.norm(way), 0.35 * (upper + fore), 0.98 * (upper + fore)))
    way /= np.linalg.norm(way)
    # The elbow goes where it hangs: down and outwards, with some swivel.
    middle = keypoints[UNION.index('neck')].astype(np.float64)
    hang = (shoulder - middle) * flare + (0, 0, -0.35) + rng.normal(0, 0.12, 3)
    hang -= way * (hang @ way)
    hang /= np.linalg.norm(hang) + 1e-9
    along = (upper**2 - fore**2 + far**2) / (2 * far)
    bent = shoulder + way * along + hang * np.sqrt(max(upper**2 - along**2, 0.0))
    reached = shoulder + way * far
    old = np.stack([(elbow - shoulder) / upper, (hand - elbow) / fore])
    new = np.stack([bent - shoulder, reached - bent])
    new /= np.linalg.norm(new, axis=1, keepdims=True)
    turns = smallest_rotation(old, new)
    driven[_UPPER[side]] = turns[0] @ driven[_UPPER[side]]
    driven[_FORE[side]] = turns[1] @ driven[_FORE[side]]
    loose = rotation_vectors_to_matrices(rng.normal(0, 0.35, (1, 3)))[0]
    driven[_HAND[side]] = loose @ turns[1] @ driven[_HAND[side]]
