"""From grey levels to what a network reads."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.model_spec import ModelSpec


class Normalisation:
    """
    What a network's input is made of grey levels by: their order, and a line for each channel.

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

    def write(self, picture: NDArray[np.uint8], planes: NDArray[np.float32]) -> None:
        """Write a picture, ``(h, w, 3)`` BGR, into the ``(3, h, w)`` planes of an input."""
        channels = cv2.split(picture)
        for plane, source in zip(planes, self._order, strict=True):
            plane[...] = channels[source]
        planes *= self.scale[:, None, None]
        planes += self.offset[:, None, None]
