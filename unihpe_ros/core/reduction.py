"""How an image is reduced before a crop reads it, so that its detail does not alias."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array


def halvings_before(
    image_from_crop: Array, size: tuple[int, int], image_size: tuple[int, int]
) -> NDArray[np.intp]:
    """
    Return how often an image is halved before a crop reads it.

    Parameters
    ----------
    image_from_crop : NDArray
        ``(..., 3, 3)`` homographies of pixels.
    size : tuple[int, int]
        (w, h) of the crops, px.
    image_size : tuple[int, int]
        (w, h) of the image, px; at least one pixel must be left of it.

    Returns
    -------
    NDArray[np.intp]
        ``(...)``.

    """
    x, y = 0.5 * (size[0] - 1), 0.5 * (size[1] - 1)
    probes = np.array([[x, y, 1], [x + 1, y, 1], [x, y + 1, 1]])
    mapped = probes @ np.swapaxes(image_from_crop, -1, -2)
    points = mapped[..., :2] / mapped[..., 2:]
    steps = points[..., 1:, :] - points[..., :1, :]
    # Image pixels that one crop pixel spans at the centre, the lesser of x and y.
    span = np.hypot(steps[..., 0], steps[..., 1]).min(-1)
    most = min(image_size).bit_length() - 1
    return np.clip(np.floor(np.log2(np.maximum(span, 1))), 0, most).astype(np.intp)


def halved_from_crop(
    image_from_crop: Array, halvings: int | NDArray[np.intp]
) -> NDArray[np.float64]:
    """``(..., 3, 3)`` homographies of crop px into images halved ``(...)`` times."""
    scale = 0.5 ** np.asarray(halvings)[..., None, None]
    halved = image_from_crop.astype(np.float64)
    # The centre of the first reduced pixel lies at (1 / scale - 1) / 2 of the image's.
    halved[..., :2, :] = scale * halved[..., :2, :] + 0.5 * (scale - 1) * halved[..., 2:, :]
    return halved


def reduced_part(
    image: NDArray[np.uint8], image_from_crop: Array, size: tuple[int, int], halvings: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """
    Halve the part of an image that a crop reads, by area.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` or ``(H, W)``.
    image_from_crop : NDArray
        ``(3, 3)`` homography of pixels.
    size : tuple[int, int]
        (w, h) of the crop, px.
    halvings : int
        How often; 1 at least.

    Returns
    -------
    part : NDArray[np.uint8]
        What all of the image would be reduced to, cut to what the crop reads.
    part_from_crop : NDArray[np.float64]
        ``(3, 3)`` homography of pixels.

    """
    (w, h), factor = size, 2**halvings
    corners = np.array([[0, 0, 1], [w, 0, 1], [w, h, 1], [0, h, 1]]) @ image_from_crop.T
    # Blocks of pixels, counted from the image's corner, so that a part is halved to the same
    # pixels as the whole; what does not fill a block at the far edges is left out.
    blocks = np.array([image.shape[1], image.shape[0]]) // factor
    low, high = np.zeros(2, int), blocks
    # A homography that is fitted to a lens may see the horizon: then a crop can read anything.
    if (corners[:, 2] > 0).all():
        reached = corners[:, :2] / corners[:, 2:] / factor
        low = np.clip(np.floor(reached.min(0)) - 1, 0, blocks - 1).astype(int)
        high = np.clip(np.ceil(reached.max(0)) + 1, low + 1, blocks).astype(int)
    begin, end = low * factor, high * factor
    part = image[begin[1] : end[1], begin[0] : end[0]]
    for step in range(halvings - 1, -1, -1):
        # Halving is an order of magnitude faster in OpenCV than one step by another factor.
        extent = (int(high[0] - low[0]) << step, int(high[1] - low[1]) << step)
        part = cv2.resize(part, extent, interpolation=cv2.INTER_AREA)
    part_from_halved = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
    return part, part_from_halved @ halved_from_crop(image_from_crop, halvings)
