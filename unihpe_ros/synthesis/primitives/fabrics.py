"""Random colours and materials of cloth, skin, hair and things."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.materials import linear, material, Pattern
from unihpe_ros.synthesis.primitives.texture_atlas import PRINTED, REPEATED

Float32 = NDArray[np.float32]


def cloth_colour(rng: np.random.Generator) -> Float32:
    """``(3,)`` Random linear colour of clothes: many dark, white, grey and blue."""
    kind = rng.choice(6, p=[0.17, 0.14, 0.12, 0.14, 0.11, 0.32])
    if kind == 0:
        return linear(rng.random(), 0.15 * rng.random(), rng.uniform(0.08, 0.3))
    if kind == 1:
        return linear(rng.random(), 0.06 * rng.random(), rng.uniform(0.75, 0.98))
    if kind == 2:
        return linear(rng.random(), 0.1 * rng.random(), rng.uniform(0.3, 0.7))
    if kind == 3:
        return linear(rng.uniform(0.57, 0.66), rng.uniform(0.2, 0.75), rng.uniform(0.2, 0.65))
    if kind == 4:
        return linear(rng.uniform(0.05, 0.14), rng.uniform(0.2, 0.6), rng.uniform(0.25, 0.8))
    return linear(rng.random(), rng.uniform(0.2, 0.95), rng.uniform(0.25, 0.95))


# Display colours from pale to dark.
_SKIN = np.array(
    [
        [0.96, 0.80, 0.70],
        [0.90, 0.71, 0.58],
        [0.82, 0.61, 0.46],
        [0.68, 0.47, 0.33],
        [0.50, 0.33, 0.22],
        [0.33, 0.21, 0.15],
        [0.22, 0.14, 0.10],
    ]
)
# Hue, saturation, value; how common.
_HAIR = (
    (0.06, 0.30, 0.08, 0.30),
    (0.07, 0.50, 0.18, 0.22),
    (0.07, 0.55, 0.30, 0.16),
    (0.09, 0.55, 0.50, 0.10),
    (0.11, 0.50, 0.75, 0.08),
    (0.04, 0.75, 0.45, 0.05),
    (0.00, 0.00, 0.60, 0.06),
    (0.00, 0.00, 0.85, 0.03),
)


def skin_colour(rng: np.random.Generator) -> Float32:
    """``(3,)`` Random linear colour of skin, pale to dark."""
    place = rng.random() ** 1.1 * (len(_SKIN) - 1)
    below = min(int(place), len(_SKIN) - 2)
    colour = _SKIN[below] + (place - below) * (_SKIN[below + 1] - _SKIN[below])
    colour = colour * (1 + rng.normal(0, 0.03, 3))
    return (colour.clip(0.03, 1) ** 2.2).astype(np.float32)


def hair_colour(rng: np.random.Generator, age: float) -> Float32:
    """``(3,)`` Random linear colour of hair; mostly grey at old age."""
    if rng.random() < np.clip((age - 45) / 40, 0, 0.9):
        return linear(0.08, 0.06 * rng.random(), rng.uniform(0.5, 0.9))
    common = np.array([row[3] for row in _HAIR])
    hue, saturation, value, _ = _HAIR[rng.choice(len(_HAIR), p=common)]
    return linear(
        hue + rng.normal(0, 0.01),
        saturation * rng.uniform(0.7, 1.2),
        value * rng.uniform(0.7, 1.3),
    )


_CLOTH_PATTERNS = {
    Pattern.PLAIN: 0.43,
    Pattern.STRIPES: 0.08,
    Pattern.CHECKS: 0.03,
    Pattern.BLOTCHES: 0.03,
    Pattern.DOTS: 0.03,
    Pattern.CHEST_PRINT: 0.18,
    Pattern.GRADIENT: 0.03,
    Pattern.PICTURE: 0.19,
}
_STRIPES = ((0, 0, 1), (1, 0, 0), (0.7, 0, 0.7))


# Folds run any way, hang down, lie across, or go slantwise.
_STRETCHES = ((1, 1, 1), (1.3, 1.3, 0.4), (0.6, 0.6, 1.6), (1, 1, 0.6), (0.5, 1.2, 1.2))


def cloth(
    rng: np.random.Generator, colour: Float32 | None = None, pattern: Pattern | None = None
) -> np.void:
    """
    Return a random fabric.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    colour : Float32 | None
        ``(3,)`` Its main colour; sampled if None.
    pattern : Pattern | None
        Its pattern; sampled if None.

    Returns
    -------
    np.void
        A MATERIAL record.

    """
    if pattern is None:
        choices = list(_CLOTH_PATTERNS)
        pattern = choices[rng.choice(len(choices), p=list(_CLOTH_PATTERNS.values()))]
    main = cloth_colour(rng) if colour is None else colour
    second = cloth_colour(rng)
    trim = rng.choice(3, p=[0.6, 0.25, 0.15])
    return material(
        main,
        pattern=pattern,
        second=second,
        phase=rng.uniform(0, 30),
        trim=(main * rng.uniform(0.55, 0.95), second, cloth_colour(rng))[trim],
        trim_width=rng.uniform(0.004, 0.02) if rng.random() < 0.7 else 0,
        **_pattern_shape(rng, pattern),
        mottle=rng.uniform(0.1, 0.6),
        mottle_scale=rng.uniform(3, 14),
        grain=rng.uniform(0.05, 0.4),
        grain_scale=rng.uniform(60, 300),
        bump=rng.uniform(0.05, 0.5),
        bump_scale=rng.uniform(15, 60),
        fold=rng.uniform(0.3, 2.6),
        fold_scale=rng.uniform(5, 16),
        fold_stretch=_STRETCHES[rng.integers(len(_STRETCHES))],
        fold_edge=rng.uniform(1, 5),
        gloss=0.25 * rng.random() ** 3,
        shininess=rng.uniform(5, 40),
        rim=rng.uniform(0, 0.08),
    )


def _pattern_shape(rng: np.random.Generator, pattern: Pattern) -> dict[str, Any]:
    if pattern == Pattern.STRIPES:
        return {
            'direction': _STRIPES[rng.choice(3, p=[0.6, 0.3, 0.1])],
            'frequency': rng.uniform(25, 220),
            'threshold': rng.uniform(-0.3, 0.8),
        }
    if pattern == Pattern.CHECKS:
        return {'frequency': rng.uniform(40, 200), 'threshold': rng.uniform(-0.2, 0.6)}
    if pattern == Pattern.BLOTCHES:
        return {'frequency': rng.uniform(6, 40), 'threshold': rng.uniform(0.38, 0.5)}
    if pattern == Pattern.DOTS:
        return {'frequency': rng.uniform(12, 40), 'threshold': rng.uniform(0.03, 0.14)}
    if pattern == Pattern.CHEST_PRINT:
        half = rng.uniform(0.03, 0.13)
        return {
            'picture': REPEATED + int(rng.integers(PRINTED)),
            'print_box': (
                rng.choice([0.0, 0.08, -0.08], p=[0.8, 0.1, 0.1]),
                rng.uniform(0.22, 0.42),
                half if half > 0.06 else 0.035,
                half * rng.uniform(0.5, 1.5),
            ),
        }
    if pattern == Pattern.PICTURE:
        return {
            'picture': int(rng.integers(REPEATED)),
            'frequency': np.exp(rng.uniform(np.log(2), np.log(14))),
        }
    return {'frequency': rng.uniform(2, 12), 'threshold': rng.uniform(-0.3, 0.2)}


def hard_surface(rng: np.random.Generator, colour: Float32 | None = None) -> np.void:
    """Return a random material of things: wood, metal, plastic or paint."""
    if colour is None:
        kind = rng.choice(4, p=[0.3, 0.25, 0.2, 0.25])
        colour = (
            linear(rng.uniform(0.05, 0.11), rng.uniform(0.2, 0.7), rng.uniform(0.2, 0.8)),
            linear(0, 0.05 * rng.random(), rng.uniform(0.05, 0.95)),
            cloth_colour(rng),
            linear(rng.random(), rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.95)),
        )[kind]
    pattern = (Pattern.PLAIN, Pattern.WEAVE, Pattern.STRIPES, Pattern.PICTURE)[
        rng.choice(4, p=[0.55, 0.2, 0.07, 0.18])
    ]
    return material(
        colour,
        pattern=pattern,
        second=colour * np.float32(rng.uniform(0.4, 1.3)),
        phase=rng.uniform(0, 30),
        direction=_STRIPES[rng.choice(3)],
        frequency=rng.uniform(1, 5) if pattern == Pattern.PICTURE else rng.uniform(4, 60),
        picture=int(rng.integers(REPEATED + PRINTED)),
        threshold=rng.uniform(0.1, 0.5),
        mottle=rng.uniform(0.1, 0.6),
        mottle_scale=rng.uniform(1, 10),
        grain=rng.uniform(0, 0.3),
        grain_scale=rng.uniform(20, 200),
        bump=rng.uniform(0, 0.25),
        bump_scale=rng.uniform(10, 60),
        gloss=0.6 * rng.random() ** 2,
        shininess=rng.uniform(5, 60),
        rim=rng.uniform(0, 0.15),
    )
