"""The crops of one frame as arrays, so that people are handled together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.aiming import aim, turn_rays
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.network_input import Normalisation
from unihpe_ros.core.preprocess import Crop, cuts
from unihpe_ros.core.reduction import halved_from_crop, halvings_before

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
        crowd = places.astype(np.float64)
        good = np.isfinite(crowd).all(-1) & (crowd[:, 2:] > crowd[:, :2]).all(-1)
        crowd[~good] = np.nan
        turns, focals, homographies = aim(crowd, camera, size, padding)
        made = np.flatnonzero(np.isfinite(homographies).all((1, 2)))
        crops = [
            Crop(camera, size, turns[row], float(focals[row]), homographies[row]) for row in made
        ]
        return cls(crops, camera, size), made

    def select(self, chosen: NDArray[np.intp]) -> Crops:
        """Return some of the crops."""
        return Crops([self.crops[index] for index in chosen], self.camera, self.size)

    def halvings(self, image_size: tuple[int, int]) -> NDArray[np.intp]:
        """``(B,)`` how often an image of (w, h) px is halved before each crop reads it."""
        return halvings_before(self._image_from_crop, self.size, image_size)

    def reduced(self, factor: int) -> Crops:
        """Return the same crops of the same picture, of which there is an image reduced by 2^n."""
        if factor == 1:
            return self
        camera = self.camera.reduced(factor)
        smaller = halved_from_crop(self._image_from_crop, factor.bit_length() - 1)
        crops = [
            replace(crop, camera=camera, image_from_crop=homography)
            for crop, homography in zip(self.crops, smaller, strict=True)
        ]
        return Crops(crops, camera, self.size)

    def cut(self, image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        """Yield what each crop shows of an image, see `unihpe_ros.core.preprocess.cuts`."""
        return cuts(image, self._image_from_crop, self.size)

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
        return turn_rays(self.camera.rays(pixels), self.turns)

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
        self._normalisation = Normalisation(spec)
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
        count = sum(len(crops) for _, crops in views)
        if count > len(self._buffer):
            self._buffer = np.empty((count, *self._buffer.shape[1:]), np.float32)
        pictures = (picture for image, crops in views for picture in crops.cut(image))
        for planes, picture in zip(self._buffer, pictures, strict=False):
            self._normalisation.write(picture, planes)
        return self._buffer[:count]
