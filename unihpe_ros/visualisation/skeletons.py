"""Skeletons drawn into a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.pose import Poses

# RGB in [0, 1]; the person's own left is orange and right is blue.
SIDE_COLOURS = {'left': (1.0, 0.55, 0.1), 'right': (0.15, 0.5, 1.0), 'middle': (0.9, 0.9, 0.9)}

# OpenCV draws at 1/16 px: whole pixels make a slow person's bones jump.
_SHIFT = 4
# A person's lines are this share of the height thick.
_THICKNESS = 0.008
# What was not seen but worked out is drawn darker.
_PREDICTED = 0.45


def draw_poses(image: NDArray[np.uint8], poses: Poses) -> NDArray[np.uint8]:
    """
    Return a copy of an image with bones, keypoints and ids; darker where not observed.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    poses : Poses
        N people.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR.

    """
    canvas = np.array(image, order='C')
    # What lies far outside is drawn nowhere, and its fixed-point position would overflow.
    limit = 2.0 * max(canvas.shape)
    drawable = (np.abs(poses.keypoints_2d) < limit).all(-1)
    for person in range(len(poses)):
        shown = drawable[person]
        if shown.any():
            _draw_person(canvas, poses, person, shown)
    return canvas


def _draw_person(
    canvas: NDArray[np.uint8], poses: Poses, person: int, shown: NDArray[np.bool_]
) -> None:
    skeleton = poses.skeleton
    pixels = np.where(shown[:, None], poses.keypoints_2d[person], 0)
    fixed = np.rint(pixels * 2**_SHIFT).astype(int).tolist()
    heights = poses.keypoints_2d[person, shown, 1]
    thickness = max(1, round(_THICKNESS * float(np.ptp(heights))))
    light = np.where(poses.observed[person], 1, _PREDICTED).tolist()
    for parent, child in skeleton.bones:
        if shown[parent] and shown[child]:
            colour = _bgr(skeleton.side(child), min(light[parent], light[child]))
            cv2.line(canvas, fixed[parent], fixed[child], colour, thickness, cv2.LINE_AA, _SHIFT)
    radius = (thickness + 1) * 2**_SHIFT
    for index in np.flatnonzero(shown).tolist():
        colour = _bgr(skeleton.side(index), light[index])
        cv2.circle(canvas, fixed[index], radius, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)
    highest = int(np.flatnonzero(shown)[heights.argmin()])
    x, y = (value >> _SHIFT for value in fixed[highest])
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    label = str(int(poses.track_ids[person]))
    cv2.putText(canvas, label, (x + 6, y - 6), font, scale, (255, 255, 255), 1, cv2.LINE_AA)


def _bgr(side: str, light: float) -> tuple[float, ...]:
    return tuple(255 * light * channel for channel in reversed(SIDE_COLOURS[side]))
