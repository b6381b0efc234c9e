"""Appearance for re-identification: colour histograms of the torso, and of all clothes."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import Skeleton

# Side of the patch into which the torso is warped, px, and bins of hue, saturation and value.
_SIDE = 16
_BINS = (8, 4, 4)
HISTOGRAM_SIZE = _BINS[0] * _BINS[1] + _BINS[2]
# Corners of the torso, in the order of the patch's corners.
_CORNERS = ('left_shoulder_joint', 'right_shoulder_joint', 'right_hip_joint', 'left_hip_joint')
# For every grey level its bin of hue and of saturation, whose sum is the index of one of the first
# bins of a histogram, and its bin of value, one of the last bins.
_LEVELS = np.arange(256)
_HUE_BINS, _SATURATION_BINS = _LEVELS * _BINS[0] // 180 * _BINS[1], _LEVELS * _BINS[1] // 256
_VALUE_BINS = _BINS[0] * _BINS[1] + _LEVELS * _BINS[2] // 256
# Parts of which a person's clothes are remembered.
PARTS = ('torso', 'thighs', 'shins', 'hair')
# Lines along these parts: part, ends, where the line begins as a share of the way, and width as a
# share of the torso's height.
_LINES = (
    *((1, (f'{side}_hip_joint', f'{side}_knee'), 0.25, 0.2) for side in ('left', 'right')),
    *((2, (f'{side}_knee', f'{side}_ankle'), 0.0, 0.12) for side in ('left', 'right')),
    (3, ('head_top', 'head'), 0.0, 0.15),
)
_LEAST_PARTS = 3  # Of which the colours have to be known of both.
_SHORTEST = 2.0  # px, below which a line shows nothing.
# Least width of a torso as a share of its height, for torsos seen from the side.
_LEAST_WIDTH = 0.3


def torso_colours(
    image: NDArray[np.uint8], keypoints: Array, skeleton: Skeleton
) -> NDArray[np.float32]:
    """
    Colour histograms of people's torsos.

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
        ``(N, HISTOGRAM_SIZE)`` of length 1; NaN where the torso is not in the picture.

    """
    colours = np.full((len(keypoints), HISTOGRAM_SIZE), np.nan, np.float32)
    corners = keypoints[:, _corners(skeleton)]
    top, bottom = 0.5 * (corners[:, 0::2] + corners[:, 1::2]).swapaxes(0, 1)
    middle, down = 0.5 * (top + bottom), (bottom - top) / _SIDE
    height = np.hypot(*(bottom - top).T)
    width = np.maximum(np.hypot(*(corners[:, 0] - corners[:, 1]).T), _LEAST_WIDTH * height)
    across = np.stack([down[:, 1], -down[:, 0]], -1)
    across *= (0.7 * width / np.maximum(height, 1e-6))[:, None]
    matrices = np.stack([across, down, top - 0.5 * _SIDE * across], -1)
    size = np.array([image.shape[1], image.shape[0]])
    # NaN is not in the picture either.
    shown = (middle >= 0).all(-1) & (middle < size).all(-1) & (height > 1) & np.isfinite(width)
    rows = np.flatnonzero(shown)
    if len(rows):
        colours[rows] = _histograms(np.array([_patch(image, matrices[row]) for row in rows]))
    return colours


def clothes_colours(
    image: NDArray[np.uint8], keypoints: Array, skeleton: Skeleton
) -> NDArray[np.float32]:
    """
    Colour histograms of people's torsos, thighs, shins and hair.

    Parameters
    ----------
    image, keypoints, skeleton
        See `torso_colours`; a keypoint that is not seen is NaN.

    Returns
    -------
    NDArray[np.float32]
        ``(N, 4, HISTOGRAM_SIZE)`` for each of PARTS, of length 1; NaN where it is not in the
        picture.

    """
    colours = np.full((len(keypoints), len(PARTS), HISTOGRAM_SIZE), np.nan, np.float32)
    colours[:, 0] = torso_colours(image, keypoints, skeleton)
    ends, corners = np.array(_line_ends(skeleton)), keypoints[:, _corners(skeleton)]
    tops, bottoms = corners[:, :2].mean(1), corners[:, 2:].mean(1)
    size = np.array([image.shape[1], image.shape[0]])
    for person, torso in enumerate(np.hypot(*(bottoms - tops).T)):
        patches: dict[int, list[NDArray[np.uint8]]] = {}
        for (part, _, begin, width), (start, end) in zip(_LINES, ends, strict=True):
            top, bottom = keypoints[person, start], keypoints[person, end]
            top = top + begin * (bottom - top)
            middle, down = 0.5 * (top + bottom), (bottom - top) / _SIDE
            length = float(np.hypot(*(bottom - top)))
            # NaN is not in the picture either.
            if length > _SHORTEST and (middle >= 0).all() and (middle < size).all():
                across = np.array([down[1], -down[0]]) * (width * torso / length)
                matrix = np.stack([across, down, top - 0.5 * _SIDE * across], -1)
                if np.isfinite(matrix).all():
                    patches.setdefault(part, []).append(_patch(image, matrix))
        for part, seen in patches.items():
            both = np.square(_histograms(np.array(seen))).mean(0)
            colours[person, part] = np.sqrt(both)
    return colours


def clothes_likeness(one: Array, other: Array) -> float:
    """Return the mean cosine of ``(4, C)`` clothes over parts known of both; 0 for few of them."""
    lengths = np.sqrt(np.square(one).sum(-1) * np.square(other).sum(-1))
    cosines = (one * other).sum(-1) / np.maximum(lengths, 1e-6)
    known = cosines[np.isfinite(cosines)]
    return float(known.mean()) if len(known) >= _LEAST_PARTS else 0.0


@lru_cache(maxsize=8)
def _line_ends(skeleton: Skeleton) -> list[list[int]]:
    return [skeleton.indices(*ends) for _, ends, _, _ in _LINES]


@lru_cache(maxsize=8)
def _corners(skeleton: Skeleton) -> list[int]:
    return skeleton.indices(*_CORNERS)


def alike(one: Array, other: Array) -> NDArray[np.float64]:
    """``(N, M)`` cosine of histograms ``(N, C)`` and ``(M, C)``; NaN where one is unknown."""
    return np.asarray(one.astype(np.float64) @ other.T.astype(np.float64))


def _patch(image: NDArray[np.uint8], matrix: Array) -> NDArray[np.uint8]:
    """Draw the torso upright."""
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    size = (_SIDE, _SIDE)
    return cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _histograms(patches: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Hue by saturation, and value; square roots, so that the cosine is Bhattacharyya's."""
    n = len(patches)
    # All patches in one column of pixels, which OpenCV converts at once.
    hsv = cv2.cvtColor(patches.reshape(-1, _SIDE, 3), cv2.COLOR_BGR2HSV).reshape(n, -1, 3)
    places = np.empty((n, 2, _SIDE * _SIDE), np.intp)
    places[:, 0] = _HUE_BINS[hsv[..., 0]] + _SATURATION_BINS[hsv[..., 1]]
    places[:, 1] = _VALUE_BINS[hsv[..., 2]]
    places += HISTOGRAM_SIZE * np.arange(n)[:, None, None]
    counts = np.bincount(places.ravel(), minlength=n * HISTOGRAM_SIZE).reshape(n, HISTOGRAM_SIZE)
    return np.sqrt(counts / counts.sum(-1, keepdims=True))
