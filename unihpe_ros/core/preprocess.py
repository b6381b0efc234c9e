"""
From a box in the image to the network's input and back, through the crop's virtual camera.

A person far from the image centre is seen rotated. The crop therefore looks through a virtual
camera that shares the real one's centre but is turned to face the box: pixels are warped by the
full homography, the network answers in the virtual camera's frame, and 3D is rotated back.

"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.aiming import aim, turn_rays
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.reduction import (
    halved_from_crop,
    halvings_before,
    parts_read,
    reduced_part,
)
from unihpe_ros.core.skeleton import Skeleton

# Share of the box's extent by which the crop is larger than the person.
PADDING = 1.25


@dataclass(frozen=True)
class Crop:
    """
    The virtual camera that looks at one person.

    Parameters
    ----------
    camera : Camera
        The real camera.
    size : tuple[int, int]
        (w, h) of the network's input, px.
    virtual_from_camera : NDArray[np.float64]
        ``(3, 3)`` rotation.
    focal : float
        Focal length of the virtual camera, px; its principal point is the crop's centre.
    image_from_crop : NDArray[np.float64]
        ``(3, 3)`` homography of pixels; exact without distortion, else fitted around the centre.

    """

    camera: Camera
    size: tuple[int, int]
    virtual_from_camera: NDArray[np.float64]
    focal: float
    image_from_crop: NDArray[np.float64]

    @classmethod
    def from_box(
        cls,
        box: Array,
        camera: Camera,
        size: tuple[int, int],
        padding: float = PADDING,
        roll: float = 0.0,
    ) -> Crop:
        """
        Aim a virtual camera at a box.

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
        turns, focals, homographies = aim(box[None], camera, size, padding, roll)
        if not np.isfinite(homographies).all():
            raise ValueError(f"box: expected it within the lens's reach, and its crop; got {box}")
        return cls(camera, size, turns[0], float(focals[0]), homographies[0])

    @property
    def centre(self) -> NDArray[np.float64]:
        """``(2,)`` principal point of the virtual camera, crop px."""
        return np.array([0.5 * (self.size[0] - 1), 0.5 * (self.size[1] - 1)])

    def warp(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """
        Cut the crop out of an image.

        Strong reductions are made in steps, halving by area first, so that detail does not alias;
        what lies outside the image is black.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)`` or ``(H, W)``.

        Returns
        -------
        NDArray[np.uint8]
            ``(h, w, 3)`` or ``(h, w)``.

        """
        picture = next(cuts(image, self.image_from_crop[None], self.size))
        return picture if image.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR)

    def to_image(self, points: Array) -> Array:
        """Map ``(..., 2)`` crop px to image px."""
        return _apply(self.image_from_crop, points)

    def to_crop(self, points: Array) -> Array:
        """Map ``(..., 2)`` image px to crop px."""
        return _apply(np.linalg.inv(self.image_from_crop), points)

    def rays(self, points: Array) -> Array:
        """
        Return the viewing directions of image points in the virtual camera.

        Parameters
        ----------
        points : NDArray
            ``(..., 2)`` image px.

        Returns
        -------
        NDArray
            ``(..., 2)`` x/z, y/z in the virtual camera.

        """
        return turn_rays(self.camera.rays(points), self.virtual_from_camera)

    def normalise(self, rays: Array) -> Array:
        """
        Scale virtual-camera rays by the crop: half the crop's height is 1.

        This is the lifting branch's input: it does not depend on the camera's resolution.

        """
        return rays * (self.focal / (0.5 * self.size[1]))

    def to_camera(self, points: Array) -> Array:
        """Rotate ``(..., 3)`` points from the virtual into the real camera's frame."""
        return points @ self.virtual_from_camera


def cuts(
    image: NDArray[np.uint8], image_from_crop: Array, size: tuple[int, int]
) -> Iterator[NDArray[np.uint8]]:
    """
    Cut crops out of an image, see `Crop.warp`.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` or ``(H, W)``.
    image_from_crop : NDArray
        ``(B, 3, 3)`` homographies of pixels.
    size : tuple[int, int]
        (w, h) of the crops, px.

    Yields
    ------
    NDArray[np.uint8]
        ``(h, w, 4)`` of which the last channel means nothing, or ``(h, w)``.

    """
    image_size = image.shape[1], image.shape[0]
    halvings = halvings_before(image_from_crop, size, image_size)
    places = parts_read(image_from_crop, size, image_size, halvings)
    part_from_crop = halved_from_crop(image_from_crop, halvings)
    part_from_crop[:, :2] -= places[:, :2, None] * part_from_crop[:, 2:]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for times, place, homography in zip(
        halvings.tolist(), places.tolist(), part_from_crop, strict=True
    ):
        part = reduced_part(image, place, times)
        if image.ndim == 3:
            # OpenCV 5 warps four channels in little more than half of the time of three.
            part = cv2.cvtColor(part, cv2.COLOR_BGR2BGRA)
        yield cv2.warpPerspective(part, homography, size, flags=flags)


def _apply(homography: Array, points: Array) -> Array:
    mapped = points @ homography[:2, :2].T + homography[:2, 2]
    scale = points @ homography[2, :2] + homography[2, 2]
    return mapped / scale[..., None]


def mirror(points: Array, skeleton: Skeleton, width: float | None = None) -> Array:
    """
    Mirror a person: swap left and right keypoints and negate (or reflect) x.

    Parameters
    ----------
    points : NDArray
        ``(..., K, D)`` m or px.
    skeleton : Skeleton
        The set of `points`.
    width : float, optional
        Image width, px, for pixel positions; without it x is negated.

    """
    mirrored = points[..., skeleton.flip_indices, :].copy()
    mirrored[..., 0] = -mirrored[..., 0] if width is None else width - 1 - mirrored[..., 0]
    return mirrored
