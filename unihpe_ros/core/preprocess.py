"""Cut what the network reads out of an image, and mirror a person."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.reduction import (
    halved_from_crop,
    halvings_before,
    parts_read,
    reduced_part,
)
from unihpe_ros.core.skeleton import Skeleton

# Share of the box's extent by which the crop is larger than the person.
PADDING = 1.25


def cuts(
    image: NDArray[np.uint8], image_from_crop: Array, size: tuple[int, int]
) -> Iterator[NDArray[np.uint8]]:
    """
    Cut crops out of an image.

    Strong reductions are made in steps, halving by area first, so that detail does not alias;
    what lies outside the image is black.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` or ``(H, W)``.
    image_from_crop : NDArray
        ``(B, 3, 3)`` homographies of pixels.
    size : tuple[int, int]
        (w, h) of the crops, px.

    Yields
    ------
    NDArray[np.uint8]
        ``(h, w, 4)`` of which the last channel means nothing, or ``(h, w)``.

    """
    image_size = image.shape[1], image.shape[0]
    halvings = halvings_before(image_from_crop, size, image_size)
    places = parts_read(image_from_crop, size, image_size, halvings)
    part_from_crop = halved_from_crop(image_from_crop, halvings)
    part_from_crop[:, :2] -= places[:, :2, None] * part_from_crop[:, 2:]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for times, place, homography in zip(
        halvings.tolist(), places.tolist(), part_from_crop, strict=True
    ):
        part = reduced_part(image, place, times)
        if image.ndim == 3:
            # OpenCV 5 warps four channels in little more than half of the time of three.
            part = cv2.cvtColor(part, cv2.COLOR_BGR2BGRA)
        yield cv2.warpPerspective(part, homography, size, flags=flags)


def mirror(points: Array, skeleton: Skeleton, width: float | None = None) -> Array:
    """
    Mirror a person: swap left and right keypoints and negate (or reflect) x.

    Parameters
    ----------
    points : NDArray
        ``(..., K, D)`` m or px.
    skeleton : Skeleton
        The set of `points`.
    width : float, optional
        Image width, px, for pixel positions; without it x is negated.

    """
    mirrored = points[..., skeleton.flip_indices, :].copy()
    mirrored[..., 0] = -mirrored[..., 0] if width is None else width - 1 - mirrored[..., 0]
    return mirrored
