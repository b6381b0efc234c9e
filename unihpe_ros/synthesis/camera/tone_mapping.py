"""Numba kernel from linear light to display values: vignette, glare, tone curve, colour."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

# The square root of the light above which everything is white.
CURVE_END = 2.0

_ONE = np.float32(1)


@numba.njit(cache=True, fastmath=True, nogil=True)
def tone_map(
    picture: Float32,
    exposure: float,
    vignette: float,
    veil: Float32,
    curve: Float32,
    saturation: float,
    tint: Float32,
) -> Float32:
    """
    Write the display values of a linear picture.

    Parameters
    ----------
    picture : Float32
        ``(H, W, 3)`` Linear RGB.
    exposure, vignette, saturation : float
        As in Lens.
    veil, tint : Float32
        ``(3,)`` As in Lens.
    curve : Float32
        ``(N,)`` Brightness of light whose square root goes from 0 to CURVE_END.

    Returns
    -------
    Float32
        ``(H, W, 3)``.

    """
    image = np.empty_like(picture)
    height, width = picture.shape[0], picture.shape[1]
    last = curve.shape[0] - 1
    scale = np.float32(last / CURVE_END)
    for j in range(height):
        y = np.float32(2 * j) / np.float32(max(height - 1, 1)) - _ONE
        for i in range(width):
            x = np.float32(2 * i) / np.float32(max(width - 1, 1)) - _ONE
            gain = exposure * (_ONE - vignette * (x * x + y * y) * np.float32(0.5))
            grey = np.float32(0)
            for k in range(3):
                # Stray light, mist: it lifts the dark and takes contrast.
                light = picture[j, i, k] * gain * (_ONE - veil[k]) + np.float32(0.5) * veil[k]
                place = np.sqrt(max(light, np.float32(0))) * scale
                below = min(int(place), last - 1)
                share = min(place - np.float32(below), _ONE)
                value = curve[below] + (curve[below + 1] - curve[below]) * share
                image[j, i, k] = value
                grey += value
            grey *= np.float32(1 / 3)
            for k in range(3):
                image[j, i, k] = (grey + (image[j, i, k] - grey) * saturation) * tint[k]
    return image
