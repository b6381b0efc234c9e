"""Small grey textures of cloth patterns, prints and wrappings."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]
DrawTexture = Callable[[np.random.Generator], Float32]

SIDE = 64
_SEED = 20
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
_LETTERS = list('ABCDEFGHIJKLMNOPRSTUVWXYZ0123456789')


def word(rng: np.random.Generator, longest: int = 8) -> str:
    """Return a random word of capital letters and digits."""
    return ''.join(rng.choice(_LETTERS, int(rng.integers(1, longest + 1))))


def draw_text(
    image: Float32, text: str, box: tuple[int, int, int, int], tone: float, font: int
) -> None:
    """Draw a word that fills the box (x, y, w, h) of a picture, in place."""
    x, y, w, h = box
    (width, height), _ = cv2.getTextSize(text, font, 1.0, 2)
    canvas = np.zeros((height + 8, width + 8), np.uint8)
    cv2.putText(canvas, text, (4, height + 3), font, 1.0, 255, 3)
    fitted = cv2.resize(canvas, (max(w, 1), max(h, 1)), interpolation=cv2.INTER_AREA)
    part = image[y : y + h, x : x + w]
    part += (tone - part) * (fitted[: part.shape[0], : part.shape[1]] / np.float32(255))


def _blank() -> Float32:
    return np.zeros((SIDE, SIDE), np.float32)


def _text(rng: np.random.Generator) -> Float32:
    image = _blank()
    rows = int(rng.integers(1, 4))
    font = _FONTS[rng.integers(len(_FONTS))]
    for row in range(rows):
        inset = int(rng.integers(2, 14))
        tall = SIDE // rows
        box = (inset, row * tall + 2, SIDE - 2 * inset, max(int(tall * rng.uniform(0.5, 0.9)), 6))
        draw_text(image, word(rng, 6), box, rng.uniform(0.6, 1.0), font)
    return image


def _badge(rng: np.random.Generator) -> Float32:
    image = _blank()
    middle = (SIDE // 2, SIDE // 2)
    for ring in range(int(rng.integers(1, 4))):
        r = int(SIDE * (0.45 - 0.12 * ring) * rng.uniform(0.8, 1.0))
        tone = float(ring % 2 == 0) * rng.uniform(0.7, 1)
        corners = int(rng.integers(3, 9))
        turn = np.linspace(0, 2 * np.pi, 2 * corners, endpoint=False) + rng.uniform(0, 6)
        reach = np.where(np.arange(2 * corners) % 2, r, r * rng.choice([0.45, 0.7, 1.0]))
        points = np.stack([np.cos(turn), np.sin(turn)], 1) * reach[:, None] + middle
        cv2.fillPoly(image, [points.astype(np.int32)], tone)
    if rng.random() < 0.6:
        draw_text(image, word(rng, 3), (16, 20, 32, 24), rng.choice([0.0, 1.0]), _FONTS[1])
    return image


def _flowers(rng: np.random.Generator) -> Float32:
    image = _blank()
    petals, size = int(rng.integers(3, 8)), rng.uniform(2, 7)
    for _ in range(int(rng.integers(4, 30))):
        x, y, turn = rng.uniform(0, SIDE), rng.uniform(0, SIDE), rng.uniform(0, 180)
        for petal in range(petals):
            angle = np.radians(turn) + 2 * np.pi * petal / petals
            at = (int(x + size * np.cos(angle)), int(y + size * np.sin(angle)))
            axes = (max(int(size * 0.9), 1), max(int(size * 0.45), 1))
            cv2.ellipse(image, at, axes, float(np.degrees(angle)), 0, 360, rng.uniform(0.6, 1), -1)
        cv2.circle(image, (int(x), int(y)), max(int(size * 0.4), 1), 0.3, -1)
    return image


def _camouflage(rng: np.random.Generator) -> Float32:
    noise = rng.random((SIDE, SIDE)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), rng.uniform(1.5, 5), borderType=cv2.BORDER_REFLECT)
    order = noise.ravel().argsort().argsort().reshape(noise.shape) / noise.size
    levels = int(rng.integers(2, 5))
    return (np.floor(order * levels) / (levels - 1)).astype(np.float32)


def _bands(rng: np.random.Generator) -> Float32:
    profile = np.zeros(SIDE, np.float32)
    for _ in range(int(rng.integers(1, 6))):
        start, width = int(rng.integers(SIDE)), int(rng.integers(1, 14))
        profile[start : start + width] = rng.uniform(0.3, 1.0)
    return np.ascontiguousarray(np.broadcast_to(profile[:, None], (SIDE, SIDE)))


def _tartan(rng: np.random.Generator) -> Float32:
    down = _bands(rng)
    return 0.5 * (down + (down.T if rng.random() < 0.7 else _bands(rng).T))


def _zigzag(rng: np.random.Generator) -> Float32:
    y, x = np.mgrid[:SIDE, :SIDE]
    period = int(rng.choice([4, 8, 16]))
    wave = np.abs(x % period - period / 2) * rng.uniform(0.4, 1.6)
    return (np.sin((y + wave) * 2 * np.pi / rng.choice([8, 16, 32])) > 0).astype(np.float32)


def _leaves(rng: np.random.Generator) -> Float32:
    image = _blank()
    for _ in range(120):
        at = tuple(rng.integers(0, SIDE, 2).tolist())
        axes = (int(rng.integers(1, 12)), int(rng.integers(1, 6)))
        cv2.ellipse(image, at, axes, rng.uniform(0, 180), 0, 360, rng.random(), -1)
    return image


# Pictures that are laid over cloth again and again, and those that are printed once.
_REPEATED: tuple[tuple[DrawTexture, int], ...] = (
    (_flowers, 8), (_camouflage, 7), (_bands, 7), (_tartan, 8), (_zigzag, 4), (_leaves, 6),
)  # fmt: skip
_PRINTED: tuple[tuple[DrawTexture, int], ...] = (
    (_text, 12),
    (_badge, 10),
    (_flowers, 2),
    (_leaves, 4),
)

REPEATED = sum(count for _, count in _REPEATED)
PRINTED = sum(count for _, count in _PRINTED)


@lru_cache(maxsize=1)
def atlas() -> UInt8:
    """``(N, 64, 64)`` All textures, the repeated ones first; the same in every run."""
    rng = np.random.default_rng(_SEED)
    drawn = [draw(rng) for draw, count in _REPEATED + _PRINTED for _ in range(count)]
    return (np.stack(drawn).clip(0, 1) * 255).astype(np.uint8)
