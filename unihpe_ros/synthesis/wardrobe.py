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
from unihpe_ros.synthesis.fabrics import cloth, cloth_colour, hair_colour, skin_colour
from unihpe_ros.synthesis.materials import linear, Pattern
from unihpe_ros.synthesis.tailoring_details import (
    hair_stuff,
    lip_colour,
    mark_top,
    mostly_plain,
    shoe_leather,
    skin,
    trouser_cloth,
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
    mark_top(rng, top, hem)
    # No bare gap at the back when somebody bends.
    waist = max(rng.uniform(0.09, 0.17), min(hem + 0.06, 0.2))
    alike = bottom == 'dress' or rng.random() < 0.06
    bottom_cloth = top if alike else trouser_cloth(rng, waist)
    jacket_cloth = cloth(rng, pattern=mostly_plain(rng))
    mark_top(rng, jacket_cloth, 0.0)
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
        skin=skin(rng, skin_tone),
        top=top,
        bottom_cloth=bottom_cloth,
        jacket_cloth=jacket_cloth,
        shoe=shoe_leather(rng),
        sock=cloth(rng, pattern=Pattern.PLAIN if rng.random() < 0.6 else Pattern.STRIPES),
        hair_stuff=hair_stuff(rng, hair_tone, hair == 'long'),
        hat=cloth(rng, pattern=mostly_plain(rng)),
        skin_tone=skin_tone,
        hair_tone=hair_tone,
        lips=lip_colour(rng, skin_tone),
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
