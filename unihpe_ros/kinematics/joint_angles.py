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
from unihpe_ros.kinematics.human_model import (
    ANGLES,
    LIMITS,
    SPINE_LEAN,
    TORSO_LEAN,
    turn,
)
from unihpe_ros.kinematics.rotations import (
    length,
    SHORTEST,
    upright_frames,
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
# The face of the mean adult from between the ears, m: x forward, y to the left, z up.
_FACE = {
    'nose': (0.105, 0.0, -0.012),
    'left_eye': (0.083, 0.030, 0.020),
    'right_eye': (0.083, -0.030, 0.020),
    'left_ear': (0.0, 0.074, 0.0),
    'right_ear': (0.0, -0.074, 0.0),
    'head_top': (0.001, 0.0, 0.124),
}
_FACE_KEYPOINTS = UNION.indices(*_FACE)
_FACE_POINTS = np.array(list(_FACE.values()))
_SPINE, _HEAD = UNION.index('spine'), UNION.index('head')
_PAIRS = {
    joint: [UNION.indices(*(f'{side}_{joint}{end}' for side in ('left', 'right'))) for end in ends]
    for joint, ends in (('hip', ('_joint', '')), ('shoulder', ('_joint', '')))
}
# The ends of the upper bones of left arm, right arm, left leg and right leg, then of the lower.
_LIMB_JOINTS = UNION.indices(
    *(
        f'{side}_{joint}'
        for limb in (('elbow', 'knee'), ('wrist', 'ankle'))
        for joint in limb
        for side in ('left', 'right')
    )
)
# 1 where the lower bone bends forwards, -1 where backwards.
_FORWARD = np.array([1.0, 1.0, -1.0, -1.0])[:, None, None]
_DOWN = np.array([0.0, 0.0, -1.0])


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
        ``(N,)`` m for each of `human_model.SIZES`; NaN where unknown.

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
    body = points.astype(np.float64)
    hips, shoulders = _pair(body, 'hip'), _pair(body, 'shoulder')
    origins, middle = 0.5 * (hips[0] + hips[1]), 0.5 * (shoulders[0] + shoulders[1])
    pelvis = _pelvis(body[:, _SPINE] - origins, middle - origins, hips[0] - hips[1])
    torso = _leaned(upright_frames(middle - origins, shoulders[0] - shoulders[1]), TORSO_LEAN)
    seen = np.swapaxes(np.stack([pelvis, torso]), 2, 3) @ np.stack([torso, _head(body)])
    found = dict(zip(('waist', 'r_waist', 'y_waist'), yxz_angles(seen[0]), strict=True))
    found |= zip(('r_head', 'y_head', 'p_head'), _head_angles(seen[1]), strict=True)
    starts = np.concatenate([shoulders, hips])
    joints = body[:, _LIMB_JOINTS].swapaxes(0, 1).reshape(2, 4, len(body), 3)
    upper, lower = joints[0] - starts, joints[1] - joints[0]
    bases = np.stack([torso, torso, pelvis, pelvis])
    turned, bends = _limbs(bases, upper, lower, known_bend)
    for row, side in enumerate('lr'):
        names = [f'{side}_{axis}_shoulder' for axis in 'ypr']
        found |= zip(names, _shoulder_angles(turned[row]), strict=True)
        z, x, y = zxy_angles(turned[2 + row])
        # In a mirror the hips' y joints alone turn the other way.
        found[f'{side}_y_hip'] = -z if side == 'l' else z
        found[f'{side}_p_hip'], found[f'{side}_r_hip'] = x, -y
        found[f'{side}_elbow'], found[f'{side}_knee'] = bends[row], -bends[2 + row]
    angles = np.stack([found[name] for name in ANGLES], -1)
    held = np.minimum(np.maximum(angles, LIMITS[:, 0]), LIMITS[:, 1])
    lengths = _even(length(np.stack([upper, lower])))
    sizes = {
        'torso': length(middle - origins),
        'neck': 0.5 * length(body[:, _HEAD] - middle),
        'shoulder_width': length(shoulders[0] - shoulders[1]),
        'hip_width': length(hips[0] - hips[1]),
        **dict(zip(('upper_arm', 'thigh', 'forearm', 'shin'), lengths, strict=True)),
    }
    return BodyAngles(origins, pelvis, held, sizes)


def _pelvis(spine: Float64, trunk: Float64, left: Float64) -> Float64:
    """``(N, 3, 3)`` Orientation of the pelvis: z up the spine, or the trunk if it is unknown."""
    known = np.asarray(np.isfinite(spine).all(-1))
    frame = upright_frames(np.where(known[:, None], spine, trunk), left)
    if known.all():
        return _leaned(frame, SPINE_LEAN)
    return np.where(known[:, None, None], _leaned(frame, SPINE_LEAN), _leaned(frame, TORSO_LEAN))


def _pair(body: Float64, joint: str) -> Float64:
    """``(2, N, 3)`` The left and right joint centres; the points on the skin if unknown."""
    centres, skin = (body[:, columns].swapaxes(0, 1) for columns in _PAIRS[joint])
    return np.where(np.isfinite(centres), centres, skin)


def _even(lengths: Float64) -> list[Float64]:
    """Return the mean of left and right, that of one side if it alone is known, for each bone."""
    left, right = lengths[:, 0::2], lengths[:, 1::2]
    mean = 0.5 * (np.where(np.isnan(left), right, left) + np.where(np.isnan(right), left, right))
    return list(mean.reshape(4, -1))


def _limbs(
    bases: Float64, upper: Float64, lower: Float64, known_bend: float
) -> tuple[Float64, Float64]:
    """
    Return how upper arms and thighs are turned, seen from where they hang, and the bends behind.

    Parameters
    ----------
    bases : NDArray[np.float64]
        ``(4, N, 3, 3)`` orientation of what they hang from: left arm, right arm, left leg, right
        leg.
    upper, lower : NDArray[np.float64]
        ``(4, N, 3)`` the two bones of each, m.
    known_bend : float
        See `body_angles`.

    Returns
    -------
    turned : NDArray[np.float64]
        ``(4, N, 3, 3)`` base_from_limb; of right limbs in a mirror, as if they were left.
    bends : NDArray[np.float64]
        ``(4, N)`` rad, 0 if straight.

    """
    bones = np.stack([upper, lower], -1) / np.maximum(
        length(np.stack([upper, lower])).transpose(1, 2, 0)[..., None, :], SHORTEST
    )
    seen = np.swapaxes(bases, 2, 3) @ bones
    seen[1::2, :, 1] *= -1
    along, behind = seen[..., 0], seen[..., 1]
    # A bone without a length has no direction.
    along = np.where(length(along)[..., None] > 0.5, along, np.nan)
    least = _natural(along)
    cosine = (along * behind).sum(-1)
    across = behind - cosine[..., None] * along
    sine = length(across)
    # How far the plane of the bend is turned from that of the natural turn.
    flat = _FORWARD * (np.swapaxes(least, 2, 3) @ across[..., None])[..., 0]
    axial = np.arctan2(flat[..., 1], flat[..., 0])
    sure = sine**2 / np.maximum(sine**2 + known_bend**2, SHORTEST**2)
    axial = np.where(np.isfinite(axial), sure * axial, 0.0)
    turned = least @ turn((0.0, 0.0, 1.0), axial)
    bends = np.where(length(behind) > 0.5, np.arctan2(sine, cosine), np.nan)
    return turned, bends


def _natural(along: Float64) -> Float64:
    """
    Return how straight limbs are turned, for lack of better: ``(4, N, 3, 3)``, z against `along`.

    By the least turn from hanging into the middle of where a limb can go, and the least on from
    there: a direction in which two of these contradict each other is out of its reach.

    """
    return smallest_rotation(_MIDDLES, along) @ _TO_MIDDLES


def _shoulder_angles(turned: Float64) -> tuple[Float64, Float64, Float64]:
    """Return yaw, pitch and roll of left shoulders: about -z, then x, then z."""
    pitch = np.arccos(np.minimum(np.maximum(turned[:, 2, 2], -1), 1))
    yaw = -np.arctan2(turned[:, 0, 2], -turned[:, 1, 2])
    roll = np.arctan2(turned[:, 2, 0], turned[:, 2, 1])
    # Half a turn more of both with the pitch negated is the same: the one within the limits.
    low, high = LIMITS[ANGLES.index('l_y_shoulder')]
    over = (yaw > high) | (yaw < low)
    yaw, roll = (np.where(over, wrapped(angle + np.pi), angle) for angle in (yaw, roll))
    pitch = np.where(over, -pitch, pitch)
    # Hanging, the arm is turned by roll alone, which is then all of the turn about z.
    about_z = np.arctan2(turned[:, 1, 0] - turned[:, 0, 1], turned[:, 0, 0] + turned[:, 1, 1])
    roll = np.where(np.abs(pitch) < _RAISED, about_z + yaw, roll)
    share = np.minimum(
        np.maximum((np.abs(pitch) - _HANGING[0]) / (_HANGING[1] - _HANGING[0]), 0), 1
    )
    share = share * share * (3 - 2 * share)
    return share * yaw, pitch, wrapped(roll - (1 - share) * yaw)


def _head_angles(rotation: Float64) -> tuple[Float64, Float64, Float64]:
    """Return roll, yaw and pitch of the head: about x, then z, then -y."""
    yaw = np.arcsin(np.clip(-rotation[:, 0, 1], -1, 1))
    roll = np.arctan2(rotation[:, 2, 1], rotation[:, 1, 1])
    return roll, yaw, -np.arctan2(rotation[:, 0, 2], rotation[:, 0, 0])


def _head(body: Float64) -> Float64:
    """``(N, 3, 3)`` Orientation of the head, from what is known of the face (Kabsch)."""
    face = body[:, _FACE_KEYPOINTS]
    found = np.asarray(np.isfinite(face).all(-1))
    known = found[..., None]
    count = np.maximum(known.sum(1, keepdims=True), 1)
    model = np.where(known, _FACE_POINTS, 0)
    model = np.where(known, model - model.sum(1, keepdims=True) / count, 0)
    seen = np.where(known, face, 0)
    seen = np.where(known, seen - seen.sum(1, keepdims=True) / count, 0)
    u, size, v = np.linalg.svd(np.swapaxes(seen, 1, 2) @ model)
    u[:, :, 2] *= np.sign(np.linalg.det(u @ v))[:, None]
    rotation = u @ v
    # Points on one line leave the turn about it open.
    rotation[size[:, 1] < 1e-3 * np.maximum(size[:, 0], 1e-9)] = np.nan
    rotation[known.sum((1, 2)) < 3] = np.nan
    return np.asarray(rotation)


def _leaned(frame: Float64, lean: float) -> Float64:
    """Return frames whose z leans backwards by an angle against what was measured."""
    c, s = np.cos(-lean), np.sin(-lean)
    return frame @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


# The middle of where each limb can go, seen from where it hangs, in a mirror for right ones.
_MIDDLES = np.array([[1, 1, 0], [1, 1, 0], [0, 0, -1], [0, 0, -1]]) / np.sqrt([[2], [2], [1], [1]])
_MIDDLES = _MIDDLES[:, None]
_TO_MIDDLES = smallest_rotation(_DOWN, _MIDDLES)
