"""Anonymise images: blur the heads of people, or cover people by skeletons."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.pose import Poses

# Modes of `anonymise`.
OFF, BLUR, SKELETON = ANONYMISE_MODES = ('off', 'blur', 'skeleton')

_HEAD = ('nose', 'eye', 'ear', 'head')
_SHOULDERS = ('left_shoulder', 'right_shoulder')
# Size of a head, as shares of the largest distance of its keypoints from their middle, of the
# width of the shoulders, and of the box.
_HEAD_REACH, _SHOULDER_REACH, _BOX_REACH = 2.2, 0.6, 0.13
# Margin, because people move and boxes end at the skin.
_MARGIN = 0.15
# Number of colours on each side that remain of a face.
_CELLS = 3
_COVER = (72, 72, 72)


def anonymise(image: NDArray[np.uint8], poses: Poses, mode: str) -> NDArray[np.uint8]:
    """
    Return an image in which the faces of all people found are blurred or covered.

    People who were not found remain visible.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    poses : Poses
        N people, in its pixels. Of one whose head was not observed, the whole box is taken.
    mode : str
        'off' leaves the picture as it is, 'blur' blurs heads, 'skeleton' covers people.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR; a copy unless it is left as it is.

    """
    if mode == OFF or not len(poses):
        return image
    canvas = np.array(image, order='C')
    for person in range(len(poses)):
        if mode == SKELETON:
            _fill(canvas, _extent(poses, person))
        else:
            for area in head_areas(poses, person):
                _blur(canvas, area)
    return canvas


def head_areas(poses: Poses, person: int) -> list[NDArray[np.float64]]:
    """
    Return the boxes in which a person's head may be.

    Parameters
    ----------
    poses : Poses
        N people.
    person : int
        Which of them.

    Returns
    -------
    list[NDArray[np.float64]]
        ``(4,)`` x0 y0 x1 y1, px; they may reach out of the picture.

    """
    points = poses.keypoints_2d[person].astype(np.float64)
    known = np.isfinite(points).all(-1)
    if not known.any():
        box = poses.boxes[person].astype(np.float64)
        return [_grown(box)] if np.isfinite(box).all() else []
    names = poses.skeleton.keypoints
    is_head = np.array([any(part in name for part in _HEAD) for name in names])
    on_head = known & is_head
    areas = []
    if on_head.any():
        middle = points[on_head].mean(0)
        spread = np.linalg.norm(points[on_head] - middle, axis=-1).max()
        reach = max(_HEAD_REACH * spread, _SHOULDER_REACH * _shoulder_width(poses, person))
        reach = max(reach, _BOX_REACH * _height(poses, person), 2.0)
        areas.append(np.concatenate([middle - reach, middle + reach]))
    if not (on_head & poses.observed[person]).any():
        # The head may be anywhere in the box: people bend down, and cameras hang from ceilings.
        areas.append(_extent(poses, person))
    return areas


def _shoulder_width(poses: Poses, person: int) -> float:
    names = poses.skeleton.keypoints
    if not set(_SHOULDERS) <= set(names):
        return 0.0
    left, right = poses.keypoints_2d[person, poses.skeleton.indices(*_SHOULDERS)]
    return float(np.nan_to_num(np.linalg.norm(left - right)))


def _height(poses: Poses, person: int) -> float:
    box = _bounds(poses, person)
    return float(box[3] - box[1]) if np.isfinite(box).all() else 0.0


def _bounds(poses: Poses, person: int) -> NDArray[np.float64]:
    """``(4,)`` box around the person's box and keypoints, px; NaN if neither is known."""
    points = poses.keypoints_2d[person]
    corners = [points[np.isfinite(points).all(-1)]]
    box = poses.boxes[person]
    if np.isfinite(box).all():
        corners.append(box.reshape(2, 2))
    every = np.concatenate(corners).astype(np.float64)
    if not len(every):
        return np.full(4, np.nan)
    return np.concatenate([every.min(0), every.max(0)])


def _extent(poses: Poses, person: int) -> NDArray[np.float64]:
    return _grown(_bounds(poses, person))


def _grown(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a box with a margin: heads reach above keypoints, arms and bags beside them."""
    margin = _MARGIN * max(box[2] - box[0], 0.5 * (box[3] - box[1]))
    return np.asarray(box + margin * np.array([-1, -1, 1, 1]))


def _part(canvas: NDArray[np.uint8], area: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the part of an image that is inside an area, as a view; it may be empty."""
    height, width = canvas.shape[:2]
    if not np.isfinite(area).all():
        return canvas[:0, :0]
    x0, y0 = (max(int(np.floor(value)), 0) for value in area[:2])
    x1, y1 = int(min(np.ceil(area[2]) + 1, width)), int(min(np.ceil(area[3]) + 1, height))
    return canvas[y0 : max(y1, y0), x0 : max(x1, x0)]


def _fill(canvas: NDArray[np.uint8], area: NDArray[np.float64]) -> None:
    _part(canvas, area)[:] = _COVER


def _blur(canvas: NDArray[np.uint8], area: NDArray[np.float64]) -> None:
    """Replace an area by a few mean colours; a Gaussian blur alone could be inverted."""
    part = _part(canvas, area)
    if not part.size:
        return
    few = cv2.resize(part, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    size = (part.shape[1], part.shape[0])
    part[:] = cv2.resize(few, size, interpolation=cv2.INTER_LINEAR)
