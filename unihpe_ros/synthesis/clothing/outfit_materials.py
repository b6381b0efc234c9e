"""Random materials and colours of an outfit: cloth, shoes, skin, hair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.fabrics import cloth, cloth_colour, hard_surface
from unihpe_ros.synthesis.primitives.materials import linear, material, Pattern

Float32 = NDArray[np.float32]


def mostly_plain(rng: np.random.Generator) -> Pattern:
    """Return a random pattern of trousers, jackets and hats, mostly plain."""
    common = (Pattern.PLAIN, Pattern.STRIPES, Pattern.PICTURE, Pattern.CHECKS)
    return common[rng.choice(4, p=[0.82, 0.06, 0.09, 0.03])]


def uniform_colour(rng: np.random.Generator) -> Float32:
    """``(3,)`` Linear colour of clothes in one colour, mostly black or another dark tone."""
    if rng.random() < 0.3:
        return cloth_colour(rng)
    return linear(rng.uniform(0.5, 0.75), 0.5 * rng.random() ** 2, rng.uniform(0.05, 0.28))


def shirt_colour(rng: np.random.Generator) -> Float32:
    """``(3,)`` Linear colour of what is worn under a suit."""
    return linear(rng.random(), 0.3 * rng.random() ** 2, rng.choice([0.95, 0.8, 0.15]))


def trouser_cloth(
    rng: np.random.Generator, waist: float, colour: Float32 | None = None
) -> np.void:
    """Return random cloth of trousers or skirts, with belt and pockets."""
    stuff = cloth(rng, colour, mostly_plain(rng))
    line = rng.uniform(0.002, 0.005)
    marks: list[tuple[float, ...]] = []
    if rng.random() < 0.4:  # Belt.
        marks.append((0, waist - 0.03, 1, rng.uniform(0.01, 0.022), 0, 0, 0, _mark_shade(rng)))
    if rng.random() < 0.5:  # Fly.
        marks.append((0, 0.06, line, 0.07, -1, 0, 0, rng.uniform(0.4, 0.8)))
    if rng.random() < 0.5:  # Front pockets.
        marks.append((0.105, 0.055, 0.03, 0.05, -1, line, 1, rng.uniform(0.4, 0.8)))
    if rng.random() < 0.5:  # Back pockets.
        marks.append((0.075, 0.035, 0.04, 0.05, 1, line, 1, rng.uniform(0.4, 0.8)))
    return _with_marks(stuff, marks)


def mark_top(rng: np.random.Generator, stuff: np.void, hem: float) -> None:
    """Add a zip or buttons, pockets or a coloured band to the cloth of a top, at random."""
    line = rng.uniform(0.002, 0.005)
    marks: list[tuple[float, ...]] = []
    if rng.random() < 0.4:  # Zip or button band.
        width = rng.choice([0.003, rng.uniform(0.006, 0.018)])
        middle, half = 0.5 * (hem + 0.6), 0.5 * (0.6 - hem)
        marks.append((0, middle, width, half, -1, 0, 0, _mark_shade(rng)))
    if rng.random() < 0.2:  # Chest pockets.
        mirrored = float(rng.random() < 0.4)
        marks.append((0.075, 0.39, 0.03, 0.035, -1, line, mirrored, rng.uniform(0.4, 0.8)))
    if rng.random() < 0.15:  # Hip pockets.
        marks.append((0.09, 0.1, 0.045, 0.04, -1, line, 1, rng.uniform(0.4, 0.8)))
    if rng.random() < 0.12:  # A band of another colour round the chest.
        at, half = rng.uniform(0.2, 0.45), rng.uniform(0.02, 0.12)
        marks.append((0, at, 0.17, half, 0, 0, 0, -1))
    if rng.random() < 0.1:  # Something printed on the back.
        marks.append((0, rng.uniform(0.3, 0.42), 0.06, rng.uniform(0.03, 0.08), 1, 0, 0, -1))
    _with_marks(stuff, marks)


def _mark_shade(rng: np.random.Generator) -> float:
    return -1.0 if rng.random() < 0.3 else rng.uniform(0.2, 0.7)


def _with_marks(stuff: np.void, marks: list[tuple[float, ...]]) -> np.void:
    stuff['mark_count'] = len(marks)
    for place, mark in enumerate(marks):
        stuff['marks'][place] = mark
    return stuff


def shoe_leather(rng: np.random.Generator, colour: Float32 | None = None) -> np.void:
    """Return a random material of shoes."""
    shoe = cloth(rng, _shoe_colour(rng) if colour is None else colour, Pattern.PLAIN)
    if rng.random() < 0.4:  # Soles and toe caps.
        shoe['marks'][0] = (0.2, -0.8, 0.2, rng.uniform(0.012, 0.03), 0, 0, 1, -1)
        shoe['mark_count'] = 1
        shoe['trim'] = _shoe_colour(rng)
    shoe['gloss'] = rng.uniform(0, 0.3)
    shoe['fold'] = 0
    return shoe


def _shoe_colour(rng: np.random.Generator) -> Float32:
    if rng.random() < 0.3:
        return cloth_colour(rng)
    tones = ((0.05, 0.2), (0.05, 0.2), (0.75, 0.98), (0.3, 0.6))
    return linear(0.08, 0.4 * rng.random() ** 2, rng.uniform(*tones[rng.integers(4)]))


def skin_material(rng: np.random.Generator, tone: Float32) -> np.void:
    """Return a random skin material of a tone, on which vertex colours show."""
    return material(
        tone,
        mottle=rng.uniform(0.1, 0.35),
        mottle_scale=rng.uniform(3, 14),
        grain=rng.uniform(0.02, 0.12),
        grain_scale=rng.uniform(60, 300),
        painted=1,
        bump=rng.uniform(0, 0.12),
        bump_scale=rng.uniform(10, 40),
        wrap=rng.uniform(0.1, 0.35),
        gloss=rng.uniform(0.02, 0.12),
        shininess=rng.uniform(8, 25),
        rim=rng.uniform(0.02, 0.1),
    )


def hair_stuff(rng: np.random.Generator, tone: Float32, long: bool) -> np.void:
    """Return a random hair material of a tone; long hair has strands."""
    return material(
        tone,
        second=tone * np.float32(rng.uniform(0.45, 0.9)),
        pattern=Pattern.STRIPES if long else Pattern.BLOTCHES,
        direction=(1, 0.3, 0),
        frequency=rng.uniform(200, 500) if long else rng.uniform(20, 60),
        threshold=0.3 if long else 0.45,
        phase=rng.uniform(0, 30),
        mottle=rng.uniform(0.2, 0.7),
        mottle_scale=rng.uniform(10, 30),
        grain=rng.uniform(0.2, 0.6),
        grain_scale=rng.uniform(100, 300),
        bump=rng.uniform(0.3, 1.1),
        bump_scale=rng.uniform(40, 90),
        gloss=rng.uniform(0.02, 0.15),
        shininess=rng.uniform(8, 40),
        rim=rng.uniform(0, 0.08),
    )


def lip_colour(rng: np.random.Generator, tone: Float32) -> Float32:
    """``(3,)`` Random linear colour of lips, one in five with lipstick."""
    if rng.random() < 0.2:
        return linear(rng.uniform(-0.03, 0.03), rng.uniform(0.5, 0.9), rng.uniform(0.4, 0.8))
    shade = [rng.uniform(0.7, 1.0), rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.7)]
    return (tone * np.array(shade)).astype(np.float32)


def hat_stuff(rng: np.random.Generator) -> np.void:
    """Return a random material of hats and helmets."""
    if rng.random() < 0.7:
        return cloth(rng, pattern=mostly_plain(rng))
    return hard_surface(rng)


def sample_worn(
    rng: np.random.Generator, hair: str, female: bool, hat: np.void, hair_stuff: np.void
) -> dict[str, np.void]:
    """Return random accessories (see accessories.WORN) and their materials."""
    worn: dict[str, np.void] = {}
    if hair == 'hat' and rng.random() < 0.7:
        worn['visor' if rng.random() < 0.7 else 'brim'] = hat
    if rng.random() < 0.25:
        dark = rng.random() < 0.7
        tone = linear(rng.random(), 0.6 * rng.random(), 0.15 if dark else rng.uniform(0.2, 0.9))
        worn['frame'] = material(tone, gloss=0.3, shininess=30)
        if rng.random() < 0.5:
            shade = linear(rng.random(), 0.5 * rng.random(), rng.uniform(0.05, 0.25))
            worn['lenses'] = material(shade, gloss=rng.uniform(0.2, 0.9), shininess=60, rim=0.3)
    if hair in ('short', 'thick') and rng.random() < (0.45 if female else 0.03):
        worn['bun' if rng.random() < 0.4 else 'ponytail'] = hair_stuff
    if rng.random() < 0.09:
        worn['backpack'] = cloth(rng, pattern=mostly_plain(rng))
    return worn
