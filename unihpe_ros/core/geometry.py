"""The pinhole camera with distortion, and the geometry of placing a skeleton in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
import math

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

_UNDISTORT_STEPS = 20
_DISTORTION_LENGTHS = {'': (0,), 'plumb_bob': (0, 4, 5), 'rational_polynomial': (8, 12, 14)}
_FISHEYE_MODELS = ('equidistant', 'fisheye')


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

    Raises
    ------
    ValueError
        If K is not 3x3, not finite or has no positive focal length, if the distortion does not
        fit its model, or if the size is not positive.

    """

    K: NDArray[np.float64]
    width: int
    height: int
    distortion: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    model: str = 'plumb_bob'

    def __post_init__(self) -> None:
        if self.K.shape != (3, 3) or not np.isfinite(self.K).all():
            raise ValueError(f'camera K: expected 3x3 finite numbers, got {self.K.tolist()}')
        if self.K[0, 0] <= 0 or self.K[1, 1] <= 0:
            raise ValueError(
                f'camera K: expected positive focal lengths, got {self.K[0, 0]}, {self.K[1, 1]}'
            )
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f'camera: expected a positive size, got {self.width}x{self.height}')
        if not np.isfinite(self.distortion).all():
            raise ValueError(f'camera distortion: expected finite numbers, got {self.distortion}')
        lengths = (0, 4) if self.is_fisheye else _DISTORTION_LENGTHS.get(self.model)
        if lengths is None:
            known = ', '.join((*filter(None, _DISTORTION_LENGTHS), *_FISHEYE_MODELS))
            raise ValueError(
                f'camera distortion model: expected one of {known}; got {self.model!r}'
            )
        if len(self.distortion) not in (*lengths, 0):
            raise ValueError(
                f'camera distortion {self.model}: expected {" or ".join(map(str, lengths))} '
                f'coefficients, got {len(self.distortion)}'
            )

    @property
    def is_fisheye(self) -> bool:
        """Whether the lens follows the equidistant model."""
        return self.model in _FISHEYE_MODELS

    @cached_property
    def is_distorted(self) -> bool:
        """Whether any distortion coefficient is in effect."""
        return bool(np.any(self.distortion))

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
            If a field has the wrong length or holds what no camera can have.

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
        return cls(scale @ shift @ matrix, width // bin_x, height // bin_y, distortion, model)

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
            ``(..., 2)`` px; NaN for points at or behind the camera's plane.

        """
        flat = points.reshape(-1, 3).astype(np.float64)
        behind = ~(flat[:, 2] > 1e-6)
        flat[behind] = (0, 0, 1)
        if self.is_distorted:
            zero = np.zeros(3)
            if self.is_fisheye:
                pixels, _ = cv2.fisheye.projectPoints(
                    flat[:, None], zero, zero, self.K, self.distortion
                )
            else:
                pixels, _ = cv2.projectPoints(flat[:, None], zero, zero, self.K, self.distortion)
            pixels = pixels.reshape(-1, 2)
        else:
            homogeneous = flat @ self.K.T
            pixels = homogeneous[:, :2] / homogeneous[:, 2:]
        pixels[behind] = np.nan
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
            ``(..., 2)`` x/z and y/z in the camera optical frame; NaN where `pixels` is.

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
            rays[known] = self._undistorted(flat[known])
        return rays.reshape(pixels.shape)

    def _undistorted(self, pixels: Array) -> Array:
        undistort = cv2.fisheye.undistortPoints if self.is_fisheye else cv2.undistortPoints
        rays = undistort(pixels[:, None], self.K, self.distortion).reshape(-1, 2)
        # OpenCV stops after five fixed-point steps (and 4.x and 5.x take the criteria in
        # different places): go on until the reprojection agrees.
        focal = np.array([self.K[0, 0], self.K[1, 1]])
        for _ in range(_UNDISTORT_STEPS):
            error = self.project(np.column_stack([rays, np.ones(len(rays))])) - pixels
            rays = rays - error / focal
            if np.abs(error).max() < 1e-6:
                break
        return rays


def rotation_to_axis(ray: Array) -> NDArray[np.float64]:
    """
    Return the smallest rotation that brings a viewing ray onto the optical axis.

    Parameters
    ----------
    ray : NDArray
        ``(2,)`` x/z, y/z.

    Returns
    -------
    NDArray[np.float64]
        ``(3, 3)`` rotation `virtual_from_camera`.

    """
    direction = np.array([ray[0], ray[1], 1.0])
    direction /= np.linalg.norm(direction)
    x, y, z = direction
    # Rodrigues' formula about (ray x axis), written out: 1 + z > 1 since the ray looks forward.
    return np.array(
        [
            [1 - x * x / (1 + z), -x * y / (1 + z), -x],
            [-x * y / (1 + z), 1 - y * y / (1 + z), -y],
            [x, y, z],
        ]
    )


def locate_root(relative: Array, rays: Array, weights: Array) -> tuple[Array, Array]:
    """
    Find the translation that makes root-relative skeletons project onto observed rays.

    Each keypoint gives two linear equations in the translation t,
    ``t_x - u t_z = u Z - X`` and ``t_y - v t_z = v Z - Y``; the weighted normal equations are
    solved twice, the second time with Cauchy weights of the first residuals, so that a few wrong
    keypoints do not carry the person away.

    Parameters
    ----------
    relative : NDArray
        ``(N, K, 3)`` root-relative keypoints, m, in the frame in which the rays are given.
    rays : NDArray
        ``(N, K, 2)`` observed x/z, y/z.
    weights : NDArray
        ``(N, K)`` weight of each keypoint; entries that are not finite count 0.

    Returns
    -------
    translation : NDArray
        ``(N, 3)`` root position, m; NaN where fewer than two keypoints carry weight.
    residual : NDArray
        ``(N,)`` weighted RMS angle left over, about rad.

    """
    valid = np.isfinite(relative).all(-1) & np.isfinite(rays).all(-1) & (weights > 0)
    w = np.where(valid, weights, 0.0)
    points = np.where(valid[..., None], relative, 0.0).astype(np.float64)
    seen = np.where(valid[..., None], rays, 0.0).astype(np.float64)
    t = _solve_translation(points, seen, w)
    residual = _angles(points, seen, t)
    scale = np.sqrt(np.sum(w * residual**2, -1) / np.maximum(w.sum(-1), 1e-9))
    robust = w / (1 + (residual / np.maximum(scale, 1e-4)[:, None]) ** 2)
    t = _solve_translation(points, seen, robust)
    residual = _angles(points, seen, t)
    rms = np.sqrt(np.sum(robust * residual**2, -1) / np.maximum(robust.sum(-1), 1e-9))
    unsolved = (valid.sum(-1) < 2) | ~(t[:, 2] > 0)
    t[unsolved] = np.nan
    rms[unsolved] = np.nan
    return t, rms


def _solve_translation(points: Array, rays: Array, w: Array) -> Array:
    u, v = rays[..., 0], rays[..., 1]
    b_x = u * points[..., 2] - points[..., 0]
    b_y = v * points[..., 2] - points[..., 1]
    total = np.maximum(w.sum(-1), 1e-9)
    wu, wv = (w * u).sum(-1), (w * v).sum(-1)
    wuu = (w * (u * u + v * v)).sum(-1)
    rhs_x, rhs_y = (w * b_x).sum(-1), (w * b_y).sum(-1)
    rhs_z = -(w * (u * b_x + v * b_y)).sum(-1)
    # Schur complement of the 3x3 normal matrix [[W,0,-wu],[0,W,-wv],[-wu,-wv,wuu]].
    determinant = np.maximum(wuu - (wu * wu + wv * wv) / total, 1e-12)
    z = (rhs_z + (wu * rhs_x + wv * rhs_y) / total) / determinant
    return np.stack([(rhs_x + wu * z) / total, (rhs_y + wv * z) / total, z], -1)


def _angles(points: Array, rays: Array, t: Array) -> Array:
    placed = points + t[:, None]
    depth = np.maximum(placed[..., 2], 0.05)
    return np.hypot(placed[..., 0] / depth - rays[..., 0], placed[..., 1] / depth - rays[..., 1])
