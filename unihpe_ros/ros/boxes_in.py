"""Read person boxes from vision_msgs/Detection2DArray."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.ros.optional_packages import require


def detections_type() -> type:
    """
    Return vision_msgs/Detection2DArray.

    Raises
    ------
    MissingPackageError
        If vision_msgs can't be imported.

    """
    kind: type = require('vision_msgs.msg', 'boxes_in').Detection2DArray
    return kind


def to_boxes(msg: Any, label: str = '') -> NDArray[np.float32]:
    """
    Return the boxes of a message.

    Parameters
    ----------
    msg : vision_msgs.msg.Detection2DArray
        Detections; a box that is turned counts with its extent.
    label : str
        Class of the detections to take; empty takes them all.

    Returns
    -------
    NDArray[np.float32]
        ``(N, 4)`` x0 y0 x1 y1, px; those that are finite and have a size, the surest first.

    """
    looked_for = [
        (score, detection.bbox)
        for detection in msg.detections
        for name, score in [_likeliest(detection)]
        if label in ('', name)
    ]
    looked_for.sort(key=lambda item: -item[0])
    found = [_box(bbox) for _, bbox in looked_for]
    boxes = np.array(found, np.float64).reshape(-1, 4)
    good = np.isfinite(boxes).all(-1) & (boxes[:, 2:] > boxes[:, :2]).all(-1)
    # Values beyond the range of float32 are no position in an image.
    good &= (np.abs(np.nan_to_num(boxes)) < 1e6).all(-1)
    return boxes[good].astype(np.float32)


def _likeliest(detection: Any) -> tuple[str, float]:
    """Return class and score of the likeliest hypothesis; without any, no class and 0."""
    # Galactic and older have no `hypothesis` in between.
    likely = [getattr(result, 'hypothesis', result) for result in detection.results]
    if not likely:
        return '', 0.0
    best = max(likely, key=_score)
    return str(getattr(best, 'class_id', getattr(best, 'id', ''))), _score(best)


def _score(hypothesis: Any) -> float:
    score = float(hypothesis.score)
    return score if math.isfinite(score) else 0.0


def _box(bbox: Any) -> tuple[float, float, float, float]:
    # Galactic and older hold a geometry_msgs/Pose2D, without `position`.
    centre = getattr(bbox.center, 'position', bbox.center)
    theta = bbox.center.theta if math.isfinite(bbox.center.theta) else math.nan
    cos, sin = abs(math.cos(theta)), abs(math.sin(theta))
    w = (bbox.size_x * cos + bbox.size_y * sin) / 2
    h = (bbox.size_x * sin + bbox.size_y * cos) / 2
    return centre.x - w, centre.y - h, centre.x + w, centre.y + h
