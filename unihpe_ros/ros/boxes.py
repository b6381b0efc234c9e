"""People that another node found: vision_msgs/Detection2DArray to boxes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.ros.optional import require


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
        ``(N, 4)`` x0 y0 x1 y1, px; those that are finite and have a size.

    """
    found = [_box(detection.bbox) for detection in msg.detections if _is(detection, label)]
    boxes = np.array(found, np.float64).reshape(-1, 4)
    good = np.isfinite(boxes).all(-1) & (boxes[:, 2:] > boxes[:, :2]).all(-1)
    # What float32 can't hold is no place in an image.
    good &= (np.abs(np.nan_to_num(boxes)) < 1e6).all(-1)
    return boxes[good].astype(np.float32)


def _is(detection: Any, label: str) -> bool:
    """Whether the likeliest class is the one looked for."""
    if not label:
        return True
    # Galactic and older have no `hypothesis` in between.
    likely = [getattr(result, 'hypothesis', result) for result in detection.results]
    if not likely:
        return False
    best = max(likely, key=lambda hypothesis: hypothesis.score)
    return str(getattr(best, 'class_id', getattr(best, 'id', ''))) == label


def _box(bbox: Any) -> tuple[float, float, float, float]:
    # Galactic and older hold a geometry_msgs/Pose2D, without `position`.
    centre = getattr(bbox.center, 'position', bbox.center)
    cos, sin = abs(math.cos(bbox.center.theta)), abs(math.sin(bbox.center.theta))
    w = (bbox.size_x * cos + bbox.size_y * sin) / 2
    h = (bbox.size_x * sin + bbox.size_y * cos) / 2
    return centre.x - w, centre.y - h, centre.x + w, centre.y + h
