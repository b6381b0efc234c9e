"""SimCC: a keypoint's x and y as two classifications over fine bins (Li et al., ECCV 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.keypoint_sigmas import UNION_SIGMAS

# A score is the chance of being right within this share of the crop's height, about 0.2 of a
# torso (docs/training.md).
_PLACE = 14.5 / 384
# Square root of a person's area, as a share of the crop's height: 0.5 of a box that fills it
# (COCO's areas are 0.53 of their boxes), less the padding.
_SIZE = 0.42
# What is so much less likely than the highest bin adds nothing to any sum.
_LEAST_LOGIT = -60.0


def encode(positions: Array, bins: int, ratio: float, sigma: float) -> NDArray[np.float32]:
    """
    Turn coordinates along one axis into target distributions.

    Parameters
    ----------
    positions : NDArray
        ``(..., K)`` coordinate, crop px.
    bins : int
        Number of bins, input extent times `ratio`.
    ratio : float
        Bins per pixel.
    sigma : float
        Standard deviation of the Gaussian label, bins.

    Returns
    -------
    NDArray[np.float32]
        ``(..., K, bins)`` rows that sum to 1, or to 0 where the coordinate is not finite or lies
        more than three sigma outside.

    """
    centre = (positions[..., None] + 0.5) * ratio - 0.5
    distance = np.arange(bins) - centre
    inside = np.isfinite(centre) & (centre > -3 * sigma) & (centre < bins - 1 + 3 * sigma)
    target = np.where(inside, np.exp(-0.5 * (np.where(inside, distance, 0) / sigma) ** 2), 0.0)
    total = target.sum(-1, keepdims=True)
    return (target / np.where(total > 0, total, 1)).astype(np.float32)


def reach(bins_y: int) -> float:
    """Return how far from a keypoint counts as right, bins: what its score is the chance of."""
    return _PLACE * bins_y


def tolerances(bins_y: int, sigmas: Array = UNION_SIGMAS) -> NDArray[np.float32]:
    """
    Return ``(K,)`` bins by which keypoints may be off, in the sense of object keypoint similarity.

    Parameters
    ----------
    bins_y : int
        Bins along the crop's height.
    sigmas : NDArray
        ``(K,)`` see `core.keypoint_sigmas`.

    """
    return np.float32(2 * _SIZE * bins_y * sigmas)


def cell_size(tolerance: Array) -> int:
    """Return how many bins are read as one: a power of two, at most half the least tolerance."""
    size = 1
    while 4 * size <= tolerance.min():
        size *= 2
    return size


def decode(
    simcc_x: Array, simcc_y: Array, ratio: float, sigmas: Array = UNION_SIGMAS
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Read keypoints out of SimCC logits with sub-bin precision.

    A keypoint is put where the expected object keypoint similarity is the highest: at the maximum
    of the probabilities smoothed by a Gaussian as wide as the keypoint's tolerance. Unlike the
    highest bin it is not moved by one bin's noise, unlike a full soft-argmax it is not drawn to
    the middle between two places.

    Parameters
    ----------
    simcc_x, simcc_y : NDArray
        ``(B, K, W * ratio)`` and ``(B, K, H * ratio)`` logits.
    ratio : float
        Bins per pixel.
    sigmas : NDArray
        ``(K,)`` see `core.keypoint_sigmas`.

    Returns
    -------
    keypoints : NDArray[np.float32]
        ``(B, K, 2)`` crop px.
    scores : NDArray[np.float32]
        ``(B, K)`` in [0, 1]: geometric mean of the two axes' probability of being within `reach`.

    """
    people, k, bins_y = simcc_y.shape
    if not people:
        return np.zeros((0, k, 2), np.float32), np.zeros((0, k), np.float32)
    tolerance = tolerances(bins_y, sigmas)
    cell = cell_size(tolerance)
    cells = _cells((simcc_x, simcc_y), cell)
    smooth = _smoothing(cells.shape[-1], cell, tolerance.tobytes())
    rows = cells.reshape(2 * people, k, -1)
    # (K, 2 B, n) x (K, n, n + 2): every keypoint has a tolerance of its own.
    expected = np.matmul(rows.swapaxes(0, 1), smooth).swapaxes(0, 1)
    places = _maximum(expected.reshape(2 * people * k, -1)) - 1
    masses = _near(cells.reshape(len(places), -1), places, reach(bins_y) / cell)
    bins = (places.reshape(2, people, k) + np.float32(0.5)) * np.float32(cell)
    keypoints = np.stack([*bins], -1) / np.float32(ratio) - np.float32(0.5)
    return keypoints, np.sqrt(np.multiply(*masses.reshape(2, people, k)))


