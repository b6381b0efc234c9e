"""SimCC: a keypoint's x and y as two classifications over fine bins (Li et al., ECCV 2022)."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from unihpe_ros.core.geometry import Array

# What counts as one place: this share of the crop's height to either side of its middle. It is
# about 0.2 of a torso, so that a score is the chance of being right within that
# (docs/training.md).
_PLACE = 14 / 384
# What is so much less likely than the highest bin adds nothing to any sum.
_LEAST_LOGIT = -60.0


def encode(positions: Array, bins: int, ratio: float, sigma: float) -> NDArray[np.float32]:
    """
    Turn coordinates along one axis into target distributions.

    Parameters
    ----------
    positions : NDArray
        ``(..., K)`` coordinate, crop px.
    bins : int
        Number of bins, input extent times `ratio`.
    ratio : float
        Bins per pixel.
    sigma : float
        Standard deviation of the Gaussian label, bins.

    Returns
    -------
    NDArray[np.float32]
        ``(..., K, bins)`` rows that sum to 1, or to 0 where the coordinate is not finite or lies
        more than three sigma outside.

    """
    centre = (positions[..., None] + 0.5) * ratio - 0.5
    distance = np.arange(bins) - centre
    inside = np.isfinite(centre) & (centre > -3 * sigma) & (centre < bins - 1 + 3 * sigma)
    target = np.where(inside, np.exp(-0.5 * (np.where(inside, distance, 0) / sigma) ** 2), 0.0)
    total = target.sum(-1, keepdims=True)
    return (target / np.where(total > 0, total, 1)).astype(np.float32)


def window(bins_y: int) -> int:
    """Return the half width, bins, of the window whose most probable position `decode` takes."""
    return max(1, round(_PLACE * bins_y))


def decode(
    simcc_x: Array, simcc_y: Array, ratio: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Read keypoints out of SimCC logits with sub-bin precision.

    Of all places as wide as `window` the most probable is taken, and averaged with its own
    probabilities: unlike the highest bin it is not moved by one bin's noise, unlike a full
    soft-argmax it is not drawn to the middle.

    Parameters
    ----------
    simcc_x, simcc_y : NDArray
        ``(B, K, W * ratio)`` and ``(B, K, H * ratio)`` logits.
    ratio : float
        Bins per pixel.

    Returns
    -------
    keypoints : NDArray[np.float32]
        ``(B, K, 2)`` crop px.
    scores : NDArray[np.float32]
        ``(B, K)`` in [0, 1]: geometric mean of the two axes' probability of that place.

    """
    reach = window(simcc_y.shape[-1])
    x, mass_x = _decode_axis(simcc_x, ratio, reach)
    y, mass_y = _decode_axis(simcc_y, ratio, reach)
    return np.stack([x, y], -1), np.sqrt(mass_x * mass_y)


def read_keypoints(
    answer: Mapping[str, Array], ratio: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Return keypoints and scores from the image branch's output, in evaluation as on the robot.

    Parameters
    ----------
    answer : Mapping[str, NDArray]
        'simcc_x', 'simcc_y' as for `decode`, and 'visibility' ``(B, K)`` logits of being inside
        the crop.
    ratio : float
        Bins per pixel.

    Returns
    -------
    keypoints : NDArray[np.float32]
        ``(B, K, 2)`` crop px.
    scores : NDArray[np.float32]
        ``(B, K)`` in [0, 1]: SimCC's, times the chance of being inside the crop.

    """
    keypoints, scores = decode(answer['simcc_x'], answer['simcc_y'], ratio)
    return keypoints, scores * expit(answer['visibility'])


def _decode_axis(
    logits: Array, ratio: float, reach: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    bins, offsets = logits.shape[-1], np.arange(-reach, reach + 1)
    flat, shape = logits.reshape(-1, bins), logits.shape[:-1]
    if not len(flat):
        return np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    # Beyond either end nothing is probable.
    padded = np.zeros((len(flat), bins + 2 * reach), flat.dtype)
    odds = padded[:, reach : reach + bins]
    # OpenCV's is exact to 7e-6, four times as fast as NumPy's, and slow below the floor.
    cv2.exp(np.maximum(flat - flat.max(-1, keepdims=True), _LEAST_LOGIT), odds)
    # Of every place the mass: what lies within reach of its middle.
    width = (2 * reach + 1, 1)
    masses = cv2.boxFilter(padded, -1, width, normalize=False, borderType=cv2.BORDER_CONSTANT)
    middle = masses[:, reach : reach + bins].argmax(-1)
    weight = padded[np.arange(len(flat))[:, None], middle[:, None] + (offsets + reach)]
    mass = weight.sum(-1)
    position = middle + weight @ offsets.astype(weight.dtype) / mass
    x, share = (position + 0.5) / ratio - 0.5, mass / odds.sum(-1)
    return x.reshape(shape).astype(np.float32), share.reshape(shape).astype(np.float32)
