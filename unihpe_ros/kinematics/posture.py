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

# Shares of the leg's length: hips that are higher stand, those of somebody who lies are lower.
_STANDING_HIPS, _LYING_HIPS = 0.72, 0.45
# Height of the body without the arms, which somebody who lies may raise, as a share of the length
# of trunk and leg, below which somebody lies.
_LYING_EXTENT = 0.55
# Cosines against the vertical: of a trunk that lies, and of a shin that lies on the floor.
_LYING_TRUNK, _LYING_SHIN = 0.6, 0.5
# Of somebody on their knees the hip is over the knee by this share of the thigh.
_OVER_KNEE = 0.2
_KNEELING_BEND = math.cos(math.radians(60))  # Cosine of the least bend of their knee.
# Of somebody who squats the hip is this near over the ankle, as a share of the thigh.
_OVER_ANKLE = 0.75
# How long a posture lasts before it is believed, and how long a fall may take, s.
_DWELL, _FALL = 0.3, 1.0
# A pause after which nothing is known of what was before, s.
_PAUSE = 2.0

_HIPS = UNION.indices('left_hip_joint', 'right_hip_joint')
_SHOULDERS = UNION.indices('left_shoulder_joint', 'right_shoulder_joint')
_LEGS = UNION.indices(
    *(f'{side}_{name}' for side in ('left', 'right') for name in ('hip_joint', 'knee', 'ankle'))
)
_NO_ARMS = [i for i, name in enumerate(UNION.keypoints) if not name.endswith(('elbow', 'wrist'))]


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
    Return the posture of each person at one moment; nobody is FALLEN by that alone.

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
    body = points.astype(np.float64)
    hips, shoulders = body[:, _HIPS].mean(1), body[:, _SHOULDERS].mean(1)
    # (N, 2 legs, hip knee ankle, 3)
    legs = body[:, _LEGS].reshape(-1, 2, 3, 3)
    thighs, shins = legs[:, :, 1] - legs[:, :, 0], legs[:, :, 2] - legs[:, :, 1]
    thigh, shin, trunk = (length(bones) for bones in (thighs, shins, shoulders - hips))
    known = (thigh > 0) & (shin > 0)
    count = np.maximum(known.sum(-1), 1)
    mean_thigh = np.where(known, thigh, 0).sum(-1) / count
    leg = mean_thigh + np.where(known, shin, 0).sum(-1) / count
    heights = body @ up
    lowest = np.where(known[..., None], legs @ up, np.inf).min((1, 2))
    height = hips @ up - lowest
    heights = heights[:, _NO_ARMS]
    extent = np.fmax.reduce(heights, axis=1) - np.fmin.reduce(heights, axis=1)
    lies = (extent < _LYING_EXTENT * (trunk + leg)) & (height < _LYING_HIPS * leg)
    lies &= (shoulders - hips) @ up < _LYING_TRUNK * trunk
    # On a knee: the shin lies, and the hip is over the knee.
    cosine = (thighs * shins).sum(-1) / np.maximum(thigh * shin, 1e-9)
    kneels = known & (np.abs(shins @ up) < _LYING_SHIN * shin) & (cosine < _KNEELING_BEND)
    kneels &= -(thighs @ up) > _OVER_KNEE * thigh
    # Squatting: on the feet alone, near over the ankles, the shins upright.
    ankles = np.where(known[..., None], legs[:, :, 2], 0).sum(1) / count[:, None]
    apart = hips - ankles
    aside = length(apart - (apart @ up)[:, None] * up)
    squats = (aside < _OVER_ANKLE * mean_thigh) & (
        ~known | (-(shins @ up) > _LYING_SHIN * shin)
    ).all(-1)
    is_unknown = ~known.any(-1) | ~(trunk > 0)
    found = np.select(
        [is_unknown, lies, height > _STANDING_HIPS * leg, kneels.any(-1) | squats],
        [Posture.UNKNOWN, Posture.LYING, Posture.STANDING, Posture.KNEELING],
        Posture.SITTING,
    )
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
    """Follows the postures of people: one that lasts is believed, and falls are found."""

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
            s; a time before the last one, or long after it, forgets what was.

        """
        self._known = {i: self._known[i] for i in ids if i in self._known}
        return [self._follow(i, now, stamp) for i, now in zip(ids, seen, strict=True)]

    def _follow(self, i: int, now: Posture, stamp: float) -> Posture:
        known = self._known.get(i)
        if known is None or not 0 <= stamp - known.stamp <= _PAUSE:
            # The first posture is believed at once: there is none that it contradicts.
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
