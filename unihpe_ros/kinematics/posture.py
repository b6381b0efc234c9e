"""Whether people stand, sit, kneel or lie, and whether somebody fell, from 3D keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.rotations import length

Float64 = NDArray[np.float64]

# Heights of the hips as shares of the leg's length: above the first a person stands, below the
# second a person lies.
_STANDING_HIPS, _LYING_HIPS = 0.72, 0.45
# Height of the body, as a share of the length of trunk and leg, below which a person lies. Arms
# are left out, because a lying person may raise them.
_LYING_EXTENT = 0.55
# Cosines against the vertical: of a trunk that lies, and of a shin that lies on the floor.
_LYING_TRUNK, _LYING_SHIN = 0.6, 0.5
# Least height of the hip over the knee of a kneeling person, as a share of the thigh.
_OVER_KNEE = 0.2
_KNEELING_BEND = math.cos(
    math.radians(60)
)  # Cosine of the least bend of the knee of a kneeling person.
# Largest height of the hip over the ankle of a squatting person, as a share of the thigh.
_OVER_ANKLE = 0.75
# Time that a posture must last before it is reported, and longest duration of a fall, s.
_DWELL, _FALL = 0.3, 1.0
# Pause after which the state is dropped, s.
_PAUSE = 2.0

# Left and right hip, then left and right shoulder.
_TRUNK = np.array(
    UNION.indices(
        *(f'{side}_{name}_joint' for name in ('hip', 'shoulder') for side in ('left', 'right'))
    )
)
# Both hips, both knees, both ankles.
_LEGS = np.array(
    UNION.indices(
        *(
            f'{side}_{name}'
            for name in ('hip_joint', 'knee', 'ankle')
            for side in ('left', 'right')
        )
    )
)
_NO_ARMS = np.array(
    [i for i, name in enumerate(UNION.keypoints) if not name.endswith(('elbow', 'wrist'))]
)


class Posture(IntEnum):
    """Posture of a person; the values are part of the ROS interface."""

    UNKNOWN = 0
    STANDING = 1
    SITTING = 2
    KNEELING = 3  # On one or both knees, or squatting.
    LYING = 4
    FALLEN = 5  # Lying within a second of standing, and not risen since.


def postures(points: NDArray[np.floating], up: NDArray[np.floating]) -> list[Posture]:
    """
    Return the posture of each person at one moment, which is never FALLEN.

    Parameters
    ----------
    points : NDArray
        ``(N, 26, 3)`` keypoints of UNION, m; NaN where unknown.
    up : NDArray
        ``(3,)`` unit vector against gravity, in the frame of the points.

    Returns
    -------
    list[Posture]
        UNKNOWN where hips, shoulders, or both legs are.

    """
    # (26, N, 3): few calls of NumPy, of which each takes longer than its sums.
    joints = points.astype(np.float64).swapaxes(0, 1)
    trunks = joints.take(_TRUNK, 0)
    hips, shoulders = 0.5 * (trunks[0::2] + trunks[1::2])
    legs = joints.take(_LEGS, 0).reshape(3, 2, *hips.shape)  # hip knee ankle, 2 legs, N, 3
    bones = legs[1:] - legs[:-1]
    thighs, shins = bones
    (thigh, shin), trunk = length(bones), length(shoulders - hips)
    known = (thigh > 0) & (shin > 0)  # (2, N)
    count = np.maximum(np.add.reduce(known), 1)
    mean_thigh, mean_shin = np.add.reduce(np.where(known, (thigh, shin), 0), 1) / count
    leg = mean_thigh + mean_shin
    falls = bones @ -up  # (2, 2, N) thighs and shins, downwards
    level = hips @ up
    lowest = np.where(known, legs @ up, np.inf).reshape(6, -1).min(0)
    height = level - lowest
    heights = joints.take(_NO_ARMS, 0) @ up
    extent = np.fmax.reduce(heights) - np.fmin.reduce(heights)
    lies = (extent < _LYING_EXTENT * (trunk + leg)) & (height < _LYING_HIPS * leg)
    lies &= shoulders @ up - level < _LYING_TRUNK * trunk
    # On a knee: the shin lies, and the hip is over the knee.
    cosine = np.add.reduce(thighs * shins, -1) / np.maximum(thigh * shin, 1e-9)
    kneels = known & (np.abs(falls[1]) < _LYING_SHIN * shin) & (cosine < _KNEELING_BEND)
    kneels &= falls[0] > _OVER_KNEE * thigh
    # Squatting: on the feet alone, near over the ankles, the shins upright.
    ankles = np.add.reduce(np.where(known[..., None], legs[2], 0)) / count[:, None]
    apart = hips - ankles
    aside = length(apart - (apart @ up)[:, None] * up)
    squats = (~known | (falls[1] > _LYING_SHIN * shin)).all(0)
    squats &= aside < _OVER_ANKLE * mean_thigh
    found = np.where(kneels.any(0) | squats, Posture.KNEELING, Posture.SITTING)
    found[height > _STANDING_HIPS * leg] = Posture.STANDING
    found[lies] = Posture.LYING
    found[~known.any(0) | ~(trunk > 0)] = Posture.UNKNOWN
    return [Posture(value) for value in found.tolist()]


@dataclass
class _Known:
    """State of one person over time."""

    stamp: float
    posture: Posture = Posture.UNKNOWN
    candidate: Posture = Posture.UNKNOWN
    since: float = -math.inf
    stood: float = -math.inf
    has_fallen: bool = False


class PostureTracker:
    """Tracker of postures, which reports those that last, and falls."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def update(self, ids: Sequence[int], seen: Sequence[Posture], stamp: float) -> list[Posture]:
        """
        Return the posture of each person.

        Parameters
        ----------
        ids : Sequence[int]
            N people; all others are forgotten.
        seen : Sequence[Posture]
            N postures of this moment, see `postures`.
        stamp : float
            Time, s; one before the last, or long after it, drops the state.

        """
        self._known = {i: self._known[i] for i in ids if i in self._known}
        return [self._follow(i, now, stamp) for i, now in zip(ids, seen, strict=True)]

    def _follow(self, i: int, now: Posture, stamp: float) -> Posture:
        known = self._known.get(i)
        if known is None or not 0 <= stamp - known.stamp <= _PAUSE:
            # The first posture is reported at once, because it contradicts none before.
            known = self._known[i] = _Known(stamp, now, now, stamp)
        known.stamp = stamp
        if now is Posture.UNKNOWN:
            now = known.posture
        if now is not known.candidate:
            known.candidate, known.since = now, stamp
            if now is Posture.LYING and known.posture is not Posture.LYING:
                known.has_fallen = stamp - known.stood <= _FALL
        if stamp - known.since >= _DWELL or now is known.posture:
            known.posture = now
        if known.posture is Posture.STANDING and now is Posture.STANDING:
            known.stood = stamp
        if known.posture is not Posture.LYING:
            return known.posture
        return Posture.FALLEN if known.has_fallen else Posture.LYING
