"""Drawings of flat sprites: passers-by, cars, leaves, houses, shelves, signs."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.fabrics import cloth_colour, hair_colour, skin_colour
from unihpe_ros.synthesis.primitives.materials import linear
from unihpe_ros.synthesis.primitives.texture_atlas import draw_text, word

Float32 = NDArray[np.float32]
DrawSprite = Callable[[np.random.Generator, Float32], None]


def _tone(rng: np.random.Generator, colour: Float32 | None = None) -> list[float]:
    """Return a random opaque colour of a thing."""
    if colour is None:
        kind = rng.random()
        if kind < 0.5:
            colour = linear(rng.random(), 0.2 * rng.random(), rng.uniform(0.05, 0.95))
        else:
            colour = linear(rng.random(), rng.uniform(0.1, 0.8), rng.uniform(0.1, 0.9))
    return [*(float(c) for c in colour), 1.0]


def _at(image: Float32, x: float, y: float) -> tuple[int, int]:
    return round(x * image.shape[1]), round(y * image.shape[0])


def _box(image: Float32, x0: float, y0: float, x1: float, y1: float, tone: list[float]) -> None:
    cv2.rectangle(image, _at(image, x0, y0), _at(image, x1, y1), tone, -1)


def _person(rng: np.random.Generator, image: Float32) -> None:
    skin, hair = _tone(rng, skin_colour(rng)), _tone(rng, hair_colour(rng, 40))
    top, legs, shoes = (_tone(rng, cloth_colour(rng)) for _ in range(3))
    unit = image.shape[0] / 96
    turn = rng.uniform(0.55, 1.0)
    hip, width = rng.uniform(0.48, 0.55), 0.13 * turn

    def limb(points: list[tuple[float, float]], tone: list[float], thick: float) -> None:
        line = np.array([_at(image, *point) for point in points], np.int32)
        cv2.polylines(image, [line], False, tone, max(int(thick * unit), 1), cv2.LINE_AA)

    for side in (-1, 1):
        foot = 0.5 + side * rng.uniform(0.03, 0.16)
        knee = 0.5 * (0.5 + side * 0.07 + foot) + rng.normal(0, 0.03)
        limb([(0.5 + side * width * 0.5, hip), (knee, 0.74), (foot, 0.95)], legs, 9)
        limb([(foot, 0.965), (foot + rng.normal(0, 0.06), 0.98)], shoes, 5)
    torso = [(0.5 - 1.45 * width, 0.2), (0.5 + 1.45 * width, 0.2),
             (0.5 + width, hip + 0.04), (0.5 - width, hip + 0.04)]  # fmt: skip
    cv2.fillConvexPoly(image, np.array([_at(image, *p) for p in torso], np.int32), top)
    for side in (-1, 1):
        elbow = (0.5 + side * (width + rng.uniform(0.03, 0.14)), rng.uniform(0.3, 0.4))
        wrist = (elbow[0] + rng.normal(0, 0.09), rng.uniform(0.25, 0.55))
        shoulder = (0.5 + side * 1.35 * width, 0.225)
        limb([elbow, wrist], skin, 5)
        limb([shoulder, elbow], top, 7)
    head = _at(image, 0.5 + rng.normal(0, 0.02), 0.095)
    radius = (max(int(5.5 * unit), 1), max(int(7 * unit), 1))
    cv2.ellipse(image, head, radius, 0, 0, 360, skin, -1)
    back = rng.random() < 0.4
    cv2.ellipse(image, head, radius, 0, 0 if back else 180, 360, hair, -1)
    limb([(0.5, 0.15), (0.5, 0.19)], skin, 5)


def _foliage(rng: np.random.Generator, image: Float32) -> None:
    hue, value = rng.uniform(0.16, 0.36), rng.uniform(0.2, 0.7)
    if rng.random() < 0.5:
        _box(image, 0.46, 0.5, 0.54, 1, _tone(rng, linear(0.08, 0.4, rng.uniform(0.15, 0.4))))
    centres = rng.normal(0, 1, (5, 2)) * (0.16, 0.14) + (0.5, 0.4)
    for _ in range(260):
        x, y = centres[rng.integers(5)] + rng.normal(0, 0.12, 2)
        light = value * rng.uniform(0.25, 1.1) * (1.2 - 0.6 * y)
        leaf = linear(hue + rng.normal(0, 0.02), rng.uniform(0.3, 0.9), light)
        axes = (int(rng.integers(1, 5)), int(rng.integers(1, 3)))
        cv2.ellipse(
            image, _at(image, x, y), axes, rng.uniform(0, 180), 0, 360, _tone(rng, leaf), -1
        )


def _grid(rng: np.random.Generator, image: Float32) -> None:
    """Draw a house's windows, a shelf, a cupboard, a stack of boxes."""
    body, frame = _tone(rng), _tone(rng)
    _box(image, 0.02, 0.02, 0.98, 1, body)
    columns, rows = int(rng.integers(1, 8)), int(rng.integers(1, 9))
    gap, alike = rng.uniform(0.02, 0.2), _tone(rng)
    varied = rng.random() < 0.5
    for column in range(columns):
        for row in range(rows):
            x, y = 0.04 + 0.92 * column / columns, 0.03 + 0.95 * row / rows
            w, h = 0.92 / columns, 0.95 / rows
            tall = rng.uniform(0.4, 1) if varied else 1.0
            tone = _tone(rng) if varied else alike
            top = y + h * (1 - tall) + gap * h
            _box(image, x + gap * w, top, x + w * (1 - gap), y + h * (1 - gap), tone)
    if rng.random() < 0.5:
        for row in range(rows + 1):
            _box(image, 0.02, 0.02 + 0.95 * row / rows, 0.98, 0.035 + 0.95 * row / rows, frame)


