"""The border of the photograph that a crop is cut from; what lies beyond it is black."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

_CUT = 0.18
# Probability that the photograph ends at the edge of a box around a part of the body.
_CUT_BODY = 0.4
# Probabilities of the lower, upper, left and right edge to be near.
_SIDES = (0.58, 0.1, 0.16, 0.16)
_TWO_SIDES = 0.15


def sample_border(
    rng: np.random.Generator, aim: Float32, size: tuple[int, int], body: Float32
) -> Float32:
    """
    Return a random border of the photograph around a person's box.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    aim : Float32
        ``(4,)`` The box, px.
    size : tuple[int, int]
        (w, h) of the stored picture, px.
    body : Float32
        ``(4,)`` Box of the whole body, px: it is more likely that the photograph ends where it
        goes on beyond `aim`.

    Returns
    -------
    Float32
        ``(4,)`` x0 y0 x1 y1, px: the stored picture, or less where the photograph ends at
        the box.

    """
    edges = np.array([0, 0, *size], np.float32)
    far = 0.1 * (aim[3] - aim[1])
    near = np.array([body[3] > aim[3] + far, body[1] < aim[1] - far, False, False])
    near &= rng.random() < _CUT_BODY
    if rng.random() < _CUT:
        count = 2 if rng.random() < _TWO_SIDES else 1
        near |= np.isin(np.arange(4), rng.choice(4, count, p=_SIDES))
    slack = np.abs(rng.normal(0, 0.02, 4)) * (aim[3] - aim[1])
    if near[0]:
        edges[3] = min(edges[3], aim[3] + slack[0])
    if near[1]:
        edges[1] = max(edges[1], aim[1] - slack[1])
    if near[2]:
        edges[0] = max(edges[0], aim[0] - slack[2])
    if near[3]:
        edges[2] = min(edges[2], aim[2] + slack[3])
    return np.rint(edges)


def inside_border(shape: tuple[int, int], edges: Float32) -> NDArray[np.bool_]:
    """``(H, W)`` Mask of the pixels inside the photograph."""
    x0, y0, x1, y1 = edges.astype(int)
    inside = np.zeros(shape, bool)
    inside[y0:y1, x0:x1] = True
    return inside


def blacken_outside(image: NDArray[np.uint8], edges: Float32) -> None:
    """Make the pixels outside the photograph black, in place."""
    image[~inside_border(image.shape[:2], edges)] = 0


def outside_border(seen: NDArray[np.floating], edges: Float32) -> NDArray[np.bool_]:
    """``(K,)`` Mask of the points ``(K, 2)``, px, that lie outside the photograph."""
    low, high = edges[:2] - 0.5, edges[2:] - 0.5
    return np.asarray(~((seen >= low) & (seen < high)).all(-1))
