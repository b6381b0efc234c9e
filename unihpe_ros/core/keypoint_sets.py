"""Keypoint sets of other networks, by name, and their way into the union set."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import COCO_17, Skeleton, SKELETONS, UNION

_FEET = {
    'left_big_toe': 'left_ankle',
    'left_small_toe': 'left_ankle',
    'left_heel': 'left_ankle',
    'right_big_toe': 'right_ankle',
    'right_small_toe': 'right_ankle',
    'right_heel': 'right_ankle',
}

# Body, neck, middle of the hips and feet (Fang et al., AlphaPose, 2022). What it calls head is
# the top of the head.
HALPE_26 = Skeleton(
    'halpe26',
    {
        **COCO_17.parents,
        'head_top': 'neck',
        'neck': '',
        'pelvis': 'neck',
        'left_big_toe': 'left_ankle',
        'right_big_toe': 'right_ankle',
        'left_small_toe': 'left_ankle',
        'right_small_toe': 'right_ankle',
        'left_heel': 'left_ankle',
        'right_heel': 'right_ankle',
    },
)


def _hand(side: str) -> dict[str, str]:
    """Return the parents of a hand's 21 keypoints: its root, and five fingers of four."""
    root = f'{side}_hand_0'
    fingers = {
        f'{side}_hand_{number}': root if number % 4 == 1 else f'{side}_hand_{number - 1}'
        for number in range(1, 21)
    }
    return {root: f'{side}_wrist', **fingers}


# COCO-WholeBody (Jin et al., 2020): body, feet, 68 points of the face, both hands.
COCO_133 = Skeleton(
    'coco133',
    {
        **COCO_17.parents,
        **_FEET,
        **{f'face_{number}': '' for number in range(68)},
        **_hand('left'),
        **_hand('right'),
    },
)

# BODY_25 of OpenPose (Cao et al., 2019); its neck and pelvis are the middles of COCO's shoulders
# and hips.
OPENPOSE_25 = Skeleton(
    'openpose25',
    {
        'nose': 'neck',
        'neck': 'pelvis',
        'right_shoulder': 'neck',
        'right_elbow': 'right_shoulder',
        'right_wrist': 'right_elbow',
        'left_shoulder': 'neck',
        'left_elbow': 'left_shoulder',
        'left_wrist': 'left_elbow',
        'pelvis': '',
        'right_hip': 'pelvis',
        'right_knee': 'right_hip',
        'right_ankle': 'right_knee',
        'left_hip': 'pelvis',
        'left_knee': 'left_hip',
        'left_ankle': 'left_knee',
        'right_eye': 'nose',
        'left_eye': 'nose',
        'right_ear': 'right_eye',
        'left_ear': 'left_eye',
        **_FEET,
    },
)

# BlazePose and MediaPipe Pose (Bazarevsky et al., 2020), by the names of its documentation.
BLAZEPOSE_33 = Skeleton(
    'blazepose33',
    {
        'nose': '',
        'left_eye_inner': 'nose',
        'left_eye': 'left_eye_inner',
        'left_eye_outer': 'left_eye',
        'right_eye_inner': 'nose',
        'right_eye': 'right_eye_inner',
        'right_eye_outer': 'right_eye',
        'left_ear': 'left_eye_outer',
        'right_ear': 'right_eye_outer',
        'left_mouth': '',
        'right_mouth': 'left_mouth',
        'left_shoulder': '',
        'right_shoulder': 'left_shoulder',
        'left_elbow': 'left_shoulder',
        'right_elbow': 'right_shoulder',
        'left_wrist': 'left_elbow',
        'right_wrist': 'right_elbow',
        'left_pinky': 'left_wrist',
        'right_pinky': 'right_wrist',
        'left_index': 'left_wrist',
        'right_index': 'right_wrist',
        'left_thumb': 'left_wrist',
        'right_thumb': 'right_wrist',
        'left_hip': 'left_shoulder',
        'right_hip': 'right_shoulder',
        'left_knee': 'left_hip',
        'right_knee': 'right_hip',
        'left_ankle': 'left_knee',
        'right_ankle': 'right_knee',
        'left_heel': 'left_ankle',
        'right_heel': 'right_ankle',
        'left_foot_index': 'left_heel',
        'right_foot_index': 'right_heel',
    },
)

# All sets that 2D keypoints may be given in.
KEYPOINT_SETS: Mapping[str, Skeleton] = {
    **SKELETONS,
    **{one.name: one for one in (HALPE_26, COCO_133, OPENPOSE_25, BLAZEPOSE_33)},
}


def keypoint_set(name: str) -> Skeleton:
    """Return the keypoint set of a name; ValueError names those that are known."""
    if name not in KEYPOINT_SETS:
        raise ValueError(f'keypoint set: expected one of {", ".join(KEYPOINT_SETS)}; got {name!r}')
    return KEYPOINT_SETS[name]


def in_union(
    keypoints_2d: Array, scores: Array, skeleton: Skeleton
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """
    Reorder keypoints into the network's set; those of other names are dropped.

    Parameters
    ----------
    keypoints_2d : NDArray
        ``(N, K, 2)`` px; unknown where NaN or exactly (0, 0), which many networks write there.
    scores : NDArray
        ``(N, K)`` in [0, 1]; 0 or NaN where unknown.
    skeleton : Skeleton
        The set of both.

    Returns
    -------
    keypoints_2d : NDArray[np.float64]
        ``(N, 26, 2)``; NaN where unknown.
    scores : NDArray[np.float32]
        ``(N, 26)``; 0 where there is no place.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    """
    n, k = len(keypoints_2d), len(skeleton)
    if keypoints_2d.shape != (n, k, 2) or scores.shape != (n, k):
        raise ValueError(
            f'keypoints_2d, scores: expected (N, {k}, 2) and (N, {k}); '
            f'got {keypoints_2d.shape} and {scores.shape}'
        )
    in_set = np.full((n, len(UNION), 2), np.nan)
    known = np.zeros((n, len(UNION)), np.float32)
    for i, name in enumerate(skeleton.keypoints):
        if name in UNION.parents:
            in_set[:, UNION.index(name)] = keypoints_2d[:, i]
            known[:, UNION.index(name)] = scores[:, i]
    known[~np.isfinite(in_set).all(-1) | (in_set == 0).all(-1)] = 0
    in_set[np.nan_to_num(known) == 0] = np.nan
    return in_set, np.nan_to_num(known)
