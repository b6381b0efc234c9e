"""Virtual cameras that look at the boxes of one image."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.directions import rotation_to_axis
from unihpe_ros.core.geometry import Array, Camera

# A crop's corners keep this share of its centre's depth away from the camera's plane.
_FRONT = 0.9
# Distortion is fitted at these shares of the crop; the first one that the lens model covers is
# taken. The person is near the centre, and far out a lens model may fold back.
_FITTED_SHARES = (0.5, 0.25)


def aim(
    boxes: Array, camera: Camera, size: tuple[int, int], padding: float, roll: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """
    Return the virtual cameras that look at boxes.

    Parameters
    ----------
    boxes : NDArray
        ``(N, 4)`` px, none empty.
    camera, size, padding, roll
        See `unihpe_ros.core.crops.Crops.from_box`.

    Returns
    -------
    turns : NDArray[np.float64]
        ``(N, 3, 3)`` rotations virtual_from_camera.
    focals : NDArray[np.float64]
        ``(N,)`` focal lengths, px.
    image_from_crop : NDArray[np.float64]
        ``(N, 3, 3)`` homographies of pixels; NaN where the box is NaN, or its crop is beyond the
        lens's reach.

    """
    boxes = boxes.astype(np.float64, copy=False)
    # The middle of each box, and those of its left, right, upper and lower edges.
    places = np.empty((len(boxes), 5, 2))
    places[:] = 0.5 * (boxes[:, None, :2] + boxes[:, None, 2:])
    places[:, 1:3, 0], places[:, 3:5, 1] = boxes[:, 0::2], boxes[:, 1::2]
    rays = camera.rays(places)
    turns = rotation_to_axis(rays[:, 0])
    virtual = turn_rays(rays[:, 1:], turns)
    (w, h), angle = size, roll + math.radians(camera.rotation)
    if camera.rotation in (90, 270):
        # For a person who lies in the picture and stands in the crop.
        w, h = h, w
    half_width = 0.5 * np.abs(virtual[:, 1, 0] - virtual[:, 0, 0]) * padding
    half_height = 0.5 * np.abs(virtual[:, 3, 1] - virtual[:, 2, 1]) * padding
    focals = 0.5 * np.minimum(w / np.maximum(half_width, 1e-6), h / np.maximum(half_height, 1e-6))
    if angle:
        turns = _roll(angle) @ turns
    focals = np.maximum(focals, _least_focals(turns, size))
    return turns, focals, _homographies(camera, turns, focals, size)


def turn_rays(rays: Array, turns: Array) -> Array:
    """Turn ``(..., K, 2)`` rays by ``(..., 3, 3)`` rotations; NaN for rays that point back."""
    turned = rays @ np.swapaxes(turns[..., :2], -1, -2) + turns[..., None, :, 2]
    ahead = np.where(turned[..., 2:] > 1e-6, turned[..., 2:], np.nan)
    return turned[..., :2] / ahead


def _roll(angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def _least_focals(turns: Array, size: tuple[int, int]) -> Array:
    """``(N,)`` focal length, px, from which all of a crop lies in front of the real camera."""
    x, y, z = np.abs(turns[:, :, 2]).T
    return (x * size[0] + y * size[1]) / (2 * _FRONT * z)


def _homographies(
    camera: Camera, turns: Array, focals: Array, size: tuple[int, int]
) -> NDArray[np.float64]:
    w, h = size
    ray_from_crop = np.zeros(turns.shape)
    ray_from_crop[:, 0, 0] = ray_from_crop[:, 1, 1] = 1 / focals
    ray_from_crop[:, 0, 2] = -0.5 * (w - 1) / focals
    ray_from_crop[:, 1, 2] = -0.5 * (h - 1) / focals
    ray_from_crop[:, 2, 2] = 1
    if not camera.is_distorted:
        matrices = camera.K @ np.swapaxes(turns, 1, 2) @ ray_from_crop
        return matrices / matrices[:, 2:, 2:]
    corners = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], np.float64)
    centre = 0.5 * corners[2]
    homographies = np.full(turns.shape, np.nan)
    for share in _FITTED_SHARES:
        fitted = centre + share * (corners - centre)
        directions = np.column_stack([fitted, np.ones(4)]) @ np.swapaxes(ray_from_crop, 1, 2)
        pixels = camera.project(directions @ turns).astype(np.float32)
        within = np.isfinite(pixels).all((1, 2)) & np.isnan(homographies[:, 0, 0])
        for row in np.flatnonzero(within):
            homographies[row] = cv2.getPerspectiveTransform(fitted.astype(np.float32), pixels[row])
    return homographies
