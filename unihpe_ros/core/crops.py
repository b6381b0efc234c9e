"""
Crops of people: from boxes to the network's input and back, through virtual cameras.

A person far from the image centre is seen rotated. The crop therefore looks through a virtual
camera that shares the real one's centre but is turned to face the box: pixels are warped by the
full homography, the network answers in the virtual camera's frame, and 3D is rotated back.

"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.aiming import aim, turn_rays
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.network_input import Normalisation
from unihpe_ros.core.preprocess import cuts, PADDING
from unihpe_ros.core.reduction import halved_from_crop, halvings_before

# Share of the crop at each edge; a keypoint there means that the person may go on outside.
_RIM = 0.03


@dataclass(frozen=True)
class Crops:
    """
    The virtual cameras that look at people of one image.

    B stands for one leading axis, or for none where there is a single crop.

    Parameters
    ----------
    camera : Camera
        The real camera.
    size : tuple[int, int]
        (w, h) of the network's input, px.
    virtual_from_camera : NDArray[np.float64]
        ``(B, 3, 3)`` rotations.
    focal : NDArray[np.float64]
        ``(B,)`` focal lengths of the virtual cameras, px; their principal point is `centre`.
    image_from_crop : NDArray[np.float64]
        ``(B, 3, 3)`` homographies of pixels; exact without distortion, else fitted around the
        centre.

    """

    camera: Camera
    size: tuple[int, int]
    virtual_from_camera: NDArray[np.float64]
    focal: NDArray[np.float64]
    image_from_crop: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.focal)

    def __getitem__(self, chosen: int | slice | NDArray[np.intp]) -> Crops:
        """Return some of the crops, or a single one."""
        return Crops(
            self.camera,
            self.size,
            self.virtual_from_camera[chosen],
            self.focal[chosen],
            self.image_from_crop[chosen],
        )

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
        camera, size, padding
            See `from_box`.

        Returns
        -------
        crops : Crops
            B <= N crops.
        made : NDArray[np.intp]
            ``(B,)`` row of each crop's box.

        """
        if not len(places):
            nothing = np.zeros((0, 3, 3))
            return cls(camera, size, nothing, np.zeros(0), nothing), np.zeros(0, np.intp)
        crowd = places.astype(np.float64)
        good = np.isfinite(crowd).all(-1) & (crowd[:, 2:] > crowd[:, :2]).all(-1)
        crowd[~good] = np.nan
        crops = cls(camera, size, *aim(crowd, camera, size, padding))
        made = np.flatnonzero(np.isfinite(crops.image_from_crop).all((1, 2)))
        return crops if len(made) == len(crowd) else crops[made], made

    @classmethod
    def from_box(
        cls,
        box: Array,
        camera: Camera,
        size: tuple[int, int],
        padding: float = PADDING,
        roll: float = 0.0,
    ) -> Crops:
        """
        Aim a single virtual camera at a box.

        Parameters
        ----------
        box : NDArray
            ``(4,)`` x0 y0 x1 y1 in the image, px.
        camera : Camera
            The real camera.
        size : tuple[int, int]
            (w, h) of the network's input, px.
        padding : float
            How much larger than the box the crop is.
        roll : float
            Angle by which the picture turns clockwise, rad; training's augmentation.

        Raises
        ------
        ValueError
            If the box is empty, not finite or beyond the lens's reach.

        """
        box = np.asarray(box, np.float64)
        if not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
            raise ValueError(f'box: expected finite x0 < x1, y0 < y1; got {box}')
        crops = cls(camera, size, *aim(box[None], camera, size, padding, roll))
        if not np.isfinite(crops.image_from_crop).all():
            raise ValueError(f"box: expected it within the lens's reach, and its crop; got {box}")
        return crops[0]

    @property
    def centre(self) -> NDArray[np.float64]:
        """``(2,)`` principal point of the virtual cameras, crop px."""
        return np.array([0.5 * (self.size[0] - 1), 0.5 * (self.size[1] - 1)])

    def halvings(self, image_size: tuple[int, int]) -> NDArray[np.intp]:
        """``(B,)`` how often an image of (w, h) px is halved before each crop reads it."""
        return halvings_before(self.image_from_crop, self.size, image_size)

    def reduced(self, factor: int) -> Crops:
        """Return the same crops in pixels of an image that is reduced by 2^n."""
        if factor == 1:
            return self
        smaller = halved_from_crop(self.image_from_crop, factor.bit_length() - 1)
        return replace(self, camera=self.camera.reduced(factor), image_from_crop=smaller)

    def cut(self, image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        """Yield the pixels of each crop, see `unihpe_ros.core.preprocess.cuts`."""
        return cuts(image, self.image_from_crop.reshape(-1, 3, 3), self.size)

    def warp(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the pixels of a single crop, ``(h, w, 3)`` or ``(h, w)`` as the image."""
        picture = next(self.cut(image))
        return picture if image.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR)

    def near_edge(self, points: Array) -> NDArray[np.bool_]:
        """``(..., K)`` Whether crop px ``(..., K, 2)`` lie at the rim of the crop."""
        share = (points + 0.5) / np.array(self.size)
        return ((share < _RIM) | (share > 1 - _RIM)).any(-1)

    def to_image(self, points: Array) -> Array:
        """Map ``(B, K, 2)`` crop px to image px."""
        return _apply(self.image_from_crop, points)

    def to_crop(self, points: Array) -> Array:
        """Map ``(B, K, 2)`` image px to crop px."""
        return _apply(np.linalg.inv(self.image_from_crop), points)

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
        return turn_rays(self.camera.rays(pixels), self.virtual_from_camera)

    def normalise(self, rays: Array) -> Array:
        """
        Scale ``(B, K, 2)`` virtual-camera rays by the crop: half the crop's height is 1.

        This is the lifting branch's input: it does not depend on the camera's resolution.

        """
        return rays * (self.focal / (0.5 * self.size[1]))[..., None, None]

    def normalised(self, points: Array) -> Array:
        """Return what `normalise` makes of the rays of ``(B, K, 2)`` crop px."""
        if not self.camera.is_distorted:
            # Mapping to the picture and back is exact, and the focal length cancels out.
            return (points - self.centre) / (0.5 * self.size[1])
        return self.normalise(self.rays(self.to_image(points)))

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
        return points @ self.virtual_from_camera


def _apply(homographies: Array, points: Array) -> Array:
    """Map ``(B, K, 2)`` points by ``(B, 3, 3)`` homographies."""
    turned = np.swapaxes(homographies[..., :2, :2], -1, -2)
    mapped = points @ turned + homographies[..., None, :2, 2]
    scale = points @ homographies[..., 2, :2, None] + homographies[..., None, 2, 2:]
    return mapped / scale


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
