"""Augmentation of whole pictures: scale, shift, mirror, degrade, mosaics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.boxes import area
from unihpe_ros.core.geometry import Array
from unihpe_ros.datasets.degrade import degrade, degrade_photograph

# Colour of the padding: the channels' means (BGR), which the network reads as zero.
FILL = (104, 116, 124)
# Least visible share of a person; less visible people are ignored in the loss.
LEAST_VISIBLE = 0.12
# Smaller boxes are ignored too, px of the network's input.
LEAST_EXTENT = (4.0, 8.0)
_MOSAIC = 0.25
# How much larger or smaller than fitting a picture becomes: alone, and as one of several.
_ZOOMS = ((0.6, 2.2), (0.9, 2.5))
_HIDE = 0.1


@dataclass(frozen=True)
class LabelledPicture:
    """
    A picture and the boxes of its people.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(h, w, 3)`` BGR.
    boxes : NDArray[np.float32]
        ``(N, 4)`` px; hidden parts included, parts outside the picture not.
    visible : NDArray[np.float32]
        ``(N,)`` share of each person that can be seen.
    is_photograph : bool
        Whether a camera took it: then it is degraded only a little.

    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    visible: NDArray[np.float32]
    is_photograph: bool = False

    @property
    def learnable(self) -> NDArray[np.bool_]:
        """``(N,)`` Whether a person is large and visible enough to be found."""
        extent = self.boxes[:, 2:] - self.boxes[:, :2]
        return (self.visible >= LEAST_VISIBLE) & (extent >= LEAST_EXTENT).all(1)


class LabelledScenes(Protocol):
    """Whole pictures with the boxes of their people: rendered, or photographs."""

    folder: Path

    @property
    def damaged(self) -> list[str]:
        """Parts that can't be read and are left out."""

    def __len__(self) -> int:
        """Return the number of pictures."""

    def labelled(self, index: int) -> tuple[LabelledPicture, str]:
        """Return a picture with its boxes, and where it comes from."""


def augment_scene(
    pictures: Sequence[LabelledPicture], size: tuple[int, int], rng: np.random.Generator
) -> LabelledPicture:
    """
    Return a training sample made of one picture, or of a mosaic of four.

    Parameters
    ----------
    pictures : Sequence[LabelledPicture]
        One, or four.
    size : tuple[int, int]
        (w, h) of the network's input, px.
    rng : np.random.Generator
        Source of randomness.

    """
    w, h = size
    canvas = np.empty((h, w, 3), np.uint8)
    canvas[:] = FILL
    x, y = w, h
    if len(pictures) > 1:
        x, y = (int(extent * rng.uniform(0.35, 0.65)) for extent in size)
    cells = [(0, 0, x, y), (x, 0, w, y), (0, y, x, h), (x, y, w, h)]
    boxes, visible = [], []
    zooms = _ZOOMS[len(pictures) > 1]
    for picture, (left, top, right, bottom) in zip(pictures, cells, strict=False):
        placed = _place(_degraded(picture, rng), (right - left, bottom - top), zooms, rng)
        canvas[top:bottom, left:right] = placed.image
        boxes.append(placed.boxes + np.array([left, top, left, top], np.float32))
        visible.append(placed.visible)
    return LabelledPicture(canvas, np.concatenate(boxes), np.concatenate(visible))


def mosaic_count(rng: np.random.Generator) -> int:
    """Return a random number of pictures for a sample: one or four."""
    return 4 if rng.random() < _MOSAIC else 1


def _degraded(picture: LabelledPicture, rng: np.random.Generator) -> LabelledPicture:
    image, boxes = picture.image.copy(), picture.boxes
    if picture.is_photograph:
        image = degrade_photograph(image, rng, hide=_HIDE)
    else:
        image = degrade(image, rng, hide=_HIDE)
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
        boxes = (image.shape[1] - 1 - boxes[:, [2, 1, 0, 3]]) * (1, 0, 1, 0) + boxes * (0, 1, 0, 1)
    return LabelledPicture(image, boxes.astype(np.float32), picture.visible)


def _place(
    picture: LabelledPicture,
    size: tuple[int, int],
    zooms: tuple[float, float],
    rng: np.random.Generator,
) -> LabelledPicture:
    """Return a picture scaled and shifted at random on a canvas."""
    extent = np.array(picture.image.shape[1::-1], np.float64)
    canvas = np.array(size, np.float64)
    fit = float((canvas / extent).min())
    zoom = np.exp(rng.uniform(np.log(zooms[0]), np.log(zooms[1]))) if rng.random() < 0.7 else 1.0
    scale = fit * zoom * np.exp(rng.normal(0, 0.06, 2))
    # A picture smaller than the canvas lies inside it, a larger one covers it.
    free = canvas - extent * scale
    offset = rng.uniform(np.minimum(free, 0), np.maximum(free, 0))
    centred = 0.5 * (scale - 1) + offset
    matrix = np.array([[scale[0], 0, centred[0]], [0, scale[1], centred[1]]])
    image = picture.image
    if scale.max() < 0.6:
        # Bilinear sampling would alias; a smoothed picture does not.
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / float(scale.max()))
    warped = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=FILL)
    moved = picture.boxes * np.tile(scale, 2) + np.tile(centred, 2)
    inside = _cut(moved, size)
    visible = picture.visible * area(inside) / np.maximum(area(moved), 1e-6)
    kept = area(inside) > 0
    return LabelledPicture(
        np.asarray(warped, np.uint8),
        inside[kept].astype(np.float32),
        visible[kept].astype(np.float32),
    )


def _cut(boxes: Array, size: tuple[int, int]) -> Array:
    return np.clip(boxes, -0.5, np.tile(np.array(size), 2) - 0.5)
