"""
Motion of the camera between two images, and the transform of tracked people by it.

Tracker and filters work in the frame of the camera. When the camera turns or drives, people who
stand still move in that frame. So their state is transformed from the camera's frame at the last
image into its frame now, before their own motion is predicted.

"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array, Camera

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class EgoMotion:
    """
    How a camera moved from one image to the next.

    Parameters
    ----------
    now_from_before : NDArray[np.float64]
        ``(4, 4)`` rigid transform between the camera's optical frames at the two images, m.
    camera : Camera
        Its intrinsics.

    """

    now_from_before: Float64
    camera: Camera

    @classmethod
    def between(
        cls, before: Float64 | None, now: Float64 | None, camera: Camera
    ) -> EgoMotion | None:
        """
        Return the motion between two poses of a camera; None if one of them is not known.

        Parameters
        ----------
        before, now : NDArray[np.float64], optional
            ``(4, 4)`` world_from_camera at the two images.
        camera : Camera
            Its intrinsics.

        """
        if before is None or now is None:
            return None
        return cls(np.linalg.inv(now) @ before, camera)

    def turn(self, vectors: Array) -> Float64:
        """Return directions or velocities ``(..., 3)`` of the frame before in the frame now."""
        return np.asarray(vectors @ self.now_from_before[:3, :3].T, np.float64)

    def carry(self, points: Array) -> Float64:
        """Return points ``(..., 3)``, m, of the frame before in the frame now."""
        return self.turn(points) + self.now_from_before[:3, 3]

    def pixels(self, pixels: Array, roots: Array) -> Float64:
        """
        Return where pixels on people are now.

        Parameters
        ----------
        pixels : NDArray
            ``(N, K, 2)`` px, in the image before.
        roots : NDArray
            ``(N, 3)`` m, where the people were, camera frame before; all keypoints of a person are
            taken to be at that depth, or infinitely far where it is NaN.

        Returns
        -------
        NDArray[np.float64]
            ``(N, K, 2)`` px; NaN behind the camera.

        """
        return np.asarray(self.camera.project(self._rays(pixels, roots)), np.float64)

    def boxes(self, boxes: Array, roots: Array) -> Float64:
        """
        Return where the boxes of people are now, and how large.

        Parameters
        ----------
        boxes : NDArray
            ``(N, 4)`` px, in the image before.
        roots : NDArray
            ``(N, 3)`` see `pixels`.

        Returns
        -------
        NDArray[np.float64]
            ``(N, 4)`` px; NaN behind the camera. They stay upright when the camera rolls.

        """
        middles = 0.5 * (boxes[:, None, :2] + boxes[:, None, 2:])
        rays = self._rays(middles, roots)
        depths = np.where(rays[..., 2] > 0, rays[..., 2], np.nan)
        half = 0.5 * (boxes[:, 2:] - boxes[:, :2]) / depths
        middle = np.asarray(self.camera.project(rays), np.float64)[:, 0]
        return np.concatenate([middle - half, middle + half], -1)

    def _rays(self, pixels: Array, roots: Array) -> Float64:
        """``(N, K, 3)`` points now that the pixels show, in units of the depth before."""
        rays = self.camera.rays(pixels)
        ahead = np.concatenate([rays, np.ones_like(rays[..., :1])], -1)
        depths = np.where(roots[:, 2] > 0, roots[:, 2], np.inf)
        return self.turn(ahead) + self.now_from_before[:3, 3] / depths[:, None, None]
