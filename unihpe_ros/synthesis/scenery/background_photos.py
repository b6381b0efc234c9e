"""Flat background pictures: the user's photographs, and noise."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.materials import linear
from unihpe_ros.synthesis.primitives.texture_atlas import atlas

Float32 = NDArray[np.float32]


def read_photos(folder: Path, longest: int = 640) -> list[Float32]:
    """
    Return the photographs of a folder as backgrounds.

    Parameters
    ----------
    folder : Path
        Where the pictures are, sub-folders included.
    longest : int
        Length that their longer side is reduced to, px.

    Returns
    -------
    list[Float32]
        ``(H, W, 3)`` Linear RGB pictures.

    Raises
    ------
    ValueError
        If there is none that can be read.

    """
    photos = []
    for path in sorted(folder.rglob('*')):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
        if image is None or min(image.shape[:2]) < 16:
            continue
        scale = min(1.0, longest / max(image.shape[:2]))
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        photos.append((image[..., ::-1].astype(np.float32) / 255) ** np.float32(2.2))
    if not photos:
        raise ValueError(f'{folder}: expected photographs, found none that can be read')
    return photos


def noise_picture(rng: np.random.Generator) -> Float32:
    """``(192, 144, 3)`` Random picture of coloured noise and scribbles, linear RGB."""
    size = (192, 144)
    image = np.zeros((*size, 3), np.float32) + linear(
        rng.random(), 0.6 * rng.random(), rng.random()
    )
    for _ in range(rng.integers(2, 5)):
        cells = int(2 ** rng.uniform(1, 6))
        grain = rng.random((cells * 4 // 3 + 1, cells + 1, 3)).astype(np.float32)
        if rng.random() < 0.5:
            grain[..., :] = grain[..., :1]
        how = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
        layer = cv2.resize(grain, size[::-1], interpolation=how).clip(0, 1) ** np.float32(2.2)
        share = np.float32(rng.uniform(0.1, 0.6))
        image = image * (1 - share) + layer * share
    _scribble(rng, image)
    return image


def leaves_picture(rng: np.random.Generator) -> Float32:
    """
    ``(192, 144, 3)`` Random picture of overlapping shapes of all sizes, linear RGB.

    Sizes follow a power law, as the sizes of things in photographs do; many have a texture.

    """
    height, width = 192, 144
    image = np.zeros((height, width, 3), np.float32)
    image += linear(rng.random(), 0.3 * rng.random(), rng.random())
    hue, spread, saturation = rng.random(), rng.choice([0.05, 0.2, 1.0]), rng.uniform(0.1, 0.8)
    count = int(rng.integers(60, 220))
    sizes = np.sort(np.minimum(4 * rng.pareto(1.2, count) + 2, 110))[::-1]
    if rng.random() < 0.5:  # Large things are behind; or else anything is.
        rng.shuffle(sizes)
    prints = atlas()
    for size in sizes:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        h = hue + spread * rng.normal()
        colour = linear(h, saturation * rng.random(), rng.uniform(0.03, 1))
        corners = int(rng.choice([3, 4, 4, 4, 6, 14]))
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, 6.3)
        reach = size * (0.5 + rng.random((2 if corners == 4 else corners, 1)))
        reach = np.resize(reach, (corners, 1))
        points = np.stack([np.cos(angle), np.sin(angle) * rng.uniform(0.4, 1.6)], 1) * reach
        polygon = np.rint((points + (x, y)) * 4).astype(np.int32)
        cv2.fillPoly(image, [polygon], colour.tolist(), cv2.LINE_AA, 2)
        if size > 20 and rng.random() < 0.5:
            side = int(size)
            part = image[int(y) : int(y) + side, int(x) : int(x) + side]
            grey = cv2.resize(prints[rng.integers(len(prints))], (side, side)) / np.float32(255)
            part *= 1 - rng.uniform(0.2, 0.9) * grey[: part.shape[0], : part.shape[1], None]
    light = rng.random((4, 3, 1)).astype(np.float32) * np.float32(0.9) + np.float32(0.3)
    shade = cv2.resize(light, (width, height), interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(image * shade[..., None], (0, 0), 0.7).clip(0, 1)


def _scribble(rng: np.random.Generator, image: Float32) -> None:
    """Draw rectangles, ellipses and lines into a picture, in place."""
    height, width = image.shape[:2]
    for _ in range(rng.integers(0, 12)):
        colour = linear(rng.random(), 0.9 * rng.random(), rng.uniform(0.05, 0.95)).tolist()
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        w, h = int(abs(rng.normal(0, 30))) + 2, int(abs(rng.normal(0, 40))) + 2
        shape = rng.integers(3)
        if shape == 0:
            cv2.rectangle(image, (x, y), (x + w, y + h), colour, -1)
        elif shape == 1:
            cv2.ellipse(image, (x, y), (w, h), rng.uniform(0, 180), 0, 360, colour, -1)
        else:
            cv2.line(image, (x, y), (x + 3 * w, y - 2 * h), colour, int(rng.integers(1, 9)))
