"""Scale an image into the detector's input, and map boxes back to the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.network_input import Normalisation


@dataclass(frozen=True)
class Letterbox:
    """
    A picture of any size, fitted into the network's input with its proportions kept.

    Parameters
    ----------
    image_size : tuple[int, int]
        (w, h) of the picture, px.
    size : tuple[int, int]
        (w, h) of the network's input, px.

    Raises
    ------
    ValueError
        If the picture is empty.

    """

    image_size: tuple[int, int]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        if min(self.image_size) < 1:
            raise ValueError(f'image: expected at least one pixel; got {self.image_size}')

    @property
    def inner(self) -> tuple[int, int]:
        """(w, h) of the fitted picture, px."""
        scale = min(self.size[0] / self.image_size[0], self.size[1] / self.image_size[1])
        w, h = (max(round(extent * scale), 1) for extent in self.image_size)
        return w, h

    @property
    def offset(self) -> tuple[int, int]:
        """(x, y) of the fitted picture's top-left pixel in the network's input, px."""
        w, h = self.inner
        return (self.size[0] - w) // 2, (self.size[1] - h) // 2

    def to_image(self, boxes: Array) -> Array:
        """Map ``(N, 4)`` boxes of the network's input to px of the image."""
        return (boxes - np.tile(self.offset, 2) + 0.5) / self._scale - 0.5

    @property
    def _scale(self) -> NDArray[np.float64]:
        return np.tile(np.array(self.inner) / np.array(self.image_size), 2)

    def fit(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Scale ``(H, W, 3)`` to `inner`: by area where it shrinks, halving first."""
        w, h = self.inner
        while image.shape[1] >= 4 * w and image.shape[0] >= 4 * h:
            # Halving is an order of magnitude faster in OpenCV than one step by another factor.
            half = (image.shape[1] // 2, image.shape[0] // 2)
            image = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
        shrinks = image.shape[1] > w
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(image, (w, h), interpolation=way), np.uint8)


class InputPicture:
    """
    The detector's input, filled anew for every picture; what the picture leaves free is zero.

    Parameters
    ----------
    spec : ModelSpec
        Input size, channel order and normalisation.

    """

    def __init__(self, spec: ModelSpec) -> None:
        self._normalisation = Normalisation(spec)
        self.size = spec.input_size
        self._buffer = np.zeros((1, 3, self.size[1], self.size[0]), np.float32)
        self._inner = (0, 0)

    def fill(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Letterbox]:
        """
        Fit a picture in and normalise it.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)`` BGR.

        Returns
        -------
        input : NDArray[np.float32]
            ``(1, 3, h, w)``; overwritten by the next call.
        letterbox : Letterbox
            Where the picture is in it.

        """
        letterbox = Letterbox((image.shape[1], image.shape[0]), self.size)
        (w, h), (x, y) = letterbox.inner, letterbox.offset
        if letterbox.inner != self._inner:
            self._buffer[:] = 0
            self._inner = letterbox.inner
        inner = self._buffer[0, :, y : y + h, x : x + w]
        self._normalisation.write(letterbox.fit(image), inner)
        return self._buffer, letterbox
