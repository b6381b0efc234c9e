"""Directions of the arms' bones against the trunk, by which gestures are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.rotations import unit, upright_frames

Float64 = NDArray[np.float64]

# Bones in the order of all features: upper arm and forearm of the left arm, then of the right.
BONES = 4
FEATURES = 3 * BONES
# The other side's bones, and the sign of each axis in a mirror.
_OTHER_SIDE, _MIRROR = [2, 3, 0, 1], np.array([1.0, -1.0, 1.0])
_ENDS = tuple(
    np.array(UNION.indices(*(f'{side}_{joint}' for side in ('left', 'right') for joint in joints)))
    for joints in (('shoulder_joint', 'elbow'), ('elbow', 'wrist'))
)
_LEFT, _RIGHT = UNION.indices('left_shoulder_joint', 'right_shoulder_joint')
_PELVIS = UNION.index('pelvis')


def arm_directions(points: NDArray[np.floating]) -> Float64:
    """
    Return the unit vectors along the bones of both arms, in the frame of the trunk.

    Parameters
    ----------
    points : NDArray
        ``(N, 26, 3)`` keypoints of UNION in any frame, m; NaN where unknown.

    Returns
    -------
    NDArray[np.float64]
        ``(N, 12)`` x forward, y to the left, z up the trunk, of each of the `BONES`; NaN for
        somebody whose shoulders, pelvis or arms are unknown.

    """
    body = points.astype(np.float64)
    left, right = body[:, _LEFT], body[:, _RIGHT]
    frames = upright_frames(0.5 * (left + right) - body[:, _PELVIS], left - right)
    bones = body.take(_ENDS[1], 1) - body.take(_ENDS[0], 1)
    found = (unit(bones) @ frames).reshape(-1, FEATURES)
    # NaN for the whole person, because every comparison needs both arms.
    found[~np.isfinite(found).all(-1)] = np.nan
    return np.asarray(found)


def mirrored_arms(features: NDArray[np.floating]) -> Float64:
    """Return ``(..., 12)`` features of the same people in a mirror."""
    bones = features.reshape(*features.shape[:-1], BONES, 3)
    return np.asarray((bones[..., _OTHER_SIDE, :] * _MIRROR).reshape(features.shape))
