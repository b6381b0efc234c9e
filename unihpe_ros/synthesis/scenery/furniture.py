"""Random furniture and other things as lists of solids: chairs, tables, plants, cars, animals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from unihpe_ros.synthesis.primitives.solids import Part


def chair(rng: np.random.Generator, seat: float = 0.45) -> list[Part]:
    """Return a random chair with a seat of a given height, m."""
    w, d, back = rng.uniform(0.19, 0.28), rng.uniform(0.19, 0.26), rng.uniform(0.2, 0.4)
    leg = rng.uniform(0.012, 0.03)
    parts: list[Part] = [('box', (0, 0, seat), (w, d, rng.uniform(0.015, 0.06)), 0)]
    for x in (-w + leg, w - leg):
        for y in (-d + leg, d - leg):
            parts.append(('box', (x, y, seat / 2), (leg, leg, seat / 2), 1))
    if rng.random() < 0.8:
        parts.append(('box', (0, d, seat + 0.12 + back), (w, 0.02, back), 0))
    if rng.random() < 0.3:
        parts += [('box', (s * w, 0, seat + 0.2), (0.025, d, 0.02), 1) for s in (-1, 1)]
    return parts


def wheelchair(rng: np.random.Generator, seat: float = 0.5) -> list[Part]:
    """Return a wheelchair with a seat of a given height, m."""
    w, back, wheel = rng.uniform(0.2, 0.25), rng.uniform(0.18, 0.26), rng.uniform(0.26, 0.32)
    parts: list[Part] = [
        ('box', (0, 0, seat), (w, 0.21, 0.025), 0),
        ('box', (0, 0.22, seat + 0.05 + back), (w, 0.02, back), 0),
    ]
    for s in (-1, 1):
        parts += [
            ('ball', (s * (w + 0.05), 0.12, wheel), (0.02, wheel, wheel), 1),
            ('ball', (s * w, -0.33, 0.08), (0.02, 0.08, 0.08), 1),
            ('box', (s * w, 0.3, seat + 0.05 + 2 * back), (0.018, 0.09, 0.018), 2),
            ('box', (s * w, 0, seat + 0.2), (0.03, 0.18, 0.02), 2),
            ('box', (s * w, -0.32, seat / 2), (0.012, 0.012, seat / 2), 1),
            ('box', (s * 0.1, -0.45, 0.1), (0.08, 0.1, 0.01), 1),
        ]
    return parts


def side_table(rng: np.random.Generator, height: float | None = None) -> list[Part]:
    """Return a random table or desk `height` m high, often with things on it."""
    w, d, h = rng.uniform(0.3, 0.9), rng.uniform(0.25, 0.5), rng.uniform(0.4, 0.8)
    if height is not None:
        w, h = w + 0.15, height - 0.02
    parts: list[Part] = [('box', (0, 0, h), (w, d, 0.02), 0)]
    if rng.random() < 0.3:
        parts.append(('cylinder', (0, 0, h / 2), (0.05, 0.05, h / 2), 1))
    else:
        for x in (-w + 0.04, w - 0.04):
            for y in (-d + 0.04, d - 0.04):
                parts.append(('box', (x, y, h / 2), (0.025, 0.025, h / 2), 1))
    for _ in range(rng.integers(0, 4)):
        half = rng.uniform(0.03, 0.14, 3)
        x, y = rng.uniform(-w, w) * 0.8, rng.uniform(-d, d) * 0.8
        solid = ('box', 'cylinder', 'ball')[rng.integers(3)]
        parts.append((solid, (x, y, h + 0.02 + half[2]), half, int(rng.integers(2, 4))))
    return parts


def _sofa(rng: np.random.Generator) -> list[Part]:
    w, d = rng.uniform(0.4, 1.0), 0.42
    return [
        ('box', (0, 0, 0.22), (w, d, 0.2), 0),
        ('box', (0, d, 0.5), (w, 0.12, 0.42), 0),
        ('box', (-w, 0, 0.36), (0.1, d, 0.26), 0),
        ('box', (w, 0, 0.36), (0.1, d, 0.26), 0),
        ('box', (rng.uniform(-w, w) * 0.6, d - 0.2, 0.55), (0.2, 0.08, 0.18), 2),
    ]


def _shelf(rng: np.random.Generator) -> list[Part]:
    w, h, rows = rng.uniform(0.3, 0.6), rng.uniform(0.5, 1.1), int(rng.integers(2, 6))
    parts: list[Part] = [
        ('box', (-w, 0, h), (0.015, 0.15, h), 0),
        ('box', (w, 0, h), (0.015, 0.15, h), 0),
    ]
    for row in range(rows + 1):
        z = 2 * h * row / rows
        parts.append(('box', (0, 0, z), (w, 0.15, 0.012), 0))
        if row < rows:
            for _ in range(rng.integers(1, 4)):
                half = (rng.uniform(0.03, 0.15), 0.1, rng.uniform(0.2, 0.42) * 2 * h / rows)
                x = rng.uniform(-w, w) * 0.7
                parts.append(('box', (x, 0, z + half[2]), half, int(rng.integers(1, 4))))
    return parts


def _plant(rng: np.random.Generator) -> list[Part]:
    parts: list[Part] = [('cylinder', (0, 0, 0.15), (0.14, 0.14, 0.15), 1)]
    for _ in range(rng.integers(3, 8)):
        at = rng.normal(0, 0.15, 3) + (0, 0, rng.uniform(0.4, 1.1))
        parts.append(('leaves', at, rng.uniform(0.12, 0.35, 3), 3))
    return parts


def _tree(rng: np.random.Generator) -> list[Part]:
    h = rng.uniform(1.2, 3.0)
    parts: list[Part] = [('cylinder', (0, 0, h), (h * 0.06, h * 0.06, h), 1)]
    for _ in range(rng.integers(3, 7)):
        at = rng.normal(0, h * 0.3, 3) + (0, 0, 2.1 * h)
        parts.append(('leaves', at, rng.uniform(0.35, 0.8, 3) * h, 3))
    return parts


def _pole(rng: np.random.Generator) -> list[Part]:
    r, h = rng.uniform(0.02, 0.2), rng.uniform(0.5, 2.0)
    return [('cylinder', (0, 0, h), (r, r, h), 0)]


def _car(rng: np.random.Generator) -> list[Part]:
    length, w = rng.uniform(1.7, 2.4), rng.uniform(0.75, 0.95)
    high = rng.uniform(0.2, 0.36)
    parts: list[Part] = [
        ('box', (0, 0, 0.5), (length * 0.97, w, 0.2), 0),
        ('ball', (0, 0, 0.68), (length * 1.02, w * 1.02, 0.2), 0),
        ('box', (0, 0, 0.38), (length, w * 0.9, 0.06), 1),
        ('cylinder', (-0.15, 0, 0.85 + high), (length * 0.62, w * 0.93, high), 2),
        ('cylinder', (-0.15, 0, 0.87 + 2 * high), (length * 0.42, w * 0.8, 0.03), 0),
    ]
    for x in (-length * 0.62, length * 0.62):
        for y in (-w, w):
            parts.append(('ball', (x, y, 0.32), (0.32, 0.12, 0.32), 1))
            parts.append(('ball', (x, y * 1.06, 0.32), (0.18, 0.1, 0.18), 3))
    for y in (-w * 0.7, w * 0.7):
        parts += [('ball', (x, y, 0.65), (0.06, 0.13, 0.08), 3) for x in (-length, length)]
    return parts


def _bench(rng: np.random.Generator) -> list[Part]:
    """Return a random bench, counter or railing of slats."""
    w, h = rng.uniform(0.5, 1.2), rng.uniform(0.4, 1.1)
    parts: list[Part] = []
    for row in range(int(rng.integers(2, 6))):
        z = h + 0.11 * row if row else h
        parts.append(('box', (0, 0.02 * row, z), (w, 0.02 if row else 0.2, 0.035), 0))
    for x in (-w * 0.9, 0, w * 0.9):
        parts.append(('box', (x, 0.1, h * 0.6), (0.025, 0.04, h * 0.6), 1))
    return parts


def _boxes(rng: np.random.Generator) -> list[Part]:
    """Return a random stack of boxes, crates and bags."""
    parts: list[Part] = []
    top = 0.0
    for _ in range(int(rng.integers(1, 5))):
        half = rng.uniform(0.08, 0.35, 3)
        x, y = rng.normal(0, 0.08, 2)
        parts.append(('box', (x, y, top + half[2]), half, int(rng.integers(0, 3))))
        top += 2 * half[2]
    return parts


def _screen(rng: np.random.Generator) -> list[Part]:
    """Return a random board, monitor or sign on a foot."""
    w, h, z = rng.uniform(0.15, 0.6), rng.uniform(0.12, 0.5), rng.uniform(0.5, 1.5)
    return [
        ('box', (0, 0, z), (w, 0.03, h), 2),
        ('box', (0, 0.01, z), (w + 0.03, 0.02, h + 0.03), 1),
        ('box', (0, 0.02, z / 2), (0.03, 0.02, z / 2), 1),
        ('box', (0, 0.02, 0.02), (0.2, 0.15, 0.02), 1),
    ]


def _clutter(rng: np.random.Generator) -> list[Part]:
    half = np.exp(rng.uniform(np.log(0.08), np.log(0.7), 3))
    solid = ('box', 'cylinder', 'ball')[rng.integers(3)]
    return [(solid, (0, 0, half[2]), half, 0)]


def _dog(rng: np.random.Generator) -> list[Part]:
    s = rng.uniform(0.5, 1.1)
    parts: list[Part] = [
        ('ball', (0, 0, 0.5 * s), (0.4 * s, 0.15 * s, 0.17 * s), 3),
        ('ball', (0.48 * s, 0, 0.72 * s), (0.15 * s, 0.1 * s, 0.12 * s), 3),
        ('ball', (-0.45 * s, 0, 0.65 * s), (0.05 * s, 0.04 * s, 0.2 * s), 3),
    ]
    for x in (-0.25, 0.25):
        for y in (-0.08, 0.08):
            at = (x * s, y * s, 0.2 * s)
            parts.append(('cylinder', at, (0.04 * s, 0.04 * s, 0.2 * s), 3))
    return parts


STANDING: dict[str, tuple[Callable[[np.random.Generator], list[Part]], float]] = {
    'chair': (chair, 0.17),
    'table': (side_table, 0.17),
    'sofa': (_sofa, 0.07),
    'shelf': (_shelf, 0.07),
    'plant': (_plant, 0.1),
    'tree': (_tree, 0.04),
    'pole': (_pole, 0.05),
    'car': (_car, 0.06),
    'bench': (_bench, 0.07),
    'boxes': (_boxes, 0.07),
    'screen': (_screen, 0.05),
    'clutter': (_clutter, 0.04),
    'dog': (_dog, 0.04),
}
