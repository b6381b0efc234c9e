"""
From a box in the image to the network's input and back, through the crop's virtual camera.

A person far from the image centre is seen rotated. The crop therefore looks through a virtual
camera that shares the real one's centre but is turned to face the box: pixels are warped by the
full homography, the network answers in the virtual camera's frame, and 3D is rotated back.

"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array, Camera, rotation_to_axis
from unihpe_ros.core.reduction import halvings_before, reduced_part
from unihpe_ros.core.skeleton import Skeleton

# Share of the box's extent by which the crop is larger than the person.
PADDING = 1.25
# A crop's corners keep this share of its centre's depth away from the camera's plane.
_FRONT = 0.9
# Distortion is fitted at these shares of the crop, the first that the lens reaches: further in is
# where the person is, further out a lens model folds back.
_FITTED_SHARES = (0.5, 0.25)


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
        x0, y0, x1, y1 = (float(value) for value in box)
        if not (np.isfinite(box).all() and x1 > x0 and y1 > y0):
            raise ValueError(f'box: expected finite x0 < x1, y0 < y1; got {np.asarray(box)}')
        mid = np.array([0.5 * (x0 + x1), 0.5 * (y0 + y1)])
        edges = np.array([mid, [x0, mid[1]], [x1, mid[1]], [mid[0], y0], [mid[0], y1]])
        rays = camera.rays(edges)
        rotation = rotation_to_axis(rays[0])
        virtual = _turn(rays[1:], rotation)
        if not np.isfinite(virtual).all():
            raise ValueError(f"box: expected it within the lens's reach; got {np.asarray(box)}")
        half_width = 0.5 * np.abs(virtual[1, 0] - virtual[0, 0]) * padding
        half_height = 0.5 * np.abs(virtual[3, 1] - virtual[2, 1]) * padding
        w, h = size
        focal = 0.5 * min(w / max(half_width, 1e-6), h / max(half_height, 1e-6))
        if roll:
            rotation = _roll(roll) @ rotation
        focal = max(focal, _least_focal(rotation, size))
        return cls(camera, size, rotation, focal, _homography(camera, rotation, focal, size))

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
        image_from_crop = self.image_from_crop
        image_size = image.shape[1], image.shape[0]
        halvings = int(halvings_before(image_from_crop, self.size, image_size))
        if halvings:
            image, image_from_crop = reduced_part(image, image_from_crop, self.size, halvings)
        return cv2.warpPerspective(
            image, image_from_crop, self.size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )

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
        return _turn(self.camera.rays(points), self.virtual_from_camera)

    def normalise(self, rays: Array) -> Array:
        """
        Scale virtual-camera rays by the crop: half the crop's height is 1.

        This is the lifting branch's input: it does not depend on the camera's resolution.

        """
        return rays * (self.focal / (0.5 * self.size[1]))

    def to_camera(self, points: Array) -> Array:
        """Rotate ``(..., 3)`` points from the virtual into the real camera's frame."""
        return points @ self.virtual_from_camera


def _apply(homography: Array, points: Array) -> Array:
    mapped = points @ homography[:2, :2].T + homography[:2, 2]
    scale = points @ homography[2, :2] + homography[2, 2]
    return mapped / scale[..., None]


def _turn(rays: Array, rotation: Array) -> Array:
    turned = rays @ rotation[:, :2].T + rotation[:, 2]
    ahead = np.where(turned[..., 2:] > 1e-6, turned[..., 2:], np.nan)
    return turned[..., :2] / ahead


def _roll(angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def _least_focal(rotation: Array, size: tuple[int, int]) -> float:
    """Return the focal length, px, from which all of a crop lies in front of the real camera."""
    x, y, z = np.abs(rotation[:, 2])
    return float((x * size[0] + y * size[1]) / (2 * _FRONT * z))


def _homography(
    camera: Camera, rotation: Array, focal: float, size: tuple[int, int]
) -> NDArray[np.float64]:
    w, h = size
    ray_from_crop = np.array(
        [[1 / focal, 0, -0.5 * (w - 1) / focal], [0, 1 / focal, -0.5 * (h - 1) / focal], [0, 0, 1]]
    )
    if not camera.is_distorted:
        matrix = camera.K @ rotation.T @ ray_from_crop
        return matrix / matrix[2, 2]
    corners = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], np.float64)
    centre = 0.5 * corners[2]
    for share in _FITTED_SHARES:
        fitted = centre + share * (corners - centre)
        directions = np.column_stack([fitted, np.ones(4)]) @ ray_from_crop.T
        pixels = camera.project(directions @ rotation)
        if np.isfinite(pixels).all():
            return cv2.getPerspectiveTransform(
                fitted.astype(np.float32), pixels.astype(np.float32)
            )
    raise ValueError("box: expected its crop within the lens's reach")


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
