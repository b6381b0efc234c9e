"""
Photometric augmentation: light, colour, texture, blur, noise, compression, hidden patches.

Renderings differ from photographs in texture, tone and sharpness before they differ in shape. If
all three change at random, only the shape of a person is reliable.

"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

# Weights of red, green and blue in grey, ITU-R BT.601; in BGR's order.
_GREY = np.array([0.114, 0.587, 0.299])


def degrade(image: Image, rng: np.random.Generator, hide: float = 0.3) -> Image:
    """
    Return the picture with random changes of light, colour and sharpness, and hidden patches.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(h, w, 3)`` BGR; may be changed.
    rng : np.random.Generator
        Source of randomness.
    hide : float
        Chance that patches are covered.

    Returns
    -------
    NDArray[np.uint8]
        ``(h, w, 3)`` BGR.

    """
    if rng.random() < hide:
        _hide(image, rng)
    if rng.random() < 0.3:
        image = _recolour(image, rng)
    if rng.random() < 0.15:
        image = _filter(image, rng)
    if rng.random() < 0.25:
        image = _light_unevenly(image, rng)
    image = _tone(image, rng)
    if rng.random() < 0.12:
        image = _without_colour(image)
    if rng.random() < 0.2:
        image = _soften(image, rng)
    elif rng.random() < 0.2:
        image = _sharpen(image, rng)
    if rng.random() < 0.25:
        image = _add_noise(image, rng)
    if rng.random() < 0.2:
        image = _compress(image, rng)
    return image


def degrade_photograph(image: Image, rng: np.random.Generator, hide: float = 0.2) -> Image:
    """
    Return a slightly changed photograph, which has the faults of a real camera already.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(h, w, 3)`` BGR; may be changed.
    rng : np.random.Generator
        Source of randomness.
    hide : float
        Chance that patches are covered.

    Returns
    -------
    NDArray[np.uint8]
        ``(h, w, 3)`` BGR.

    """
    if rng.random() < hide:
        _hide(image, rng)
    if rng.random() < 0.5:
        image = _tone(image, rng)
    if rng.random() < 0.05:
        image = _without_colour(image)
    if rng.random() < 0.12:
        image = _soften(image, rng)
    if rng.random() < 0.06:
        image = _add_noise(image, rng)
    return image


def _without_colour(image: Image) -> Image:
    """Return the picture in grey, with three equal channels."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def _recolour(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture with its colour channels mixed: saturation, hue, swapped channels."""
    saturation = rng.uniform(0.0, 2.0)
    matrix = saturation * np.eye(3) + (1 - saturation) * _GREY
    matrix = matrix + rng.normal(0, 0.08, (3, 3))
    if rng.random() < 0.2:
        matrix = matrix[rng.permutation(3)]
    return cv2.transform(image, matrix)


def _filter(image: Image, rng: np.random.Generator) -> Image:
    """
    Return the picture blended with a random convolution of itself: other texture, same shape.

    After Xu et al., Robust and Generalizable Visual Representation Learning via Random
    Convolutions, 2021.

    """
    size = int(rng.choice([1, 3, 5]))
    kernels = rng.normal(0, 1 / np.sqrt(3 * size * size), (3, 3, size, size))
    picture = image.astype(np.float32) - 128
    mixed = np.zeros_like(picture)
    for target in range(3):
        for source in range(3):
            mixed[..., target] += cv2.filter2D(picture[..., source], -1, kernels[target, source])
    share = rng.uniform(0.1, 0.6)
    result = 128 + (1 - share) * picture + share * mixed
    return np.clip(result, 0, 255).astype(np.uint8)


def _light_unevenly(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture multiplied by a smooth random field, like uneven light and shadows."""
    h, w = image.shape[:2]
    coarse = rng.normal(0, rng.uniform(0.1, 0.4), (rng.integers(2, 6), rng.integers(2, 5)))
    field = cv2.resize(np.exp(coarse).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    return np.clip(image * field[..., None], 0, 255).astype(np.uint8)


def _tone(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture after random gain, gamma, contrast, offset and white balance."""
    levels = np.arange(256, dtype=np.float32) / 255
    gain = rng.uniform(0.5, 1.5) if rng.random() < 0.7 else 1.0
    gamma = np.exp(rng.normal(0, 0.35)) if rng.random() < 0.5 else 1.0
    contrast = np.exp(rng.normal(0, 0.2)) if rng.random() < 0.4 else 1.0
    tint = rng.uniform(0.75, 1.25, 3) if rng.random() < 0.5 else np.ones(3)
    offset = rng.normal(0, 0.06) if rng.random() < 0.7 else 0.0
    curve = 0.5 + contrast * (levels[:, None] ** gamma * gain * tint - 0.5) + offset
    table = np.clip(curve, 0, 1) * 255
    return cv2.LUT(image, table.astype(np.uint8)[None])


def _soften(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture with detail lost by defocus, motion or low resolution."""
    kind = rng.random()
    if kind < 0.35:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.0))
    if kind < 0.6:
        reach, angle = int(rng.integers(1, 5)), rng.uniform(0, np.pi)
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        step = reach * np.array([np.cos(angle), np.sin(angle)])
        ends = np.rint(reach + np.stack([-step, step])).astype(int)
        cv2.line(kernel, tuple(ends[0].tolist()), tuple(ends[1].tolist()), 1.0)
        return cv2.filter2D(image, -1, kernel / kernel.sum())
    h, w = image.shape[:2]
    scale = rng.uniform(0.2, 0.8)
    size = max(int(w * scale), 8), max(int(h * scale), 8)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    way = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_NEAREST
    return cv2.resize(small, (w, h), interpolation=way)


def _sharpen(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture with sharpening halos along edges."""
    blurred = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 1.5))
    amount = rng.uniform(0.5, 2.0)
    return cv2.addWeighted(image, 1 + amount, blurred, -amount, 0)


def _add_noise(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture with sensor noise: fine or coarse, coloured or grey."""
    h, w = image.shape[:2]
    grain = int(rng.integers(1, 3))
    channels = 1 if rng.random() < 0.3 else 3
    shape = (-(-h // grain), -(-w // grain), channels)
    noise = rng.standard_normal(shape, np.float32) * np.float32(rng.uniform(2, 18))
    noise = cv2.resize(noise, (w, h), interpolation=cv2.INTER_LINEAR).reshape(h, w, channels)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def _compress(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture after JPEG compression of low quality."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))]
    coded = cv2.imencode('.jpg', image, quality)[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _hide(image: Image, rng: np.random.Generator) -> None:
    """Cover one to three patches, in place: flat, noise or another part of the picture."""
    h, w = image.shape[:2]
    for _ in range(rng.integers(1, 4)):
        size_y, size_x = (int(rng.integers(6, max(extent // 3, 7))) for extent in (h, w))
        y, x = int(rng.integers(0, h - size_y)), int(rng.integers(0, w - size_x))
        patch = image[y : y + size_y, x : x + size_x]
        kind = rng.random()
        if kind < 0.4:
            patch[:] = rng.integers(0, 256, 3)
        elif kind < 0.55:
            patch[:] = rng.integers(0, 256, patch.shape)
        else:
            v, u = int(rng.integers(0, h - size_y)), int(rng.integers(0, w - size_x))
            patch[:] = image[v : v + size_y, u : u + size_x].copy()
