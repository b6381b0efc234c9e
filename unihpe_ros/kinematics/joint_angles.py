"""
Joint angles of people from 3D keypoints, by analytic inverse kinematics.

Each link's orientation is read from keypoints: the pelvis from hips and spine, the trunk from hips
and shoulders, the head from the face, limbs from their bones. The rotation of a limb about its own
length shows in the plane in which elbow or knee bend; the straighter they are, the less it is
known, and the more it is that of the least turn from the hanging limb, so that nothing jumps where
a limb becomes straight. The angles are those of `human_model`, held by its limits.

"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.directions import smallest_rotation
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.head import head_angles, head_frames
from unihpe_ros.kinematics.human_model import (
    ANGLES,
    axis_rotation,
    JOINT_RANGES,
    SPINE_LEAN,
    TORSO_LEAN,
)
from unihpe_ros.kinematics.rotations import (
    length,
    SHORTEST,
    upright_frames,
    within,
    wrapped,
    yxz_angles,
    zxy_angles,
)

Float64 = NDArray[np.float64]

# Sine of the bend at which the bend says as much of a limb's axial rotation as is known without.
_KNOWN_BEND = 0.15
# Where an arm hangs down, its azimuth says nothing: from these elevations, rad, it is used.
_HANGING = (0.03, 0.15)
# Elevation, rad, up to which all of an arm's turn about z is well known.
_RAISED = 1.0
_SIDES = ('left', 'right')
_SPINE, _HEAD = UNION.index('spine'), UNION.index('head')
# Left shoulder, right shoulder, left hip, right hip: the joint centres, and points on the skin.
_STARTS, _SKIN = (
    np.array(UNION.indices(*(f'{s}_{j}{end}' for j in ('shoulder', 'hip') for s in _SIDES)))
    for end in ('_joint', '')
)
# The ends of the upper bones of left arm, right arm, left leg and right leg, then of the lower.
_LIMB_JOINTS = np.array(
    UNION.indices(
        *(
            f'{side}_{joint}'
            for limb in (('elbow', 'knee'), ('wrist', 'ankle'))
            for joint in limb
            for side in _SIDES
        )
    )
)
# 1 where the lower bone bends forwards, -1 where backwards.
_FORWARD = np.array([1.0, 1.0, -1.0, -1.0])[:, None, None]
# What right limbs are multiplied by to be seen in a mirror, as if they were left.
_MIRROR = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0]] * 2)[:, None]
_DOWN = np.array([0.0, 0.0, -1.0])
# The order in which angles are found, and where those of ANGLES are there.
_FOUND = (
    *('waist', 'r_waist', 'y_waist', 'r_head', 'y_head', 'p_head'),
    *(
        f'{side}_{axis}_{joint}'
        for joint in ('shoulder', 'hip')
        for axis in 'ypr'
        for side in 'lr'
    ),
    *(f'{side}_{joint}' for joint in ('elbow', 'knee') for side in 'lr'),
)
_COLUMNS = np.array([_FOUND.index(name) for name in ANGLES])
# In a mirror the hips' y joints alone turn the other way; knees bend where elbows do not.
_HIP_SIGNS = np.array([[-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]])[..., None]
_BEND_SIGNS = np.array([1.0, 1.0, -1.0, -1.0])[:, None]
_YAW_LIMITS = JOINT_RANGES[ANGLES.index('l_y_shoulder')].tolist()


@dataclass(frozen=True)
class BodyAngles:
    """
    Joint angles and orientations of N people.

    Parameters
    ----------
    origins : NDArray[np.float64]
        ``(N, 3)`` m, between the hips, in the frame of the keypoints; NaN where unknown.
    rotations : NDArray[np.float64]
        ``(N, 3, 3)`` orientation of the pelvis there: x forward, y to the left, z up the spine.
    angles : NDArray[np.float64]
        ``(N, 22)`` rad, in the order of `human_model.ANGLES`; NaN where unknown.
    sizes : dict[str, NDArray[np.float64]]
        ``(N,)`` m for each of `human_model.BODY_SIZES`; NaN where unknown.

    """

    origins: Float64
    rotations: Float64
    angles: Float64
    sizes: dict[str, Float64]


def body_angles(points: NDArray[np.floating], known_bend: float = _KNOWN_BEND) -> BodyAngles:
    """
    Return the joint angles of people.

    Parameters
    ----------
    points : NDArray
        ``(N, 26, 3)`` keypoints of UNION, m, any right-handed frame; NaN where unknown.
    known_bend : float
        Sine of the bend of elbow or knee at which half of a limb's axial rotation is believed;
        more for noisy keypoints, 0 for exact ones.

    Returns
    -------
    BodyAngles
        What depends on an unknown keypoint is NaN.

    """
    # (26, N, 3): few calls of NumPy, of which each takes longer than its sums.
    joints = points.astype(np.float64).swapaxes(0, 1)
    starts = joints.take(_STARTS, 0)
    starts = np.where(np.isfinite(starts), starts, joints.take(_SKIN, 0))
    left, right = starts[0::2], starts[1::2]
    middles, across = 0.5 * (left + right), left - right  # (2, N, 3): of shoulders, of hips.
    middle, origins = middles
    trunk = middle - origins
    bases = _bases(trunk, joints[_SPINE] - origins, across)
    inner = np.array([head_frames(joints.swapaxes(0, 1)), bases[0]])
    head, waist = np.swapaxes(bases, 2, 3) @ inner
    ends = joints.take(_LIMB_JOINTS, 0).reshape(2, 4, len(points), 3)
    bones = np.array([ends[0] - starts, ends[1] - ends[0]])
    lengths = length(bones)
    turned, bends = _limbs(bases, bones / np.maximum(lengths, SHORTEST)[..., None], known_bend)
    found = (
        np.array(yxz_angles(waist)),
        np.array(head_angles(head)),
        np.array(_shoulder_angles(turned[:2])).reshape(6, -1),
        (_HIP_SIGNS * zxy_angles(turned[2:])).reshape(6, -1),
        _BEND_SIGNS * bends,
    )
    angles = np.concatenate(found).take(_COLUMNS, 0).T
    held = np.minimum(np.maximum(angles, JOINT_RANGES[:, 0]), JOINT_RANGES[:, 1])
    torso, neck, *widths = length(np.array([trunk, joints[_HEAD] - middle, *across]))
    sizes = {'torso': torso, 'neck': 0.5 * neck}
    sizes |= zip(('shoulder_width', 'hip_width'), widths, strict=True)
    sizes |= zip(('upper_arm', 'thigh', 'forearm', 'shin'), _even(lengths), strict=True)
    return BodyAngles(origins, bases[1], held, sizes)


def _bases(trunk: Float64, spine: Float64, across: Float64) -> Float64:
    """
    Return the orientations of trunk and pelvis: z up the spine, or the trunk if it is unknown.

    Parameters
    ----------
    trunk, spine : NDArray[np.float64]
        ``(N, 3)`` from between the hips to between the shoulders, and to the spine, m.
    across : NDArray[np.float64]
        ``(2, N, 3)`` from right to left shoulder, and hip, m.

    Returns
    -------
    NDArray[np.float64]
        ``(2, N, 3, 3)``.

    """
    known = np.asarray(np.isfinite(spine).all(-1))
    up = np.array([trunk, np.where(known[:, None], spine, trunk)])
    leans = _LEANS[np.array([np.zeros_like(known), known], np.intp)]
    return np.asarray(upright_frames(up, across) @ leans)


def _even(lengths: Float64) -> Float64:
    """Return the mean of left and right, that of one side if it alone is known, for each bone."""
    left, right = lengths[:, 0::2], lengths[:, 1::2]
    mean = 0.5 * (np.where(np.isnan(left), right, left) + np.where(np.isnan(right), left, right))
    return mean.reshape(4, -1)


def _limbs(bases: Float64, bones: Float64, known_bend: float) -> tuple[Float64, Float64]:
    """
    Return how upper arms and thighs are turned, seen from where they hang, and the bends behind.

    Parameters
    ----------
    bases : NDArray[np.float64]
        ``(2, N, 3, 3)`` orientation of what they hang from: trunk, pelvis.
    bones : NDArray[np.float64]
        ``(2, 4, N, 3)`` directions of upper and lower bones of left arm, right arm, left leg and
        right leg; zeros for bones without a length.
    known_bend : float
        See `body_angles`.

    Returns
    -------
    turned : NDArray[np.float64]
        ``(4, N, 3, 3)`` base_from_limb; of right limbs in a mirror, as if they were left.
    bends : NDArray[np.float64]
        ``(4, N)`` rad, 0 if straight.

    """
    seen = _MIRROR * (bones[..., None, :] @ bases.repeat(2, 0))[..., 0, :]
    # A bone without a length has no direction.
    seen[~(length(seen) > 0.5)] = np.nan
    along, behind = seen
    least = _natural(along)
    cosine = np.add.reduce(along * behind, -1)
    across = behind - cosine[..., None] * along
    sine = length(across)
    # How far the plane of the bend is turned from that of the natural turn.
    flat = _FORWARD * (across[..., None, :] @ least)[..., 0, :]
    axial = np.arctan2(flat[..., 1], flat[..., 0])
    axial *= sine**2 / np.maximum(sine**2 + known_bend**2, SHORTEST**2)
    axial[~np.isfinite(axial)] = 0.0
    return least @ axis_rotation((0.0, 0.0, 1.0), axial), np.arctan2(sine, cosine)


def _natural(along: Float64) -> Float64:
    """
    Return how straight limbs are turned, for lack of better: ``(4, N, 3, 3)``, z against `along`.

    By the least turn from hanging into the middle of where a limb can go, and the least on from
    there: a direction in which two of these contradict each other is out of its reach.

    """
    return smallest_rotation(_MIDDLES, along) @ _TO_MIDDLES


def _shoulder_angles(turned: Float64) -> tuple[Float64, Float64, Float64]:
    """``(...)`` Yaw, pitch and roll of left shoulders: about -z, then x, then z."""
    pitch = np.arccos(within(turned[..., 2, 2], -1, 1))
    yaw = -np.arctan2(turned[..., 0, 2], -turned[..., 1, 2])
    roll = np.arctan2(turned[..., 2, 0], turned[..., 2, 1])
    # Half a turn more of both with the pitch negated is the same: the one within the limits.
    over = (yaw > _YAW_LIMITS[1]) | (yaw < _YAW_LIMITS[0])
    yaw, roll = np.where(over, wrapped(np.array([yaw, roll]) + np.pi), (yaw, roll))
    pitch = np.where(over, -pitch, pitch)
    # Hanging, the arm is turned by roll alone, which is then all of the turn about z.
    across, along = turned[..., 1, 0] - turned[..., 0, 1], turned[..., 0, 0] + turned[..., 1, 1]
    raised = np.abs(pitch)
    roll = np.where(raised < _RAISED, np.arctan2(across, along) + yaw, roll)
    share = within((raised - _HANGING[0]) / (_HANGING[1] - _HANGING[0]), 0, 1)
    share = share * share * (3 - 2 * share)
    return share * yaw, pitch, wrapped(roll - (1 - share) * yaw)


def _lean(angle: float) -> Float64:
    """``(3, 3)`` By which a frame is multiplied to lean its z backwards."""
    c, s = np.cos(-angle), np.sin(-angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


_LEANS = np.array([_lean(TORSO_LEAN), _lean(SPINE_LEAN)])
# The middle of where each limb can go, seen from where it hangs, in a mirror for right ones.
_MIDDLES = np.array([[1, 1, 0], [1, 1, 0], [0, 0, -1], [0, 0, -1]]) / np.sqrt([[2], [2], [1], [1]])
_MIDDLES = _MIDDLES[:, None]
_TO_MIDDLES = smallest_rotation(_DOWN, _MIDDLES)
