"""Things that stand around, get in the way and are held: meshes from a few primitives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.fabrics import cloth, hard_surface
from unihpe_ros.synthesis.materials import linear, material, Pattern
from unihpe_ros.synthesis.scene import Mesh
from unihpe_ros.synthesis.solids import assemble, Part, random_rotation, upright

Float32 = NDArray[np.float32]


def _chair(rng: np.random.Generator, seat: float = 0.45) -> list[Part]:
    w, d, back = rng.uniform(0.19, 0.28), rng.uniform(0.19, 0.26), rng.uniform(0.2, 0.32)
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


def _table(rng: np.random.Generator) -> list[Part]:
    w, d, h = rng.uniform(0.3, 0.9), rng.uniform(0.25, 0.5), rng.uniform(0.4, 0.8)
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
    for _ in range(rng.integers(4, 10)):
        at = rng.normal(0, 0.17, 3) + (0, 0, rng.uniform(0.4, 1.1))
        parts.append(('ball', at, rng.uniform(0.05, 0.25, 3), 3))
    return parts


def _tree(rng: np.random.Generator) -> list[Part]:
    h = rng.uniform(1.2, 3.0)
    parts: list[Part] = [('cylinder', (0, 0, h), (h * 0.06, h * 0.06, h), 1)]
    for _ in range(rng.integers(3, 7)):
        at = rng.normal(0, h * 0.3, 3) + (0, 0, 2.1 * h)
        parts.append(('ball', at, rng.uniform(0.3, 0.7, 3) * h, 3))
    return parts


def _pole(rng: np.random.Generator) -> list[Part]:
    r, h = rng.uniform(0.02, 0.2), rng.uniform(0.5, 2.0)
    return [('cylinder', (0, 0, h), (r, r, h), 0)]


def _car(rng: np.random.Generator) -> list[Part]:
    length, w = rng.uniform(1.7, 2.4), rng.uniform(0.75, 0.95)
    parts: list[Part] = [
        ('box', (0, 0, 0.55), (length, w, 0.28), 0),
        ('box', (-0.1, 0, 1.05), (length * 0.55, w * 0.9, 0.26), 2),
        ('box', (-0.1, 0, 1.32), (length * 0.5, w * 0.85, 0.02), 0),
    ]
    for x in (-length * 0.62, length * 0.62):
        for y in (-w, w):
            parts.append(('ball', (x, y, 0.32), (0.32, 0.12, 0.32), 1))
    return parts


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
    'chair': (_chair, 0.2),
    'table': (_table, 0.18),
    'sofa': (_sofa, 0.08),
    'shelf': (_shelf, 0.1),
    'plant': (_plant, 0.1),
    'tree': (_tree, 0.05),
    'pole': (_pole, 0.08),
    'car': (_car, 0.05),
    'clutter': (_clutter, 0.12),
    'dog': (_dog, 0.04),
}


def thing_materials(rng: np.random.Generator) -> list[np.void]:
    """Four materials: body, frame, soft or glassy part, leaves or fur."""
    leaf = rng.random() < 0.6
    hue, value = (rng.uniform(0.2, 0.4), rng.uniform(0.15, 0.6)) if leaf else (0.08, 0.5)
    green = material(
        linear(hue, rng.uniform(0.3, 0.8), value),
        pattern=Pattern.BLOTCHES,
        second=linear(hue, 0.6, value * 0.4),
        frequency=rng.uniform(8, 40),
        threshold=0.45,
        bump=1.0,
        bump_scale=rng.uniform(15, 40),
        mottle=0.8,
        mottle_scale=12,
    )
    soft = cloth(rng, pattern=Pattern.PLAIN) if rng.random() < 0.6 else hard_surface(rng)
    body = soft if rng.random() < 0.3 else hard_surface(rng)
    return [body, hard_surface(rng), soft, green]


def standing_thing(
    rng: np.random.Generator, place: NDArray[np.floating], kind: str | None = None
) -> Mesh:
    """
    Sample a thing that stands on the ground.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    place : NDArray
        ``(3,)`` Where it stands, m.
    kind : str | None
        One of STANDING; sampled if None.

    Returns
    -------
    Mesh
        The thing.

    """
    if kind is None:
        kinds = list(STANDING)
        kind = kinds[rng.choice(len(kinds), p=[share for _, share in STANDING.values()])]
    parts = STANDING[kind][0](rng)
    turned = upright(rng.uniform(0, 2 * np.pi))
    return assemble(parts, thing_materials(rng), place, turned, taper=rng.uniform(0.6, 1))


def seat_for(
    rng: np.random.Generator, place: NDArray[np.floating], height: float, facing: float
) -> Mesh:
    """Sample a chair or a box of a given seat height for somebody who faces `facing`, rad."""
    parts = _chair(rng, height)
    if rng.random() < 0.3:
        parts = [('box', (0, 0.1, height / 2), (rng.uniform(0.25, 1.0), 0.3, height / 2), 0)]
    return assemble(parts, thing_materials(rng), place, upright(facing))


def held_thing(rng: np.random.Generator, place: NDArray[np.floating]) -> Mesh:
    """Sample a small thing in somebody's hand."""
    kind = rng.choice(6)
    half = rng.uniform(0.02, 0.14, 3)
    parts: list[Part] = [('box', (0, 0, 0), half, 0)]
    if kind == 1:  # Phone or book.
        parts = [('box', (0, 0, 0), (rng.uniform(0.03, 0.12), 0.008, rng.uniform(0.06, 0.16)), 0)]
    elif kind == 2:  # Bottle or cup.
        r = rng.uniform(0.025, 0.045)
        parts = [('cylinder', (0, 0, 0), (r, r, rng.uniform(0.04, 0.13)), 0)]
    elif kind == 3:  # Ball.
        parts = [('ball', (0, 0, 0), np.full(3, rng.uniform(0.03, 0.14)), 0)]
    elif kind == 4:  # Stick, racket, umbrella.
        r = rng.uniform(0.008, 0.02)
        parts = [('cylinder', (0, 0, 0.2), (r, r, rng.uniform(0.2, 0.6)), 0)]
        if rng.random() < 0.4:
            parts.append(('ball', (0, 0, 0.7), (0.13, 0.02, 0.17), 1))
    elif kind == 5:  # Bag.
        size = rng.uniform(0.08, 0.22)
        parts = [('box', (0, 0, -size - 0.15), (size, size * 0.4, size), 2),
                 ('cylinder', (0, 0, -0.08), (0.01, 0.01, 0.1), 1)]  # fmt: skip
    turned = upright(rng.uniform(0, 6.3)) if kind == 5 else random_rotation(rng)
    return assemble(parts, thing_materials(rng), place, turned)
