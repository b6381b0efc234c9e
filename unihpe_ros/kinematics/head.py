"""Orientation of heads from the keypoints of the face, and its angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.rotations import cross, within

Float64 = NDArray[np.float64]

# The face of the mean adult from between the ears, m: x forward, y to the left, z up.
_FACE = {
    'nose': (0.105, 0.0, -0.012),
    'left_eye': (0.083, 0.030, 0.020),
    'right_eye': (0.083, -0.030, 0.020),
    'left_ear': (0.0, 0.074, 0.0),
    'right_ear': (0.0, -0.074, 0.0),
    'head_top': (0.001, 0.0, 0.124),
}
_FACE_KEYPOINTS = np.array(UNION.indices(*_FACE))
_FACE_POINTS = np.array(list(_FACE.values()))


def head_frames(body: Float64) -> Float64:
    """
    Return the orientation of the head, from what is known of the face (Kabsch): ``(N, 3, 3)``.

    x forward, y to the left, z up, in the frame of ``(N, 26, 3)`` keypoints of UNION, m; NaN for
    people of whom less than three points of the face are known.

    """
    face = body.take(_FACE_KEYPOINTS, 1)
    known = np.isfinite(face).all(-1, keepdims=True)
    count = np.add.reduce(known, 1, keepdims=True)
    model = known * _FACE_POINTS
    # Of one side about its mean, the other may be anywhere.
    model -= known * (np.add.reduce(model, 1, keepdims=True) / np.maximum(count, 1))
    u, size, v = np.linalg.svd(np.where(known, face, 0).swapaxes(1, 2) @ model)
    rotation = u @ v
    # The determinant, which is 1 or -1; np.linalg.det is slow on a few.
    handed = np.add.reduce(cross(rotation[:, 0], rotation[:, 1]) * rotation[:, 2], -1)
    rotation += ((np.sign(handed) - 1)[:, None] * u[:, :, 2])[..., None] * v[:, 2:]
    # Points on one line leave the turn about it open.
    is_open = (size[:, 1] < 1e-3 * np.maximum(size[:, 0], 1e-9)) | (count[:, 0, 0] < 3)
    rotation[is_open] = np.nan
    return np.asarray(rotation)


def head_angles(rotation: Float64) -> tuple[Float64, Float64, Float64]:
    """``(N,)`` Roll, yaw and pitch of the head: about x, then z, then -y."""
    yaw = np.arcsin(within(-rotation[:, 0, 1], -1, 1))
    roll = np.arctan2(rotation[:, 2, 1], rotation[:, 1, 1])
    return roll, yaw, -np.arctan2(rotation[:, 0, 2], rotation[:, 0, 0])
