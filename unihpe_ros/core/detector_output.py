"""
Decode the output of the detector network into person boxes in the image.

The network looks at a letterboxed picture. Every point of its grids (one grid per stride) gives a
score and how far a person's box reaches to the left, top, right and bottom of it, in strides.

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.boxes import iou
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.letterbox import Letterbox
from unihpe_ros.core.model_spec import DETECTOR_STRIDES

# Two boxes whose IoU is above this are taken for one person.
SAME_PERSON_IOU = 0.5
# Points whose boxes share this much with a box show the same person from nearly the same place.
_MEAN_IOU = 0.7
# Only so many of the best-scoring points are used, which bounds the time that a crowd takes.
_MOST_POINTS = 256


@dataclass(frozen=True)
class Detections:
    """
    People detected in one image, by falling score.

    Parameters
    ----------
    boxes : NDArray[np.float32]
        ``(N, 4)`` x0 y0 x1 y1, px of the image; the part of each person inside the picture.
    scores : NDArray[np.float32]
        ``(N,)`` in [0, 1].

    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)


@lru_cache(maxsize=8)
def grid(
    size: tuple[int, int], strides: Sequence[int] = DETECTOR_STRIDES
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Return the grid points at which the detector predicts boxes: finest grid first, row by row.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h) of the network's input, px.
    strides : Sequence[int]
        Distance of neighbouring points of each grid, px; a tuple.

    Returns
    -------
    points : NDArray[np.float32]
        ``(P, 2)`` input px.
    steps : NDArray[np.float32]
        ``(P,)`` stride of each point's grid, px.

    """
    points, steps = [], []
    for stride in strides:
        x, y = (np.arange(extent // stride) * stride + 0.5 * (stride - 1) for extent in size)
        points.append(np.stack(np.meshgrid(x, y), -1).reshape(-1, 2))
        steps.append(np.full(len(points[-1]), stride))
    return np.concatenate(points).astype(np.float32), np.concatenate(steps).astype(np.float32)


def decode_boxes(
    raw: Array, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Read the boxes and scores in the raw output of the network.

    Parameters
    ----------
    raw : NDArray
        ``(P, 5)`` score logit, and the distances to left, top, right and bottom, strides.
    size : tuple[int, int]
        (w, h) of the network's input, px.

    Returns
    -------
    boxes : NDArray[np.float32]
        ``(P, 4)`` input px.
    scores : NDArray[np.float32]
        ``(P,)`` in [0, 1].

    """
    points, steps = grid(size)
    reach = raw[:, 1:] * steps[:, None]
    boxes = np.concatenate([points - reach[:, :2], points + reach[:, 2:]], 1)
    scores = 1 / (1 + np.exp(-np.clip(raw[:, 0], -60, 60)))
    return boxes.astype(np.float32), scores.astype(np.float32)


def encode_boxes(boxes: Array, size: tuple[int, int]) -> NDArray[np.float32]:
    """
    Return the distances that `decode_boxes` turns into given boxes, one for each point.

    Parameters
    ----------
    boxes : NDArray
        ``(P, 4)`` input px.
    size : tuple[int, int]
        (w, h) of the network's input, px.

    Returns
    -------
    NDArray[np.float32]
        ``(P, 4)`` strides; negative where a point is outside its box.

    """
    points, steps = grid(size)
    reach = np.concatenate([points - boxes[:, :2], boxes[:, 2:] - points], 1)
    return (reach / steps[:, None]).astype(np.float32)


def suppress(boxes: Array, scores: Array, overlap: float = SAME_PERSON_IOU) -> NDArray[np.intp]:
    """
    Return the detections left by greedy non-maximum suppression.

    Parameters
    ----------
    boxes : NDArray
        ``(N, 4)`` px.
    scores : NDArray
        ``(N,)``; equal ones keep their order.
    overlap : float
        Intersection over union above which two boxes are one person.

    Returns
    -------
    NDArray[np.intp]
        Rows that stay, the surest first.

    """
    order = np.argsort(-scores, kind='stable')
    return order[_surest(iou(boxes[order], boxes[order]) <= overlap)]


def _surest(apart: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the rows, the surest first, that are apart from all surer ones that stay."""
    left = np.ones(len(apart), np.bool_)
    kept: list[int] = []
    while left.any():
        kept.append(int(left.argmax()))
        left &= apart[kept[-1]]
        left[kept[-1]] = False
    return np.array(kept, np.intp)


def read_detections(
    raw: Array, letterbox: Letterbox, threshold: float, overlap: float = SAME_PERSON_IOU
) -> Detections:
    """
    Return the people in one image from the raw output of the network.

    Parameters
    ----------
    raw : NDArray
        ``(P, 5)`` as `decode_boxes` takes it.
    letterbox : Letterbox
        How the picture was fitted into the network's input.
    threshold : float
        Least score.
    overlap : float
        See `suppress`.

    Returns
    -------
    Detections
        Boxes cut to the image; those that lie in the padding are left out.

    """
    boxes, scores = decode_boxes(raw, letterbox.size)
    usable = (scores >= threshold) & np.isfinite(boxes).all(1)
    best = np.flatnonzero(usable)
    best = best[np.argsort(-scores[best], kind='stable')[:_MOST_POINTS]]
    limit = np.tile(np.array(letterbox.image_size, np.float32) - 1, 2)
    boxes = np.clip(letterbox.to_image(boxes[best]), 0, limit)
    solid = (boxes[:, 2:] - boxes[:, :2] > 1).all(1)
    boxes, scores = boxes[solid], scores[best][solid]
    shares = iou(boxes, boxes)
    kept = _surest(shares <= overlap)
    # The mean of boxes that are nearly the same lies better than the surest one alone.
    weights = (shares[kept] >= _MEAN_IOU) * scores
    boxes = weights @ boxes / weights.sum(1, keepdims=True)
    return Detections(boxes.astype(np.float32), scores[kept])
