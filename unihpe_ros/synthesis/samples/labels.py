"""Keypoint labels from the posed mesh, and their visibility from the depth buffer."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import in_image
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.primitives.scene_types import Drawing, OWNER_HELD
from unihpe_ros.synthesis.render.visibility_buffer import VisibilityBuffer

Float32 = NDArray[np.float32]

# Human3.6M's own keypoints are joint centres: the bone whose head each one is.
_JOINT_CENTRES = {
    'neck': 'neck01',
    'left_hip_joint': 'upperleg01.L',
    'right_hip_joint': 'upperleg01.R',
    'left_shoulder_joint': 'upperarm01.L',
    'right_shoulder_joint': 'upperarm01.R',
}

# Human3.6M's 'spine' halves the way from the pelvis to the neck.
_MID_SPINE = ('spine02', 'spine02', 'spine01')
# COCO's annotators click the hips further out than Anny's regressor puts them: on upright people
# seen from the front the hips are 0.65 shoulder widths apart, the regressor's 0.6 at most.
_HIP_WIDENING = 1.13


def union_keypoints(
    bodies: BodyShapes, support: Float32, crown: Float32, joints: Float32
) -> Float32:
    """
    Return the 26 keypoints of a posed body.

    Parameters
    ----------
    bodies : BodyShapes
        The topology.
    support : Float32
        ``(U, 3)`` Posed vertices that the surface keypoints are regressed from.
    crown : Float32
        ``(20, 3)`` Posed vertices of the top of the head.
    joints : Float32
        ``(B, 3)`` Posed bone heads.

    Returns
    -------
    Float32
        ``(26, 3)`` Keypoints of the UNION set, in the frame and unit of the input.

    """
    keypoints = np.empty((len(UNION), 3), np.float32)
    keypoints[: len(COCO_17)] = bodies.keypoint_weights @ support
    for name, bone in _JOINT_CENTRES.items():
        keypoints[UNION.index(name)] = joints[bodies.rig.index[bone]]
    hips = UNION.indices('left_hip_joint', 'right_hip_joint')
    keypoints[UNION.index('pelvis')] = keypoints[hips].mean(0)
    spine = [bodies.rig.index[bone] for bone in _MID_SPINE]
    keypoints[UNION.index('spine')] = joints[spine].mean(0)
    clicked = UNION.indices('left_hip', 'right_hip')
    middle = keypoints[clicked].mean(0)
    keypoints[clicked] = middle + _HIP_WIDENING * (keypoints[clicked] - middle)
    # Human3.6M's 'head' lies behind the nose, at its height.
    nose = keypoints[UNION.index('nose')]
    keypoints[UNION.index('head')] = 0.5 * (nose + joints[bodies.rig.index['head']])
    keypoints[UNION.index('head_top')] = crown.mean(0)
    return keypoints


# How far inside the surface a keypoint may lie and still count as seen, m, on a body of 1.7 m.
_DEPTHS = {
    'nose': 0.04, 'eye': 0.04, 'ear': 0.05, 'shoulder': 0.12, 'elbow': 0.08, 'wrist': 0.07,
    'hip': 0.19, 'knee': 0.10, 'ankle': 0.09, 'pelvis': 0.20, 'spine': 0.20, 'neck': 0.13,
    'head': 0.14, 'top': 0.09,
}  # fmt: skip
_OTHERS = 0.02
_STATURE = 1.7


def _depth_of(name: str) -> float:
    words = name.removesuffix('_joint').split('_')
    return _DEPTHS[words[-1]]


_TOLERANCE = np.array([_depth_of(name) for name in UNION.keypoints])


class Hider(IntEnum):
    """Kinds of occluders of a keypoint."""

    NOTHING = 0
    SELF = 1
    OTHERS = 2
    OBJECT = 3


def label_visibility(
    seen: NDArray[np.floating],
    distance: NDArray[np.floating],
    drawing: Drawing | VisibilityBuffer,
    person: int,
    height: float,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """
    Return which keypoints are visible and what occludes the others, by the depth buffer.

    Parameters
    ----------
    seen : NDArray
        ``(26, 2)`` px.
    distance : NDArray
        ``(26,)`` Depth of the keypoints, m.
    drawing : Drawing | VisibilityBuffer
        What was drawn or laid out.
    person : int
        Whose keypoints they are.
    height : float
        Standing height of the person, m.

    Returns
    -------
    visibility : NDArray[np.uint8]
        ``(26,)`` 0 outside the picture, 1 hidden by something or by the body itself, 2 visible.
    hider : NDArray[np.uint8]
        ``(26,)`` Hider of those hidden.

    """
    rows, columns = drawing.depth.shape
    inside = in_image(seen, (columns // 2, rows // 2))
    fine = np.where(inside[:, None], 2 * seen + 0.5, 0)
    x = np.rint(fine[:, 0]).astype(int).clip(0, columns - 1)
    y = np.rint(fine[:, 1]).astype(int).clip(0, rows - 1)
    nearest = drawing.depth[y, x]
    surface = np.where(nearest > 0, 1 / np.maximum(nearest, 1e-9), np.inf)
    owner = drawing.owner[y, x]
    own = (owner == person) | (owner == OWNER_HELD + person)
    tolerance = np.where(own, _TOLERANCE * height / _STATURE, _OTHERS)
    visible = surface > distance - tolerance
    hider = np.where(own, Hider.SELF, np.where(owner < OWNER_HELD, Hider.OTHERS, Hider.OBJECT))
    # Held things count as things, whoever holds them.
    hider = np.where(owner == OWNER_HELD + person, Hider.OBJECT, hider)
    hider = np.where(inside & ~visible, hider, Hider.NOTHING)
    return np.where(inside, np.where(visible, 2, 1), 0).astype(np.uint8), hider.astype(np.uint8)


def share_of_pixels(drawing: Drawing, person: int) -> Float32:
    """``(H, W)`` Share of each pixel that a person covers, 0 to 1."""
    fine = (drawing.owner == person).astype(np.float32)
    return 0.25 * (fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2])
