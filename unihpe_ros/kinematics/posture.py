"""Whether people stand, sit, kneel or lie, and whether somebody fell, from 3D keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.human_model import BODY_SIZES
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
# Of people whose ankles are unknown: least cosine of a thigh against the vertical while standing,
# and largest of one while lying; and the height of the lying body as a share of trunk and thigh.
_STANDING_THIGH, _LYING_THIGH, _LYING_HALF = 0.85, 0.6, 0.75
# Length of a leg, as a share of the thigh.
_LEG_OF_THIGH = (BODY_SIZES['thigh'] + BODY_SIZES['shin']) / BODY_SIZES['thigh']
# Time that a posture must last before it is reported, and longest duration of a fall, s.
_DWELL, _FALL = 0.3, 1.0
# Least drop of the hips in a fall, as a share of the leg; and if the ankles are unknown.
_DROP, _DROP_WITHOUT_ANKLES = 0.45, 0.7
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


@dataclass(frozen=True)
class SeenPosture:
    """
    The posture of one person at one moment.

    Parameters
    ----------
    posture : Posture
        Never FALLEN.
    height : float
        Height of the hips, m, over the origin of their frame; NaN where unknown.
    leg : float
        Length of a leg, m.
    is_whole : bool
        Whether a whole leg is known; without one it is guessed from thighs and trunk.

    """

    posture: Posture
    height: float = math.nan
    leg: float = math.nan
    is_whole: bool = True


def postures(points: NDArray[np.floating], up: NDArray[np.floating]) -> list[SeenPosture]:
    """
    Return the posture of each person at one moment.

    Parameters
    ----------
    points : NDArray
        ``(N, 26, 3)`` keypoints of UNION, m; NaN where unknown.
    up : NDArray
        ``(3,)`` unit vector against gravity, in the frame of the points.

    Returns
    -------
    list[SeenPosture]
        UNKNOWN where hips, shoulders, or both thighs are.

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
    is_whole = known.any(0)
    partly = ~is_whole & (thigh > 0).any(0) & (trunk > 0)
    if partly.any():
        rise = shoulders @ up - level
        found[partly] = _without_ankles(thigh, falls[0], trunk, rise, extent)[partly]
        leg = np.where(partly, _LEG_OF_THIGH * np.fmax(thigh[0], thigh[1]), leg)
    return [
        SeenPosture(Posture(posture), *seen)
        for posture, *seen in zip(
            found.tolist(), level.tolist(), leg.tolist(), is_whole.tolist(), strict=True
        )
    ]


def _without_ankles(
    thigh: Float64, fall: Float64, trunk: Float64, rise: Float64, extent: Float64
) -> NDArray[np.int_]:
    """
    Return the postures of people from thighs and trunk alone.

    Parameters
    ----------
    thigh, fall : NDArray[np.float64]
        ``(2, N)`` length of both thighs, and how far they go down, m.
    trunk, rise, extent : NDArray[np.float64]
        ``(N,)`` length of the trunk, how far it goes up, and height of the body, m.

    """
    known = thigh > 0
    steep = np.where(known, fall / np.where(known, thigh, 1), -1).max(0)
    size = trunk + np.where(known, thigh, 0).max(0)
    is_upright = rise > _LYING_TRUNK * trunk
    lies = ~is_upright & (steep < _LYING_THIGH) & (extent < _LYING_HALF * size)
    found = np.where(is_upright, Posture.SITTING, Posture.UNKNOWN)
    found[steep > _STANDING_THIGH] = Posture.STANDING
    found[lies] = Posture.LYING
    return found


@dataclass
class _Known:
    """State of one person over time."""

    stamp: float
    posture: Posture = Posture.UNKNOWN
    candidate: Posture = Posture.UNKNOWN
    since: float = -math.inf
    stood: float = -math.inf
    standing_height: float = math.nan
    was_standing: bool = False
    has_fallen: bool = False


class PostureTracker:
    """Tracker of postures, which reports those that last, and falls."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def update(
        self, ids: Sequence[int], seen: Sequence[SeenPosture], stamp: float
    ) -> list[Posture]:
        """
        Return the posture of each person.

        Parameters
        ----------
        ids : Sequence[int]
            N people; all others are forgotten.
        seen : Sequence[SeenPosture]
            N postures of this moment, see `postures`.
        stamp : float
            Time, s; one before the last, or long after it, drops the state.

        """
        self._known = {i: self._known[i] for i in ids if i in self._known}
        return [self._follow(i, now, stamp) for i, now in zip(ids, seen, strict=True)]

    def _follow(self, i: int, seen: SeenPosture, stamp: float) -> Posture:
        known, now = self._known.get(i), seen.posture
        if known is None or not 0 <= stamp - known.stamp <= _PAUSE:
            # The first posture is reported at once, because it contradicts none before.
            known = self._known[i] = _Known(stamp, now, now, stamp)
        known.stamp = stamp
        # By their thighs alone, people on their knees stand.
        is_kneeling = known.posture is Posture.KNEELING and now is Posture.STANDING
        if now is not Posture.UNKNOWN and (seen.is_whole or not is_kneeling):
            _see(known, seen, stamp)
        is_fall = known.posture is Posture.LYING and known.has_fallen
        return Posture.FALLEN if is_fall else known.posture


def _see(known: _Known, seen: SeenPosture, stamp: float) -> None:
    """Accept a posture that lasts, and note whether it began with a fall."""
    now = seen.posture
    if now is not known.candidate:
        known.candidate, known.since = now, stamp
        if now is Posture.LYING and known.posture is not Posture.LYING:
            known.was_standing, known.has_fallen = stamp - known.stood <= _FALL, False
    if now is Posture.LYING and known.was_standing:
        known.has_fallen |= _has_dropped(known, seen)
    if stamp - known.since >= _DWELL or now is known.posture:
        known.posture = now
    if known.posture is now is Posture.STANDING:
        known.stood, known.standing_height = stamp, seen.height


def _has_dropped(known: _Known, seen: SeenPosture) -> bool:
    """Whether the hips are much lower than when the person stood; a guess if that is unknown."""
    drop = known.standing_height - seen.height
    least = _DROP if seen.is_whole else _DROP_WITHOUT_ANKLES
    return drop >= least * seen.leg if math.isfinite(drop) else seen.is_whole
