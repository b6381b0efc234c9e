"""
What people wear and what their hair and faces look like, as data.

Places on the body are given on the average body: heights are its z in m (soles -0.82, hip joint
0.05, shoulder 0.53, crown 0.85), sleeves run from 0 at the shoulder to 1 at the wrist (0.5 is the
elbow), trouser legs from 0 at the hip to 1 at the ankle.

"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.materials import (
    cloth,
    cloth_colour,
    hair_colour,
    linear,
    material,
    Pattern,
    skin_colour,
)

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Outfit:
    """
    One person's looks.

    Parameters
    ----------
    bottom : str
        trousers, shorts, skirt, dress or swimwear.
    bare_chest : bool
        No top.
    sleeve, leg : float
        Where sleeves and trouser legs end.
    hem, waist : float
        Lower edge of the top, upper edge of the bottom.
    neck, neck_v : float
        Height of the neckline and how much of a V it is.
    skirt_end, flare : float
        Lower edge of a skirt, how far it widens.
    loose_top, loose_bottom : float
        How far the cloth stands off, m.
    jacket : float
        Width of an open jacket's gap, m; negative for no jacket.
    jacket_hem, jacket_sleeve : float
        Where the jacket ends.
    shoe_top : float
        Where shoes or boots end; 2 for bare feet.
    sock_top : float
        Where socks end; 2 for none.
    hair : str
        bald, short, thick, long or hat.
    hair_length, hair_depth : float
        Lower edge of long hair; thickness of the hair, m.
    hairline : float
        Shift of the hairline, m.
    beard, brows, makeup, gloves, mask : float
        How strongly they show, 0 to 1.
    texture_shift : Float32
        ``(3,)`` Makes the same cut crease differently.
    crease : float
        Size of the cloth's waves, 1/m.
    skin, top, bottom_cloth, jacket_cloth, shoe, sock, hair_stuff, hat : np.void
        MATERIAL records.
    skin_tone, hair_tone, lips, iris, glove_tone, mask_tone : Float32
        ``(3,)`` Linear colours painted onto the skin.

    """

    bottom: str
    bare_chest: bool
    sleeve: float
    leg: float
    hem: float
    waist: float
    neck: float
    neck_v: float
    skirt_end: float
    flare: float
    loose_top: float
    loose_bottom: float
    jacket: float
    jacket_hem: float
    jacket_sleeve: float
    shoe_top: float
    sock_top: float
    hair: str
    hair_length: float
    hair_depth: float
    hairline: float
    beard: float
    brows: float
    makeup: float
    gloves: float
    mask: float
    texture_shift: Float32
    crease: float
    skin: np.void
    top: np.void
    bottom_cloth: np.void
    jacket_cloth: np.void
    shoe: np.void
    sock: np.void
    hair_stuff: np.void
    hat: np.void
    skin_tone: Float32
    hair_tone: Float32
    lips: Float32
    iris: Float32
    glove_tone: Float32
    mask_tone: Float32


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


def sample_outfit(rng: np.random.Generator, female: bool, age: float) -> Outfit:
    """
    Dress somebody.

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
    hem = rng.uniform(-0.06, 0.13)
    skin_tone = skin_colour(rng)
    hair_tone = hair_colour(rng, age)
    top = cloth(rng)
    _mark_top(rng, top, hem)
    # No bare gap at the back when somebody bends.
    waist = max(rng.uniform(0.09, 0.17), min(hem + 0.06, 0.2))
    alike = bottom == 'dress' or rng.random() < 0.06
    bottom_cloth = top if alike else _bottom_cloth(rng, waist)
    jacket_cloth = cloth(rng, pattern=_mostly_plain(rng))
    _mark_top(rng, jacket_cloth, 0.0)
    has_jacket = bottom != 'swimwear' and rng.random() < 0.22
    hair = _HAIR[rng.choice(5, p=_HAIR_FEMALE if female else _HAIR_MALE)]
    return Outfit(
        bottom=bottom,
        bare_chest=not female and (bottom == 'swimwear' or rng.random() < 0.02),
        sleeve=rng.choice(_SLEEVES, p=_SLEEVE_SHARES) + rng.normal(0, 0.02),
        leg=_leg_end(rng, bottom),
        hem=hem,
        waist=waist,
        neck=rng.uniform(0.53, 0.615),
        neck_v=0.5 * rng.random() if rng.random() < 0.4 else 0.0,
        skirt_end=rng.uniform(-0.62, -0.10),
        flare=rng.uniform(0, 0.5),
        loose_top=rng.choice(_LOOSE, p=_LOOSE_SHARES) * rng.uniform(0.7, 1.3),
        loose_bottom=rng.choice(_LOOSE, p=_LOOSE_SHARES) * rng.uniform(0.7, 1.3),
        jacket=rng.choice([0.0, rng.uniform(0.0, 0.12)]) if has_jacket else -1.0,
        jacket_hem=rng.choice([rng.uniform(-0.05, 0.1), rng.uniform(-0.4, -0.1)], p=[0.7, 0.3]),
        jacket_sleeve=rng.choice([rng.uniform(0.9, 1.02), -0.05], p=[0.85, 0.15]),
        shoe_top=_shoe_top(rng),
        sock_top=rng.uniform(0.75, 0.95) if rng.random() < 0.5 else _NOT_WORN,
        hair=hair,
        hair_length=rng.choice([0.62, 0.52, 0.40, 0.20]) + rng.uniform(-0.05, 0.05),
        hair_depth=rng.uniform(0.03, 0.06) if hair == 'thick' else rng.uniform(0.006, 0.03),
        hairline=rng.normal(0, 0.006) + max(0.0, age - 45) * 0.0005 * (not female),
        beard=rng.uniform(0.3, 1.0) if not female and age > 17 and rng.random() < 0.45 else 0.0,
        brows=rng.uniform(0.5, 1.0),
        makeup=rng.uniform(0.3, 1.0) if female and rng.random() < 0.5 else 0.0,
        gloves=1.0 if rng.random() < 0.04 else 0.0,
        mask=1.0 if rng.random() < 0.04 else 0.0,
        texture_shift=rng.uniform(0, 30, 3).astype(np.float32),
        crease=rng.uniform(6, 14),
        skin=_skin(rng, skin_tone),
        top=top,
        bottom_cloth=bottom_cloth,
        jacket_cloth=jacket_cloth,
        shoe=_shoe(rng),
        sock=cloth(rng, pattern=Pattern.PLAIN if rng.random() < 0.6 else Pattern.STRIPES),
        hair_stuff=_hair_stuff(rng, hair_tone, hair == 'long'),
        hat=cloth(rng, pattern=_mostly_plain(rng)),
        skin_tone=skin_tone,
        hair_tone=hair_tone,
        lips=_lips(rng, skin_tone),
        iris=linear(
            rng.choice([0.08, 0.1, 0.55, 0.3]), rng.uniform(0.3, 0.7), rng.uniform(0.15, 0.55)
        ),
        glove_tone=cloth_colour(rng),
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


def _mostly_plain(rng: np.random.Generator) -> Pattern:
    common = (Pattern.PLAIN, Pattern.STRIPES, Pattern.BLOTCHES, Pattern.CHECKS)
    return common[rng.choice(4, p=[0.82, 0.07, 0.06, 0.05])]


def _bottom_cloth(rng: np.random.Generator, waist: float) -> np.void:
    stuff = cloth(rng, pattern=_mostly_plain(rng))
    line = rng.uniform(0.002, 0.005)
    marks = []
    if rng.random() < 0.4:  # Belt.
        marks.append((0, waist - 0.03, 1, rng.uniform(0.01, 0.022), 0, 0, 0, _mark_shade(rng)))
    if rng.random() < 0.5:  # Fly.
        marks.append((0, 0.06, line, 0.07, -1, 0, 0, rng.uniform(0.4, 0.8)))
    if rng.random() < 0.5:  # Front pockets.
        marks.append((0.105, 0.055, 0.03, 0.05, -1, line, 1, rng.uniform(0.4, 0.8)))
    if rng.random() < 0.5:  # Back pockets.
        marks.append((0.075, 0.035, 0.04, 0.05, 1, line, 1, rng.uniform(0.4, 0.8)))
    return _with_marks(stuff, marks)


def _mark_top(rng: np.random.Generator, stuff: np.void, hem: float) -> None:
    """Give a top or a jacket a zip or buttons, pockets, a coloured band."""
    line = rng.uniform(0.002, 0.005)
    marks = []
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


def _shoe(rng: np.random.Generator) -> np.void:
    shoe = cloth(rng, pattern=Pattern.PLAIN if rng.random() < 0.7 else Pattern.BLOTCHES)
    shoe['gloss'] = rng.uniform(0, 0.3)
    shoe['fold'] = 0
    # A sole of another colour: shoes are cut by height below the ankle.
    return shoe


def _skin(rng: np.random.Generator, tone: Float32) -> np.void:
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


def _hair_stuff(rng: np.random.Generator, tone: Float32, long: bool) -> np.void:
    return material(
        tone,
        second=tone * np.float32(0.55),
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


def _lips(rng: np.random.Generator, tone: Float32) -> Float32:
    if rng.random() < 0.2:
        return linear(rng.uniform(-0.03, 0.03), rng.uniform(0.5, 0.9), rng.uniform(0.4, 0.8))
    shade = [rng.uniform(0.7, 1.0), rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.7)]
    return (tone * np.array(shade)).astype(np.float32)
