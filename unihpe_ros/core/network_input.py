"""Compute the inputs of the networks: normalised pixels, and keypoints for lifting."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.model_spec import MISSING_SCORE, ModelSpec


class Normalisation:
    """
    Channel order, scale and offset from grey levels to a network's input.

    Parameters
    ----------
    spec : ModelSpec
        Channel order, means and deviations.

    Attributes
    ----------
    is_rgb : bool
        Whether the network reads red first.
    scale, offset : NDArray[np.float32]
        ``(3,)`` In the network's order: input = grey level * scale + offset.

    """

    def __init__(self, spec: ModelSpec) -> None:
        self.is_rgb = spec.channels == 'rgb'
        self.scale = np.float32(1) / np.array(spec.std, np.float32)
        self.offset = -np.array(spec.mean, np.float32) * self.scale
        self._order = (2, 1, 0) if self.is_rgb else (0, 1, 2)
        # What every grey level becomes in each plane: looking it up takes two thirds of the time
        # of computing it for every pixel.
        levels = np.arange(256, dtype=np.float32)[:, None] * self.scale + self.offset
        self._tables = list(np.ascontiguousarray(levels.T))

    def write(self, picture: NDArray[np.uint8], planes: NDArray[np.float32]) -> None:
        """Write a picture, ``(h, w, 3)`` BGR, into the ``(3, h, w)`` planes of an input."""
        channels = cv2.split(picture)
        for plane, source, table in zip(planes, self._order, self._tables, strict=True):
            cv2.LUT(channels[source], table, dst=plane)


def lifting_input(rays: Array, scores: Array | NDArray[np.bool_]) -> NDArray[np.float32]:
    """
    Return the input of the lifting branch; keypoints with very low scores count as missing.

    Parameters
    ----------
    rays : NDArray
        ``(..., K, 2)`` in a crop's virtual camera, scaled by the crop (`Crops.normalise`); NaN
        where unknown.
    scores : NDArray
        ``(..., K)`` in [0, 1], or whether the keypoint is known.

    Returns
    -------
    NDArray[np.float32]
        ``(..., K, 3)`` x, y and score; zeros where the score is below MISSING_SCORE or anything
        is not finite.

    """
    keypoints = np.concatenate([rays, scores[..., None]], -1, dtype=np.float32)
    there = np.isfinite(keypoints).all(-1) & (keypoints[..., 2] >= MISSING_SCORE)
    keypoints[~there] = 0
    return keypoints
