"""What somebody wears: the colours of the torso, to know them again."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import Skeleton

# Side of the patch that the torso is drawn to, px, and bins of hue, saturation and value.
_SIDE = 16
_BINS = (8, 4, 4)
COLOURS = _BINS[0] * _BINS[1] + _BINS[2]
# Corners of the torso, in the order of the patch's corners.
_CORNERS = ('left_shoulder_joint', 'right_shoulder_joint', 'right_hip_joint', 'left_hip_joint')
# A torso seen from the side has a width nevertheless: the least, as a share of its height.
_LEAST_WIDTH = 0.3


def torso_colours(
    image: NDArray[np.uint8], keypoints: Array, skeleton: Skeleton
) -> NDArray[np.float32]:
    """
    Return histograms of the colours of people's torsos.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    keypoints : NDArray
        ``(N, K, 2)`` px.
    skeleton : Skeleton
        The set of `keypoints`.

    Returns
    -------
    NDArray[np.float32]
        ``(N, COLOURS)`` of length 1; NaN where the torso is not in the picture.

    """
    colours = np.full((len(keypoints), COLOURS), np.nan, np.float32)
    high, low = (
        keypoints[:, skeleton.indices(*_CORNERS[:2])],
        keypoints[:, skeleton.indices(*_CORNERS[2:])],
    )
    top, bottom = high.mean(1), low.mean(1)
    height = np.linalg.norm(bottom - top, axis=-1)
    width = np.maximum(np.linalg.norm(high[:, 0] - high[:, 1], axis=-1), _LEAST_WIDTH * height)
    for row in np.flatnonzero(np.isfinite(height + width) & (height > 1)):
        patch = _patch(image, top[row], bottom[row], float(width[row]))
        if patch is not None:
            colours[row] = _histogram(patch)
    return colours


def alike(one: Array, other: Array) -> NDArray[np.float64]:
    """``(N, M)`` cosine of histograms ``(N, C)`` and ``(M, C)``; NaN where one is unknown."""
    return np.asarray(one.astype(np.float64) @ other.T.astype(np.float64))


def _patch(
    image: NDArray[np.uint8], top: Array, bottom: Array, width: float
) -> NDArray[np.uint8] | None:
    """Draw the torso upright; None if its middle is outside the picture."""
    h, w = image.shape[:2]
    middle = 0.5 * (top + bottom)
    if not (0 <= middle[0] < w and 0 <= middle[1] < h):
        return None
    down = (bottom - top) / _SIDE
    across = np.array([down[1], -down[0]])
    across *= 0.7 * width / (_SIDE * max(float(np.linalg.norm(across)), 1e-6))
    start = top - 0.5 * _SIDE * across
    matrix = np.column_stack([across, down, start])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    patch: NDArray[np.uint8] = cv2.warpAffine(
        image, matrix, (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return patch


def _histogram(patch: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Hue by saturation, and value; square roots, so that the cosine is Bhattacharyya's."""
    hue, saturation, value = cv2.split(cv2.cvtColor(patch, cv2.COLOR_BGR2HSV))
    place = (hue.astype(int) * _BINS[0] // 180) * _BINS[1] + saturation // (256 // _BINS[1])
    tint = np.bincount(place.ravel(), minlength=_BINS[0] * _BINS[1])
    light = np.bincount((value // (256 // _BINS[2])).ravel(), minlength=_BINS[2])
    counts = np.concatenate([tint, light])
    return np.sqrt(counts / counts.sum())
