"""
The clothes, hair and face of one person, as numbers and materials.

Places on the body are given on the average body: heights are its z in m (soles -0.82, hip joint
0.05, shoulder 0.53, crown 0.85), sleeves run from 0 at the shoulder to 1 at the wrist (0.5 is the
elbow), trouser legs from 0 at the hip to 1 at the ankle.

"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Outfit:
    """
    Clothes, hair and face of one person.

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
    drape : float
        How much the top hangs down from chest and belly instead of following the body, 0 to 1.
    leg_cut, sleeve_cut : float
        Radius that trouser legs and sleeves have where the limb is thinner, m.
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
    worn : Mapping[str, np.void]
        What accessories.WORN are worn, and their materials.

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
    drape: float
    leg_cut: float
    sleeve_cut: float
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
    worn: Mapping[str, np.void]
