"""The bank of flat sprites, drawn once, and the kernel that pastes them into a picture."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numba
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.scenery.sprites import SPRITE_KINDS

Float32 = NDArray[np.float32]

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_SEED = 31
_TALL = 96
# How much of the light is gone under something.
_DARK = 0.6


@lru_cache(maxsize=1)
def _drawn() -> dict[str, list[tuple[Float32, ...]]]:
    return {
        kind: [_draw(kind, number) for number in range(count)]
        for kind, (_, _, _, count, _, _) in SPRITE_KINDS.items()
    }


def sprite(kind: str, number: int, tall: float) -> Float32:
    """
    Return a sprite in full size, a half or a quarter.

    Parameters
    ----------
    kind : str
        One of SPRITE_KINDS.
    number : int
        Which of them.
    tall : float
        How high it will be in the picture, px.

    Returns
    -------
    Float32
        ``(H, W, 4)`` Linear RGB, times how opaque it is, and that.

    """
    return _drawn()[kind][number][0 if tall > 60 else 1 if tall > 30 else 2]


@lru_cache(maxsize=1)
def soft_shadow() -> Float32:
    """``(16, 32, 4)`` Sprite of a soft shadow: dark in the middle, transparent at the edges."""
    y, x = np.meshgrid(np.linspace(-1, 1, 16), np.linspace(-1, 1, 32), indexing='ij')
    shadow = np.zeros((16, 32, 4), np.float32)
    shadow[..., 3] = _DARK * (1 - np.minimum(x**4 + y**2, 1)) ** 1.5
    return shadow


def lay(
    image: Float32,
    picture: Float32,
    seen: NDArray[np.float64],
    gain: Float32,
    add: Float32,
) -> None:
    """
    Paste a sprite into a picture, in place.

    Parameters
    ----------
    image : Float32
        ``(H, W, 3)`` The picture.
    picture : Float32
        ``(h, w, 4)`` The cut-out.
    seen : NDArray[np.float64]
        ``(3, 2)`` Where its upper corners and its lower left one come to, px.
    gain, add : Float32
        ``(3,)`` Change of its colours.

    """
    fourth = seen[1] + seen[2] - seen[0]
    every = np.vstack([seen, fourth])
    low = np.maximum(np.floor(every.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(every.max(0)) + 1, image.shape[1::-1]).astype(int)
    if (high <= low).any():
        return
    height, width = picture.shape[:2]
    shown = np.array([[0, 0], [width - 1, 0], [0, height - 1]], np.float32)
    matrix = cv2.getAffineTransform(seen.astype(np.float32), shown).astype(np.float32)
    _paste(image, picture, matrix, *low.tolist(), *high.tolist(), gain, add)


def _draw(kind: str, number: int) -> tuple[Float32, ...]:
    draw, _, wide, _, _, _ = SPRITE_KINDS[kind]
    rng = np.random.default_rng([_SEED, list(SPRITE_KINDS).index(kind), number])
    image = np.zeros((_TALL, max(int(_TALL * wide), 8), 4), np.float32)
    draw(rng, image)
    grain = cv2.resize(
        rng.random((12, 12)).astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_CUBIC
    )
    grain += 0.5 * rng.random(image.shape[:2], dtype=np.float32)
    left, right = rng.permutation([0.6, 1.15])
    side = np.linspace(left, right, image.shape[1], dtype=np.float32)
    image[..., :3] *= (side * (0.5 + 0.66 * grain))[..., None] * image[..., 3:]
    image = cv2.GaussianBlur(image, (0, 0), 0.7)
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return image, half, cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


@jit
def _between(picture, a, b, p, q, k):  # type: ignore[no-untyped-def]
    """Return the value of a channel at (a + p, b + q), interpolated."""
    above = picture[b, a, k] + (picture[b, a + 1, k] - picture[b, a, k]) * p
    below = picture[b + 1, a, k] + (picture[b + 1, a + 1, k] - picture[b + 1, a, k]) * p
    return above + (below - above) * q


@jit
def _paste(image, picture, matrix, x0, y0, x1, y1, gain, add):  # type: ignore[no-untyped-def]
    """
    Paste a sprite into a part of a picture, in place.

    `matrix` ``(2, 3)`` leads from the picture's pixels to the cut-out's; `gain` and `add` change
    its colours.

    """
    height, width = picture.shape[0], picture.shape[1]
    for j in range(y0, y1):
        for i in range(x0, x1):
            u = matrix[0, 0] * np.float32(i) + matrix[0, 1] * np.float32(j) + matrix[0, 2]
            v = matrix[1, 0] * np.float32(i) + matrix[1, 1] * np.float32(j) + matrix[1, 2]
            if u < 0 or v < 0 or u >= width - 1 or v >= height - 1:
                continue
            a, b = int(u), int(v)
            p, q = u - np.float32(a), v - np.float32(b)
            opaque = _between(picture, a, b, p, q, 3)
            if opaque < np.float32(0.004):
                continue
            for k in range(3):
                colour = _between(picture, a, b, p, q, k) * gain[k] + opaque * add[k]
                image[j, i, k] += colour - opaque * image[j, i, k]