def read_keypoints(
    answer: Mapping[str, Array], ratio: float, sigmas: Array = UNION_SIGMAS
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Return keypoints and scores from the image branch's output, in evaluation as on the robot.

    Parameters
    ----------
    answer : Mapping[str, NDArray]
        'simcc_x', 'simcc_y' as for `decode`, and 'visibility' ``(B, K)`` logits of being inside
        the crop.
    ratio : float
        Bins per pixel.
    sigmas : NDArray
        ``(K,)`` see `core.keypoint_sigmas`.

    Returns
    -------
    keypoints : NDArray[np.float32]
        ``(B, K, 2)`` crop px.
    scores : NDArray[np.float32]
        ``(B, K)`` in [0, 1]: SimCC's, times the chance of being inside the crop.

    """
    keypoints, scores = decode(answer['simcc_x'], answer['simcc_y'], ratio, sigmas)
    return keypoints, scores * expit(answer['visibility'])


def _cells(axes: Sequence[Array], cell: int) -> NDArray[np.float32]:
    """Return ``(2, B, K, n)`` probabilities of the cells of both axes' ``(B, K, bins)`` logits."""
    most = max(logits.shape[-1] for logits in axes)
    bins = most + -most % cell
    odds = np.full((2, *axes[0].shape[:2], bins), _LEAST_LOGIT, np.float32)
    for logits, out in zip(axes, odds, strict=True):
        np.subtract(logits, logits.max(-1, keepdims=True), out=out[..., : logits.shape[-1]])
    np.maximum(odds, _LEAST_LOGIT, out=odds)
    # OpenCV's is exact to 7e-6, four times as fast as NumPy's, and slow below the floor.
    cv2.exp(odds.reshape(-1, bins), odds.reshape(-1, bins))
    masses = (odds.reshape(-1, cell) @ np.ones(cell, np.float32)).reshape(*odds.shape[:-1], -1)
    masses /= masses.sum(-1, keepdims=True)
    return np.asarray(masses)


@lru_cache(maxsize=16)
def _smoothing(count: int, cell: int, tolerance: bytes) -> NDArray[np.float32]:
    """Return ``(K, n, n + 2)`` similarity of cells' middles to those and one beyond each end."""
    apart = cell * np.subtract.outer(np.arange(count), np.arange(-1, count + 1))
    wide = np.frombuffer(tolerance, np.float32)[:, None, None]
    return np.exp(-0.5 * (apart / wide) ** 2).astype(np.float32)


def _maximum(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(N,)`` where rows ``(N, n)`` have their maximum, which is not at an end."""
    middle = np.minimum(np.maximum(values.argmax(-1), 1), values.shape[-1] - 2)
    around = values[np.arange(len(values))[:, None], middle[:, None] + np.arange(-1, 2)]
    # A parabola through the logarithms is exact for a Gaussian.
    left, here, right = np.log(around + np.float32(1e-30)).T
    curvature = np.minimum(left - 2 * here + right, -1e-6)
    shift = np.minimum(np.maximum(0.5 * (left - right) / curvature, -1), 1)
    return np.asarray(middle + shift, np.float32)


def _near(
    cells: NDArray[np.float32], places: NDArray[np.float32], half: float
) -> NDArray[np.float32]:
    """Return ``(N,)`` what rows of cells ``(N, n)`` hold within `half` of a place, cells."""
    reached = int(half) + 1
    index = np.rint(places).astype(np.intp)[:, None] + np.arange(-reached, reached + 1)
    covered = half + 0.5 - np.abs(index - places[:, None])
    inside = np.minimum(np.maximum(index, 0), cells.shape[-1] - 1)
    covered = np.minimum(np.maximum(covered, 0), 1) * (index == inside)
    found = cells[np.arange(len(cells))[:, None], inside]
    return np.asarray(np.einsum('ni,ni->n', found, covered), np.float32)