def _car(rng: np.random.Generator, image: Float32) -> None:
    paint, glass, black = _tone(rng), _tone(rng, linear(0.6, 0.2, 0.25)), [0.01, 0.01, 0.01, 1.0]
    roof = [(0.18, 0.55), (0.3, 0.2), (0.68, 0.18), (0.86, 0.55)]
    cv2.fillConvexPoly(image, np.array([_at(image, *p) for p in roof], np.int32), paint)
    pane = [(0.23, 0.52), (0.33, 0.27), (0.65, 0.25), (0.79, 0.52)]
    cv2.fillConvexPoly(image, np.array([_at(image, *p) for p in pane], np.int32), glass)
    _box(image, 0.48, 0.2, 0.51, 0.55, paint)
    _box(image, 0.02, 0.52, 0.98, 0.84, paint)
    _box(image, 0.02, 0.76, 0.98, 0.84, [0.4 * c for c in paint[:3]] + [1.0])
    for x in (0.2, 0.8):
        radius = int(0.16 * image.shape[0])
        cv2.circle(image, _at(image, x, 0.83), radius, black, -1)
        cv2.circle(image, _at(image, x, 0.83), radius // 2, _tone(rng, linear(0, 0, 0.6)), -1)
    _box(image, 0.9, 0.56, 0.98, 0.64, _tone(rng, linear(0.02, 0.8, 0.8)))


def _sign(rng: np.random.Generator, image: Float32) -> None:
    _box(image, 0, 0, 1, 1, _tone(rng))
    height, width = image.shape[:2]
    if rng.random() < 0.5:
        _box(image, 0.1, 0.1, 0.9, rng.uniform(0.3, 0.7), _tone(rng))
        cv2.circle(image, _at(image, *rng.uniform(0.2, 0.8, 2)), width // 5, _tone(rng), -1)
    for row in range(int(rng.integers(1, 6))):
        grey = np.zeros((height, width), np.float32)
        tall = int(rng.uniform(0.08, 0.25) * height)
        box = (int(0.08 * width), int((0.08 + 0.17 * row) * height), int(0.8 * width), tall)
        draw_text(grey, word(rng, 9), box, 1.0, cv2.FONT_HERSHEY_DUPLEX)
        image += (np.array(_tone(rng), np.float32) - image) * grey[..., None]


def _furniture(rng: np.random.Generator, image: Float32) -> None:
    wood, seat = _tone(rng), _tone(rng)
    level, thick = rng.uniform(0.35, 0.65), rng.uniform(0.03, 0.12)
    if rng.random() < 0.6:  # A back, or what stands on a table.
        for _ in range(int(rng.integers(1, 5))):
            x, w = rng.uniform(0, 0.8), rng.uniform(0.06, 0.5)
            _box(image, x, rng.uniform(0, level), x + w, level, _tone(rng))
    _box(image, 0.02, level, 0.98, level + thick, seat)
    for x in (0.06, 0.9, rng.uniform(0.1, 0.85)):
        _box(image, x, level, x + 0.05, 1, wood)


def _fence(rng: np.random.Generator, image: Float32) -> None:
    tone = _tone(rng)
    bars = int(rng.integers(4, 20))
    thick = max(int(rng.uniform(0.1, 0.5) * image.shape[1] / bars), 1)
    for bar in range(bars):
        x = (bar + 0.5) / bars
        cv2.line(image, _at(image, x, 0.05), _at(image, x, 1), tone, thick)
    for y in (0.15, 0.8):
        cv2.line(image, _at(image, 0, y), _at(image, 1, y), tone, max(thick, 2))


def _heap(rng: np.random.Generator, image: Float32) -> None:
    """Draw a pile of things of all sizes."""
    for _ in range(int(rng.integers(6, 40))):
        size = 0.5 * rng.random() ** 2 + 0.03
        x, y = rng.uniform(0.05, 0.95), 1 - abs(rng.normal(0, 0.4))
        tone = _tone(rng)
        if rng.random() < 0.5:
            _box(image, x - size / 2, y - size * rng.uniform(0.3, 1), x + size / 2, y, tone)
        else:
            axes = (int(size * 30) + 1, int(size * 40) + 1)
            cv2.ellipse(image, _at(image, x, y), axes, rng.uniform(0, 90), 0, 360, tone, -1)


# What to draw, how tall (least, most, m), how wide against that, how many, share out and indoors.
SPRITE_KINDS: dict[str, tuple[DrawSprite, tuple[float, float], float, int, float, float]] = {
    'person': (_person, (1.1, 1.9), 0.55, 48, 0.34, 0.26),
    'foliage': (_foliage, (0.6, 6.0), 0.9, 24, 0.20, 0.07),
    'grid': (_grid, (0.5, 2.6), 0.8, 32, 0.10, 0.24),
    'car': (_car, (1.4, 1.9), 2.4, 12, 0.10, 0.0),
    'sign': (_sign, (0.3, 2.2), 0.8, 32, 0.10, 0.14),
    'furniture': (_furniture, (0.6, 1.2), 1.1, 24, 0.04, 0.16),
    'fence': (_fence, (0.8, 2.0), 2.5, 8, 0.06, 0.02),
    'heap': (_heap, (0.3, 2.0), 1.2, 24, 0.06, 0.11),
}
