"""The crops of one frame as arrays, so that people are handled together."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.preprocess import Crop

# Share of the crop's extent at either end where a person is taken to go on outside.
_RIM = 0.03


class Crops:
    """
    The virtual cameras that look at the people of one frame.

    Parameters
    ----------
    crops : Sequence[Crop]
        B crops of one camera and size.
    camera : Camera
        The real camera.
    size : tuple[int, int]
        (w, h) of the network's input, px.

    Attributes
    ----------
    turns : NDArray[np.float64]
        ``(B, 3, 3)`` rotations virtual_from_camera.

    """

    def __init__(self, crops: Sequence[Crop], camera: Camera, size: tuple[int, int]) -> None:
        self.crops = list(crops)
        self.camera = camera
        self.size = size
        b = len(self.crops)
        homographies = np.array([crop.image_from_crop for crop in crops]).reshape(b, 3, 3)
        rotations = np.array([crop.virtual_from_camera for crop in crops]).reshape(b, 3, 3)
        self._image_from_crop: NDArray[np.float64] = homographies
        self.turns: NDArray[np.float64] = rotations
        self._focal = np.array([crop.focal for crop in crops], np.float64)

    def __len__(self) -> int:
        return len(self.crops)

    @classmethod
    def aim(
        cls, places: Array, camera: Camera, size: tuple[int, int], padding: float
    ) -> tuple[Crops, NDArray[np.intp]]:
        """
        Aim at boxes, leaving out those beyond what the lens model reaches.

        Parameters
        ----------
        places : NDArray
            ``(N, 4)`` boxes in the image, px.
        camera : Camera
            The real camera.
        size : tuple[int, int]
            (w, h) of the network's input, px.
        padding : float
            How much larger than its box a crop is.

        Returns
        -------
        crops : Crops
            B <= N crops.
        made : NDArray[np.intp]
            ``(B,)`` row of each crop's box.

        """
        crops, made = [], []
        for row, box in enumerate(places):
            try:
                crops.append(Crop.from_box(box, camera, size, padding))
            except ValueError:
                continue
            made.append(row)
        return cls(crops, camera, size), np.array(made, np.intp)

    def select(self, chosen: NDArray[np.intp]) -> Crops:
        """Return some of the crops."""
        return Crops([self.crops[index] for index in chosen], self.camera, self.size)

    def near_edge(self, points: Array) -> NDArray[np.bool_]:
        """``(..., K)`` Whether crop px ``(..., K, 2)`` lie at the rim of the crop."""
        share = (points + 0.5) / np.array(self.size)
        return ((share < _RIM) | (share > 1 - _RIM)).any(-1)

    def to_image(self, points: Array) -> Array:
        """Map ``(B, K, 2)`` crop px to image px."""
        matrix = self._image_from_crop
        mapped = points @ np.swapaxes(matrix[:, :2, :2], 1, 2) + matrix[:, None, :2, 2]
        scale = points @ matrix[:, 2, :2, None] + matrix[:, None, 2, 2:]
        return mapped / scale

    def rays(self, pixels: Array) -> Array:
        """
        Return the viewing directions of image points in the virtual cameras.

        Parameters
        ----------
        pixels : NDArray
            ``(B, K, 2)`` image px.

        Returns
        -------
        NDArray
            ``(B, K, 2)`` x/z, y/z; NaN where `pixels` is, or behind the virtual camera.

        """
        rotation = self.turns
        rays = self.camera.rays(pixels)
        turned = rays @ np.swapaxes(rotation[:, :, :2], 1, 2) + rotation[:, None, :, 2]
        ahead = np.where(turned[..., 2:] > 1e-6, turned[..., 2:], np.nan)
        return turned[..., :2] / ahead

    def normalise(self, rays: Array) -> Array:
        """Scale virtual-camera rays by the crop: half the crop's height is 1."""
        return rays * (self._focal / (0.5 * self.size[1]))[:, None, None]

    def project(self, points: Array) -> Array:
        """
        Project points of the virtual cameras into the image.

        Parameters
        ----------
        points : NDArray
            ``(B, K, 3)`` m, virtual cameras' frames.

        Returns
        -------
        NDArray
            ``(B, K, 2)`` image px; NaN where a point is not in front of the camera.

        """
        return self.camera.project(self.to_camera(points))

    def to_camera(self, points: Array) -> Array:
        """Rotate ``(B, K, 3)`` points from the virtual cameras into the real camera's frame."""
        return points @ self.turns


class InputBatch:
    """
    The image branch's input, filled anew for every frame.

    Parameters
    ----------
    spec : ModelSpec
        Input size, channel order and normalisation.

    """

    def __init__(self, spec: ModelSpec) -> None:
        scale = 1 / np.array(spec.std, np.float32)
        offset = -np.array(spec.mean, np.float32) * scale
        self._order = (2, 1, 0) if spec.channels == 'rgb' else (0, 1, 2)
        self._scale, self._offset = list(scale), list(offset)
        w, h = spec.input_size
        self._buffer = np.empty((1, 3, h, w), np.float32)

    def fill(self, views: Sequence[tuple[NDArray[np.uint8], Crops]]) -> NDArray[np.float32]:
        """
        Cut every crop out of its image and normalise it.

        Parameters
        ----------
        views : Sequence[tuple[NDArray[np.uint8], Crops]]
            Images ``(H, W, 3)`` BGR, and where to cut them.

        Returns
        -------
        NDArray[np.float32]
            ``(B, 3, h, w)`` in the order of the views; overwritten by the next call.

        """
        chosen = [(image, crop) for image, crops in views for crop in crops.crops]
        if len(chosen) > len(self._buffer):
            self._buffer = np.empty((len(chosen), *self._buffer.shape[1:]), np.float32)
        for planes, (image, crop) in zip(self._buffer, chosen, strict=False):
            channels = cv2.split(crop.warp(image))
            for plane, source, scale, offset in zip(
                planes, self._order, self._scale, self._offset, strict=True
            ):
                np.multiply(channels[source], scale, out=plane, dtype=np.float32)
                plane += offset
        return self._buffer[: len(chosen)]
