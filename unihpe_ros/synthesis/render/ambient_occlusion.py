"""Screen-space ambient occlusion: what lies deeper than its surroundings is darker."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

jit = numba.njit(cache=True, fastmath=True, nogil=True)

_ZERO = np.float32(0)
_ONE = np.float32(1)
_OCCLUSION_REACH = 0.05
# Creases are looked for on blocks of so many pixels.
_CREASE_STEP = 4


def darken_creases(picture: Float32, depth: Float32, focal: float) -> None:
    """Darken what lies deeper than its surroundings, in place."""
    small, share, typical = _mean_distances(depth, 2 * _CREASE_STEP)
    if typical == 0:
        return
    sigma = max(_OCCLUSION_REACH * focal / typical / _CREASE_STEP, 0.8)
    around = cv2.GaussianBlur(small, (0, 0), sigma) / np.maximum(
        cv2.GaussianBlur(share, (0, 0), sigma), 1e-3
    )
    height, width = picture.shape[:2]
    around = cv2.resize(around, (width, height), interpolation=cv2.INTER_LINEAR)
    _darken_behind(picture, depth, around)


@jit
def _mean_distances(depth, step):  # type: ignore[no-untyped-def]
    """
    Return mean distances over square blocks of a depth buffer, m.

    Returns them, the share of each block that is drawn, and the mean distance of what is.

    """
    rows, columns = -(-depth.shape[0] // step), -(-depth.shape[1] // step)
    sums = np.zeros((rows, columns), np.float32)
    share = np.zeros((rows, columns), np.float32)
    total, count = 0.0, 0
    per = np.float32(4) / np.float32(step * step)
    for j in range(0, depth.shape[0], 2):
        for i in range(0, depth.shape[1], 2):
            q = depth[j, i]
            if q > 0:
                sums[j // step, i // step] += per / q
                share[j // step, i // step] += per
                total += _ONE / q
                count += 1
    return sums, share, total / max(count, 1)


@jit
def _darken_behind(picture, depth, around):  # type: ignore[no-untyped-def]
    """Darken, in place, what is further away than what is `around` it, m, on average."""
    for j in range(picture.shape[0]):
        for i in range(picture.shape[1]):
            q = depth[2 * j, 2 * i]
            if q > 0:
                behind = (_ONE / q - around[j, i]) * np.float32(6)
                bright = _ONE - min(max(behind, _ZERO), np.float32(0.5))
                for k in range(3):
                    picture[j, i, k] *= bright
