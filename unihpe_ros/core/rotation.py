"""Turn pictures of cameras that are mounted sideways or upside down, and turn boxes back."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array

# By degrees clockwise: what x and y of the upright picture are in x and y of the turned one.
_UPRIGHT = {
    0: ((1.0, 0.0), (0.0, 1.0)),
    90: ((0.0, -1.0), (1.0, 0.0)),
    180: ((-1.0, 0.0), (0.0, -1.0)),
    270: ((0.0, 1.0), (-1.0, 0.0)),
}
_CODES = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


def turn_image(image: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """
    Return an image turned clockwise.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)``.
    degrees : int
        0, 90, 180 or 270.

    """
    return np.asarray(cv2.rotate(image, _CODES[degrees]), np.uint8) if degrees else image


def upright_from_camera(degrees: int) -> NDArray[np.float64]:
    """
    Return ``(3, 3)`` the rotation about the optical axis that sets a turned camera upright.

    Parameters
    ----------
    degrees : int
        By how much its picture is turned clockwise to be upright: 0, 90, 180 or 270.

    """
    matrix = np.eye(3)
    matrix[:2, :2] = _UPRIGHT[degrees]
    return matrix


def turn_boxes_back(boxes: Array, degrees: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """
    Return boxes of a turned image in px of the image before it was turned.

    Parameters
    ----------
    boxes : NDArray
        ``(N, 4)`` x0 y0 x1 y1, px of the turned image.
    degrees : int
        By how much it was turned clockwise: 0, 90, 180 or 270.
    size : tuple[int, int]
        (w, h) of the image before, px.

    """
    corners = turn_points_back(boxes.reshape(-1, 2, 2), degrees, size)
    return np.concatenate([corners.min(1), corners.max(1)], -1)


def turn_points_back(points: Array, degrees: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """
    Return points of a turned image in px of the image before it was turned.

    Parameters
    ----------
    points : NDArray
        ``(..., 2)`` px of the turned image.
    degrees, size
        See `turn_boxes_back`.

    """
    x, y = points[..., 0].astype(np.float64), points[..., 1].astype(np.float64)
    w, h = size
    if degrees == 90:
        x, y = y, h - 1 - x
    elif degrees == 180:
        x, y = w - 1 - x, h - 1 - y
    elif degrees == 270:
        x, y = w - 1 - y, x
    return np.stack([x, y], -1)
