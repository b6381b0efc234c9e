"""Camera model: pinhole intrinsics and lens distortion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.lens import LensModel

Array = NDArray[np.floating]
# Degrees by which a camera may be mounted turned.
ROTATIONS = (0, 90, 180, 270)


@dataclass(frozen=True)
class Camera:
    """
    Intrinsics of the image that is worked on.

    Parameters
    ----------
    K : NDArray[np.float64]
        ``(3, 3)`` intrinsic matrix, px, for pixels whose centres are at whole numbers.
    width, height : int
        Image size, px.
    distortion : NDArray[np.float64]
        ``(D,)`` OpenCV coefficients; empty for a rectified image.
    model : str
        ROS name of the distortion model: plumb_bob, rational_polynomial, equidistant.
    rotation : int
        Degrees by which its picture must be turned clockwise for people to be upright: 0, 90, 180
        or 270. Pixels, intrinsics and the frame of 3D remain those of the picture before turning.
    assumed : bool
        Whether the intrinsics are a guess rather than a calibration.

    Raises
    ------
    ValueError
        If K is not 3x3, not finite or has no positive focal length, if the distortion does not
        fit its model, if the size is not positive, or the rotation none of the four.

    """

    K: NDArray[np.float64]
    width: int
    height: int
    distortion: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    model: str = 'plumb_bob'
    rotation: int = 0
    assumed: bool = False
    _lens: LensModel = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.K.shape != (3, 3) or not np.isfinite(self.K).all():
            raise ValueError(f'camera K: expected 3x3 finite numbers, got {self.K.tolist()}')
        if self.K[0, 0] <= 0 or self.K[1, 1] <= 0:
            raise ValueError(
                f'camera K: expected positive focal lengths, got {self.K[0, 0]}, {self.K[1, 1]}'
            )
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f'camera: expected a positive size, got {self.width}x{self.height}')
        if self.rotation not in ROTATIONS:
            raise ValueError(
                f'camera rotation: expected {", ".join(map(str, ROTATIONS))}; got {self.rotation}'
            )
        object.__setattr__(self, '_lens', LensModel(self.K, self.distortion, self.model))

    @property
    def is_fisheye(self) -> bool:
        """Whether the lens follows the equidistant model."""
        return self._lens.is_fisheye

    @property
    def is_distorted(self) -> bool:
        """Whether the lens has distortion."""
        return self._lens.is_distorted

    @property
    def reach(self) -> float:
        """Largest x/z the lens model is good for."""
        return self._lens.reach

    @cached_property
    def _reduced(self) -> dict[int, Camera]:
        return {}

    def reduced(self, factor: int) -> Camera:
        """Return the camera of the image that is `factor` times smaller; always the same one."""
        if factor not in self._reduced:
            # Each block of pixels becomes one pixel, as does an incomplete block at the right and
            # lower edge.
            K = self.K / np.array([[factor], [factor], [1]])
            K[:2, 2] = (self.K[:2, 2] + 0.5) / factor - 0.5
            width, height = -(-self.width // factor), -(-self.height // factor)
            self._reduced[factor] = replace(self, K=K, width=width, height=height)
        return self._reduced[factor]

    @classmethod
    def from_fov(cls, width: int, height: int, horizontal_fov: float) -> Camera:
        """
        Make a camera of square pixels from a field of view.

        Parameters
        ----------
        width, height : int
            Image size, px.
        horizontal_fov : float
            Full horizontal angle of view, rad.

        """
        if not 0 < horizontal_fov < math.pi:
            raise ValueError(f'horizontal_fov: expected (0, pi) rad, got {horizontal_fov}')
        focal = 0.5 * width / math.tan(0.5 * horizontal_fov)
        K = np.array(
            [[focal, 0, 0.5 * (width - 1)], [0, focal, 0.5 * (height - 1)], [0, 0, 1]], np.float64
        )
        return cls(K, width, height)

    @classmethod
    def from_camera_info(
        cls,
        k: Sequence[float],
        d: Sequence[float],
        p: Sequence[float],
        size: tuple[int, int],
        *,
        model: str = 'plumb_bob',
        binning: tuple[int, int] = (1, 1),
        roi: tuple[int, int, int, int] = (0, 0, 0, 0),
        rectified: bool = False,
    ) -> Camera:
        """
        Make a camera from the fields of a sensor_msgs/CameraInfo (REP-104).

        Parameters
        ----------
        k, d, p : Sequence[float]
            Row-major K (9), distortion, row-major P (12), of the full-resolution image.
        size : tuple[int, int]
            (w, h) of the full-resolution image, px.
        model : str
            The message's distortion_model.
        binning : tuple[int, int]
            (x, y) binning; 0 means 1.
        roi : tuple[int, int, int, int]
            x_offset, y_offset, width, height in full-resolution px; all 0 means the full image.
        rectified : bool
            Read P and ignore the distortion, for an image that has been rectified.

        Returns
        -------
        Camera
            Intrinsics of the image as published: ROI cut out first, binned after.

        Raises
        ------
        ValueError
            If a field has the wrong length or a value that no camera can have.

        """
        if len(k) != 9 or len(p) != 12:
            raise ValueError(f'camera_info: expected 9 K and 12 P values, got {len(k)}, {len(p)}')
        matrix = np.array(k, np.float64).reshape(3, 3)
        if rectified:
            matrix = np.array(p, np.float64).reshape(3, 4)[:, :3]
        x_offset, y_offset, width, height = roi
        if not (width and height):
            width, height = size
        bin_x, bin_y = max(binning[0], 1), max(binning[1], 1)
        scale = np.array([[1 / bin_x, 0, 0], [0, 1 / bin_y, 0], [0, 0, 1]])
        # The centre of the first binned pixel lies at (bin - 1) / 2 of the unbinned ones.
        shift = np.array(
            [
                [1, 0, -x_offset - 0.5 * (bin_x - 1)],
                [0, 1, -y_offset - 0.5 * (bin_y - 1)],
                [0, 0, 1],
            ]
        )
        distortion = np.zeros(0) if rectified else np.array(d, np.float64)
        with np.errstate(over='ignore', invalid='ignore'):
            K = scale @ shift @ matrix
        return cls(K, width // bin_x, height // bin_y, distortion, model)

    def project(self, points: Array) -> Array:
        """
        Project points into the image, with distortion.

        Parameters
        ----------
        points : NDArray
            ``(..., 3)`` m, camera optical frame.

        Returns
        -------
        NDArray
            ``(..., 2)`` px; NaN for points behind the camera's plane or out of the lens's reach.

        """
        flat = points.reshape(-1, 3).astype(np.float64)
        depth = np.where(flat[:, 2] > 1e-6, flat[:, 2], np.nan)
        rays = flat[:, :2] / depth[:, None]
        if self.is_distorted:
            visible = np.hypot(rays[:, 0], rays[:, 1]) <= self.reach
            pixels = np.full_like(rays, np.nan)
            pixels[visible] = self._lens.bend(rays[visible])[0]
        else:
            pixels = rays @ self.K[:2, :2].T + self.K[:2, 2]
        return pixels.reshape(*points.shape[:-1], 2)

    def rays(self, pixels: Array) -> Array:
        """
        Return the viewing direction of each pixel, without distortion.

        Parameters
        ----------
        pixels : NDArray
            ``(..., 2)`` px.

        Returns
        -------
        NDArray
            ``(..., 2)`` x/z and y/z in the camera optical frame; NaN where `pixels` is NaN, or
            where no ray within the lens's reach arrives.

        """
        flat = pixels.reshape(-1, 2).astype(np.float64)
        if not self.is_distorted:
            rays = np.empty_like(flat)
            rays[:, 1] = (flat[:, 1] - self.K[1, 2]) / self.K[1, 1]
            rays[:, 0] = (flat[:, 0] - self.K[0, 2] - self.K[0, 1] * rays[:, 1]) / self.K[0, 0]
            return rays.reshape(pixels.shape)
        known = np.isfinite(flat).all(axis=1)
        rays = np.full_like(flat, np.nan)
        if known.any():
            rays[known] = self._lens.straighten(flat[known])
        return rays.reshape(pixels.shape)


def in_image(points: Array, size: tuple[int, int]) -> NDArray[np.bool_]:
    """``(...)`` Whether points ``(..., 2)``, px, lie in an image of (w, h) px; not where NaN."""
    with np.errstate(invalid='ignore'):
        return np.asarray(((points > -0.5) & (points < np.array(size) - 0.5)).all(-1))
