"""Materials as records that the shading kernel reads: colours, pattern, folds, gloss."""

from __future__ import annotations

from collections.abc import Iterable
import colorsys
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


class Pattern(IntEnum):
    """Pattern of the second colour on the first."""

    PLAIN = 0
    STRIPES = 1
    CHECKS = 2
    BLOTCHES = 3
    DOTS = 4
    CHEST_PRINT = 5
    GRADIENT = 6
    WEAVE = 7
    BRICKS = 8
    PICTURE = 9


MAX_MARKS = 6

MATERIAL = np.dtype(
    [
        ('pattern', 'i4'),
        ('base', 'f4', 3),  # Linear colour.
        ('second', 'f4', 3),
        ('frequency', 'f4'),  # Of the pattern, 1/m.
        ('direction', 'f4', 3),  # Of stripes.
        ('phase', 'f4'),
        ('threshold', 'f4'),
        ('print_box', 'f4', 4),  # Of a chest print: x, z, half width, half height, m.
        ('trim', 'f4', 3),  # Colour along a garment's edge,
        ('trim_width', 'f4'),  # and its width in units of the garment's cover value.
        # Up to six boxes drawn on the cloth: a zip, pockets, a belt. Each is x, z, half width,
        # half height, side (-1 front, 1 back, 0 both), width of its outline (0: filled), 1 if
        # mirrored to the other side of the body, and shade (negative: in the trim's colour).
        ('marks', 'f4', (MAX_MARKS, 8)),
        ('mark_count', 'i4'),
        ('mottle', 'f4'),  # Strength and 1/m of large and of small unevenness.
        ('mottle_scale', 'f4'),
        ('grain', 'f4'),
        ('grain_scale', 'f4'),
        ('painted', 'f4'),  # How much of the vertices' own colour shows.
        ('bump', 'f4'),
        ('bump_scale', 'f4'),
        ('fold', 'f4'),
        ('fold_scale', 'f4'),
        ('fold_stretch', 'f4', 3),  # How much faster folds change along x, y and z.
        ('fold_edge', 'f4'),  # 1 for soft folds, more for creases.
        ('picture', 'i4'),  # Of the atlas, for PICTURE and CHEST_PRINT.
        ('wrap', 'f4'),  # Light that creeps round (skin).
        ('gloss', 'f4'),
        ('shininess', 'f4'),
        ('rim', 'f4'),
    ]
)


def linear(hue: float, saturation: float, value: float) -> Float32:
    """``(3,)`` Linear RGB of a display colour given as HSV."""
    rgb = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return np.array([channel**2.2 for channel in rgb], np.float32)


def stack(records: Iterable[np.void | NDArray[np.void]]) -> NDArray[np.void]:
    """``(M,)`` Material records as one array."""
    return np.frombuffer(b''.join(record.tobytes() for record in records), MATERIAL)


def material(colour: Float32, **changes: Any) -> np.void:
    """
    Return a material record: matt and plain unless other values are given.

    Parameters
    ----------
    colour : Float32
        ``(3,)`` Linear colour.
    **changes
        Other fields of MATERIAL.

    Returns
    -------
    np.void
        A MATERIAL record.

    """
    record: np.void = np.zeros(1, MATERIAL)[0]
    record['base'] = record['second'] = colour
    record['mottle_scale'] = record['grain_scale'] = record['bump_scale'] = 10
    record['fold_scale'] = 10
    record['shininess'] = 10
    record['fold_stretch'], record['fold_edge'] = 1, 4
    for name, value in changes.items():
        record[name] = value
    return record
