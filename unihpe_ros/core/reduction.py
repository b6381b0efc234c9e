"""Downscaling of an image before a crop is cut out of it, against aliasing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

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
    mapped = _probes(size) @ np.swapaxes(image_from_crop, -1, -2)
    points = mapped[..., :2] / mapped[..., 2:]
    steps = points[..., 1:, :] - points[..., :1, :]
    # Image pixels that one crop pixel spans at the centre, the lesser of x and y.
    span = np.hypot(steps[..., 0], steps[..., 1]).min(-1)
    most = min(image_size).bit_length() - 1
    return np.minimum(np.log2(np.maximum(span, 1)), most).astype(np.intp)


@lru_cache(maxsize=8)
def _probes(size: tuple[int, int]) -> NDArray[np.float64]:
    """``(3, 3)`` The middle of a crop, one pixel to the right of it, and one below, as x y 1."""
    x, y = 0.5 * (size[0] - 1), 0.5 * (size[1] - 1)
    return np.array([[x, y, 1], [x + 1, y, 1], [x, y + 1, 1]])


@lru_cache(maxsize=8)
def _corners(size: tuple[int, int]) -> NDArray[np.float64]:
    """``(4, 3)`` The corners of a crop as x y 1."""
    w, h = size
    return np.array([[0.0, 0, 1], [w, 0, 1], [w, h, 1], [0, h, 1]])


def halved_from_crop(
    image_from_crop: Array, halvings: int | NDArray[np.intp]
) -> NDArray[np.float64]:
    """``(..., 3, 3)`` homographies of crop px into images halved ``(...)`` times."""
    halved = image_from_crop.astype(np.float64)
    if not np.any(halvings):
        return halved
    scale = 0.5 ** np.asarray(halvings)[..., None, None]
    # The centre of the first reduced pixel lies at (1 / scale - 1) / 2 of the image's.
    halved[..., :2, :] = scale * halved[..., :2, :] + 0.5 * (scale - 1) * halved[..., 2:, :]
    return halved


def parts_read(
    image_from_crop: Array,
    size: tuple[int, int],
    image_size: tuple[int, int],
    halvings: NDArray[np.intp],
) -> NDArray[np.intp]:
    """
    Return which part of an image each crop reads.

    Parameters
    ----------
    image_from_crop : NDArray
        ``(B, 3, 3)`` homographies of pixels.
    size : tuple[int, int]
        (w, h) of the crops, px.
    image_size : tuple[int, int]
        (w, h) of the image, px.
    halvings : NDArray[np.intp]
        ``(B,)`` how often the image is halved before.

    Returns
    -------
    NDArray[np.intp]
        ``(B, 4)`` x0 y0 x1 y1 in px of the halved image, x1 and y1 excluded; one pixel at least.

    """
    factor = 2 ** halvings[:, None]
    reached = _corners(size) @ np.swapaxes(image_from_crop, 1, 2)
    # A homography that is fitted to a lens may include the horizon: then a crop may read any
    # pixel.
    ahead: NDArray[np.bool_] = np.all(reached[..., 2:] > 0, axis=1)
    places = reached[..., :2] / np.where(ahead[:, None], reached[..., 2:], 1) / factor[:, None]
    # Whole blocks of pixels, counted from the image's corner, so that a part is halved to the same
    # pixels as the whole image; incomplete blocks at the right and lower edge are left out.
    blocks = np.array(image_size) // factor
    # np.clip takes several times as long on a few numbers.
    low = np.minimum(np.maximum(np.floor(places.min(1)) - 1, 0), blocks - 1)
    low = np.where(ahead, low, 0)
    high = np.minimum(np.maximum(np.ceil(places.max(1)) + 1, low + 1), blocks)
    return np.concatenate([low, np.where(ahead, high, blocks)], -1).astype(np.intp)


def reduced_part(
    image: NDArray[np.uint8], place: Sequence[int], halvings: int
) -> NDArray[np.uint8]:
    """
    Halve a part of an image by area.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` or ``(H, W)``.
    place : Sequence[int]
        x0 y0 x1 y1 of what is wanted of the halved image, px.
    halvings : int
        How often; 0 leaves the pixels as they are.

    """
    x0, y0, x1, y1 = place
    part = image[y0 << halvings : y1 << halvings, x0 << halvings : x1 << halvings]
    for step in range(halvings - 1, -1, -1):
        # Halving is an order of magnitude faster in OpenCV than one step by another factor.
        extent = ((x1 - x0) << step, (y1 - y0) << step)
        part = cv2.resize(part, extent, interpolation=cv2.INTER_AREA)
    return part
