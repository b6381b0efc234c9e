"""Placing skeletons in the room: their size from a known stature, their root from the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array, locate_root
from unihpe_ros.core.skeleton import Skeleton

# Height of the ankle joint over the floor as a share of the stature
# (Drillis and Contini 1966, in Winter: Biomechanics and Motor Control of Human Movement).
_ANKLE_HEIGHT = 0.039
# Beyond these the skeleton is wrong, not the person unusual.
_SCALE_LIMITS = (0.4, 2.0)
_LEG = ('hip_joint', 'knee', 'ankle')
_TRUNK = ('pelvis', 'spine', 'neck', 'head', 'head_top')


def stature(points: Array, skeleton: Skeleton) -> NDArray[np.float64]:
    """
    Return how tall each person would stand, by the lengths of the bones.

    Parameters
    ----------
    points : NDArray
        ``(..., K, 3)`` m, any frame.
    skeleton : Skeleton
        The set of `points`; it must have the legs' and the trunk's joints.

    Returns
    -------
    NDArray[np.float64]
        ``(...)`` m: ankles to the top of the head along the bones, and the feet below.

    """
    left = _length(points, skeleton, [f'left_{name}' for name in _LEG])
    right = _length(points, skeleton, [f'right_{name}' for name in _LEG])
    chain = 0.5 * (left + right) + _length(points, skeleton, _TRUNK)
    return chain / (1 - _ANKLE_HEIGHT)


def scale_to_stature(points: Array, skeleton: Skeleton, height: float) -> Array:
    """
    Scale root-relative skeletons to a known stature.

    Parameters
    ----------
    points : NDArray
        ``(..., K, 3)`` m, root-relative.
    skeleton : Skeleton
        The set of `points`.
    height : float
        Stature of every person, m.

    """
    factor = height / np.maximum(stature(points, skeleton), 1e-3)
    return points * np.clip(factor, *_SCALE_LIMITS)[..., None, None]


def place(
    relative: Array, pixels: Array, rays: Array, weights: Array, crops: Crops
) -> tuple[Array, Array]:
    """
    Place skeletons by what their crops observed, and complete the observation by them.

    Parameters
    ----------
    relative : NDArray
        ``(B, K, 3)`` root-relative, m, virtual cameras' frames.
    pixels, rays : NDArray
        ``(B, K, 2)`` the observed keypoints in the image, px, and in the virtual cameras.
    weights : NDArray
        ``(B, K)`` weight of each keypoint; 0 where it was not observed.
    crops : Crops
        The virtual cameras.

    Returns
    -------
    root : NDArray
        ``(B, 3)`` m, virtual cameras' frames; NaN where too little was observed.
    completed : NDArray
        ``(B, K, 2)`` px: `pixels` where observed, else where the skeleton projects to.

    """
    root, _ = locate_root(relative, rays, weights)
    projected = crops.project(relative + root[:, None])
    return root, np.where((weights > 0)[..., None], pixels, projected)


def _length(points: Array, skeleton: Skeleton, chain: Sequence[str]) -> Array:
    joints = points[..., skeleton.indices(*chain), :].astype(np.float64)
    return np.linalg.norm(np.diff(joints, axis=-2), axis=-1).sum(-1)
