"""Detection metrics: average precision over overlaps, and recall at a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.boxes import area, iou
from unihpe_ros.core.detector_output import Detections
from unihpe_ros.core.geometry import Array
from unihpe_ros.metrics.pose_errors import interpolated_precision

OVERLAPS = tuple(float(value) for value in np.linspace(0.5, 0.95, 10).round(2))
# A detection with this share of its area inside an ignored person is not counted.
_INSIDE_UNASKED = 0.5


@dataclass(frozen=True)
class Match:
    """
    The detections of one picture against its people, at one overlap.

    Parameters
    ----------
    hits : NDArray[np.bool_]
        ``(D,)`` whether a detection found somebody, the surest detection first.
    counts : NDArray[np.bool_]
        ``(D,)`` whether it counts; detections of ignored people do not.
    scores : NDArray[np.float32]
        ``(D,)``.
    found : NDArray[np.float32]
        ``(N,)`` score of the detection that found each person; 0 for those whom none did.

    """

    hits: NDArray[np.bool_]
    counts: NDArray[np.bool_]
    scores: NDArray[np.float32]
    found: NDArray[np.float32]


def match(found: Detections, boxes: Array, asked: NDArray[np.bool_], overlap: float) -> Match:
    """
    Return the match of detections and people: by score, each takes the best free person.

    Parameters
    ----------
    found : Detections
        Answered.
    boxes : NDArray
        ``(N, 4)`` true boxes, px.
    asked : NDArray[np.bool_]
        ``(N,)`` whether a person has to be found; the others are ignored.
    overlap : float
        Least intersection over union of a hit.

    """
    order = np.argsort(-found.scores, kind='stable')
    answered, scores = found.boxes[order], found.scores[order]
    shared = iou(answered, boxes)
    hits, people = np.zeros(len(order), np.bool_), np.zeros(len(boxes), np.float32)
    free = asked.copy()
    for row in range(len(order)):
        fit = np.where(free, shared[row], 0.0)
        if len(fit) and fit.max() >= overlap - 1e-9:
            person = int(fit.argmax())
            hits[row], free[person], people[person] = True, False, scores[row]
    others = boxes[~asked]
    low = np.maximum(answered[:, None, :2], others[None, :, :2])
    high = np.minimum(answered[:, None, 2:], others[None, :, 2:])
    inside = area(np.concatenate([low, high], -1)) / np.maximum(area(answered), 1e-9)[:, None]
    excused = (inside >= _INSIDE_UNASKED).any(1)
    return Match(hits, hits | ~excused, scores, people)


def detection_precision(matches: Sequence[Match], people: int) -> float:
    """
    Return the average precision of a data set at one overlap, with 101 recall points.

    Parameters
    ----------
    matches : Sequence[Match]
        One for each picture.
    people : int
        Number of people to be found; NaN if it is zero.

    """
    if people == 0:
        return float('nan')
    counts = np.concatenate([part.counts for part in matches])
    scores = np.concatenate([part.scores for part in matches])[counts]
    hits = np.concatenate([part.hits for part in matches])[counts]
    return interpolated_precision(hits[np.argsort(-scores, kind='stable')], people)
