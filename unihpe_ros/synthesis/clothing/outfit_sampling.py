"""Random outfits: clothes, hair and face of one person."""

from __future__ import annotations

import numpy as np
from unihpe_ros.synthesis.clothing.outfit import Outfit
from unihpe_ros.synthesis.clothing.outfit_materials import (
    hair_stuff,
    hat_stuff,
    lip_colour,
    mark_top,
    mostly_plain,
    sample_worn,
    shirt_colour,
    shoe_leather,
    skin_material,
    trouser_cloth,
    uniform_colour,
)
from unihpe_ros.synthesis.primitives.fabrics import cloth, cloth_colour, hair_colour, skin_colour
from unihpe_ros.synthesis.primitives.materials import linear, Pattern

_BOTTOMS = ('trousers', 'shorts', 'skirt', 'dress', 'swimwear')
_BOTTOMS_FEMALE = (0.60, 0.14, 0.11, 0.12, 0.03)
_BOTTOMS_MALE = (0.77, 0.19, 0.0, 0.0, 0.04)
_HAIR = ('bald', 'short', 'thick', 'long', 'hat')
_HAIR_FEMALE = (0.02, 0.26, 0.14, 0.49, 0.09)
_HAIR_MALE = (0.10, 0.60, 0.08, 0.06, 0.16)
_SLEEVES = (-0.05, 0.0, 0.22, 0.30, 0.38, 0.5, 0.75, 0.93, 1.0)
_SLEEVE_SHARES = (0.05, 0.05, 0.14, 0.18, 0.12, 0.04, 0.06, 0.16, 0.20)
_LOOSE = (0.003, 0.010, 0.020, 0.034, 0.055)
_LOOSE_SHARES = (0.16, 0.32, 0.30, 0.15, 0.07)
_NOT_WORN = 2.0
# Probability of clothes in one colour, and of a suit among these.
_UNIFORM, _SUIT = 0.18, 0.35


