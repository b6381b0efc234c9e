"""Functions of boxes x0 y0 x1 y1, px; NaN where there is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array

# No box is narrower or lower than this, px: a crop needs an extent.
SMALLEST = 4.0


def iou(one: Array, other: Array) -> NDArray[np.float64]:
    """
    Return the intersection over union of every pair.

    Parameters
    ----------
    one, other : NDArray
        ``(N, 4)`` and ``(M, 4)`` boxes, px.

    Returns
    -------
    NDArray[np.float64]
        ``(N, M)`` in [0, 1]; 0 where a box is NaN.

    """
    shared = common_area(one, other)
    share = shared / np.maximum(area(one)[:, None] + area(other)[None] - shared, 1e-9)
    return np.where(share > 0, share, 0.0)


def common_area(one: Array, other: Array) -> NDArray[np.float64]:
    """``(N, M)`` area that each of ``(N, 4)`` boxes shares with each of ``(M, 4)``, px^2."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    return area(np.concatenate([low, high], -1))


def area(boxes: Array) -> NDArray[np.float64]:
    """``(...)`` area of ``(..., 4)`` boxes, px^2."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0.0, dtype=np.float64)
    return np.asarray(sides[..., 0] * sides[..., 1])


def around(keypoints: Array) -> NDArray[np.float32]:
    """
    Return the box around each person's known keypoints.

    Parameters
    ----------
    keypoints : NDArray
        ``(..., K, 2)`` px; NaN ones are left out.

    Returns
    -------
    NDArray[np.float32]
        ``(..., 4)`` px; NaN with fewer than two keypoints.

    """
    used = np.isfinite(keypoints).all(-1, keepdims=True)
    low = np.where(used, keypoints, np.inf).min(-2)
    high = np.where(used, keypoints, -np.inf).max(-2)
    box = np.concatenate([low, high], -1).astype(np.float32)
    box[used.sum((-2, -1)) < 2] = np.nan
    return box


def clip(boxes: Array, size: tuple[int, int]) -> NDArray[np.float32]:
    """
    Return boxes cut to the image, at least `SMALLEST` px wide and high.

    Parameters
    ----------
    boxes : NDArray
        ``(..., 4)`` px.
    size : tuple[int, int]
        (w, h) of the image, px.

    """
    limit = np.array([size[0] - 1, size[1] - 1], np.float32)
    # np.clip takes several times as long on a few numbers.
    low, high = (
        np.minimum(np.maximum(corner, 0), limit) for corner in (boxes[..., :2], boxes[..., 2:])
    )
    middle, half = 0.5 * (low + high), np.maximum(0.5 * (high - low), 0.5 * SMALLEST)
    return np.concatenate([middle - half, middle + half], -1).astype(np.float32)


def usable(given: Array, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the given ``(N, 4)`` boxes that lie in a picture of (w, h) px, clipped to it."""
    low, high = given[:, :2], given[:, 2:]
    there = np.isfinite(given).all(-1) & (low < high).all(-1)
    there &= (low < np.array(size)).all(-1) & (high >= 0).all(-1)
    return clip(given[there], size)