def sample_outfit(rng: np.random.Generator, female: bool, age: float) -> Outfit:
    """
    Return a random outfit.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    female : bool
        Whose clothes to choose among.
    age : float
        Years; beards and grey hair depend on it.

    Returns
    -------
    Outfit
        The clothes.

    """
    bottom = _BOTTOMS[rng.choice(5, p=_BOTTOMS_FEMALE if female else _BOTTOMS_MALE)]
    uniform = bottom != 'swimwear' and rng.random() < _UNIFORM
    suit = uniform and rng.random() < _SUIT
    if suit and bottom == 'shorts':
        bottom = 'trousers'
    hem = rng.uniform(-0.06, 0.13)
    skin_tone = skin_colour(rng)
    hair_tone = hair_colour(rng, age)
    colour = uniform_colour(rng) if uniform else None
    top = cloth(rng, shirt_colour(rng) if suit else colour, mostly_plain(rng) if uniform else None)
    mark_top(rng, top, hem)
    # Without this, a bent person would have a bare gap at the back.
    waist = max(rng.uniform(0.09, 0.17), min(hem + 0.06, 0.2))
    alike = bottom == 'dress' or rng.random() < 0.06
    bottom_cloth = top if alike else trouser_cloth(rng, waist, colour)
    jacket_cloth = cloth(rng, colour, mostly_plain(rng))
    mark_top(rng, jacket_cloth, 0.0)
    has_jacket = suit or (bottom != 'swimwear' and rng.random() < 0.22)
    hair = _HAIR[rng.choice(5, p=_HAIR_FEMALE if female else _HAIR_MALE)]
    stuff = hair_stuff(rng, hair_tone, hair == 'long')
    hood = hair == 'hat' and rng.random() < 0.2
    hat = top if hood else hat_stuff(rng)
    return Outfit(
        bottom=bottom,
        bare_chest=not female and (bottom == 'swimwear' or rng.random() < 0.02),
        sleeve=(1.0 if suit else rng.choice(_SLEEVES, p=_SLEEVE_SHARES)) + rng.normal(0, 0.02),
        leg=_leg_end(rng, bottom),
        hem=hem,
        waist=waist,
        neck=rng.uniform(0.53, 0.615),
        neck_v=0.5 * rng.random() if rng.random() < 0.4 else 0.0,
        skirt_end=rng.uniform(-0.62, -0.10),
        flare=rng.uniform(0, 0.5),
        loose_top=rng.choice(_LOOSE, p=_LOOSE_SHARES) * rng.uniform(0.7, 1.3),
        loose_bottom=rng.choice(_LOOSE, p=_LOOSE_SHARES) * rng.uniform(0.7, 1.3),
        drape=rng.uniform(0.3, 1.1) if rng.random() < 0.75 else 0.0,
        leg_cut=rng.uniform(0.06, 0.1) if rng.random() < 0.6 else 0.0,
        sleeve_cut=rng.uniform(0.045, 0.085) if rng.random() < 0.6 else 0.0,
        jacket=rng.choice([0.0, rng.uniform(0.0, 0.12)]) if has_jacket else -1.0,
        jacket_hem=rng.choice([rng.uniform(-0.05, 0.1), rng.uniform(-0.4, -0.1)], p=[0.7, 0.3]),
        jacket_sleeve=rng.choice([rng.uniform(0.9, 1.02), -0.05], p=[0.85, 0.15]),
        shoe_top=_shoe_top(rng),
        sock_top=rng.uniform(0.75, 0.95) if rng.random() < 0.5 else _NOT_WORN,
        hair=hair,
        hair_length=rng.choice([0.62, 0.52, 0.40, 0.20]) + rng.uniform(-0.05, 0.05),
        hair_depth=rng.uniform(0.03, 0.06)
        if hood or hair == 'thick'
        else rng.uniform(0.006, 0.03),
        hairline=rng.normal(0, 0.006) - 0.02 * hood + max(0.0, age - 45) * 0.0005 * (not female),
        beard=rng.uniform(0.3, 1.0) if not female and age > 17 and rng.random() < 0.45 else 0.0,
        brows=rng.uniform(0.5, 1.0),
        makeup=rng.uniform(0.3, 1.0) if female and rng.random() < 0.5 else 0.0,
        gloves=1.0 if rng.random() < 0.04 else 0.0,
        mask=1.0 if rng.random() < 0.04 else 0.0,
        texture_shift=rng.uniform(0, 30, 3).astype(np.float32),
        crease=rng.uniform(6, 14),
        skin=skin_material(rng, skin_tone),
        top=top,
        bottom_cloth=bottom_cloth,
        jacket_cloth=jacket_cloth,
        shoe=shoe_leather(rng, colour),
        sock=cloth(rng, pattern=Pattern.PLAIN if rng.random() < 0.6 else Pattern.STRIPES),
        hair_stuff=stuff,
        hat=hat,
        skin_tone=skin_tone,
        hair_tone=hair_tone,
        lips=lip_colour(rng, skin_tone),
        iris=linear(
            rng.choice([0.08, 0.1, 0.55, 0.3]), rng.uniform(0.3, 0.7), rng.uniform(0.15, 0.55)
        ),
        glove_tone=cloth_colour(rng),
        worn=sample_worn(rng, hair, female, hat, stuff),
        mask_tone=linear(0.55, 0.3 * rng.random(), rng.uniform(0.1, 0.95)),
    )


def _leg_end(rng: np.random.Generator, bottom: str) -> float:
    if bottom == 'trousers':
        return rng.choice([rng.uniform(0.9, 1.02), 1.02, rng.uniform(0.6, 0.8)], p=[0.6, 0.3, 0.1])
    if bottom == 'shorts':
        return rng.uniform(0.18, 0.55)
    return rng.uniform(0.06, 0.15)


def _shoe_top(rng: np.random.Generator) -> float:
    if rng.random() < 0.1:
        return _NOT_WORN
    return rng.uniform(0.955, 1.0) if rng.random() < 0.8 else rng.uniform(0.7, 0.95)
