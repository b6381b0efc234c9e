"""Radial lens distortion of a picture that was drawn without it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.scene_types import SceneCamera

Float32 = NDArray[np.float32]

_TABLE = 2048


@dataclass(frozen=True)
class LensDistortion:
    """
    OpenCV's first radial coefficient, and the larger undistorted view to draw before.

    Parameters
    ----------
    view : View
        The camera of the finished picture.
    strength : float
        How far the corners move inwards (below 0) or outwards, as a share of their distance from
        the centre; above -0.14, where the lens would fold the picture over.

    """

    view: SceneCamera
    strength: float

    @property
    def coefficients(self) -> Float32:
        """``(5,)`` k1, k2, p1, p2, k3."""
        return np.array([self.strength / self._reach**2, 0, 0, 0, 0], np.float32)

    @property
    def undistorted_view(self) -> SceneCamera:
        """The undistorted camera to draw with, large enough for the corners."""
        if not self.strength:
            return self.view
        width, height = self.view.size
        pad = np.ceil(np.array([width, height]) / 2 * (self._straightened(1.0) - 1)) + 1
        pad = np.maximum(pad, 0).astype(int)
        K = self.view.K.copy()
        K[:2, 2] += pad
        size = (width + 2 * int(pad[0]), height + 2 * int(pad[1]))
        return replace(self.view, K=K, size=size)

    def distort(self, drawn: Float32) -> Float32:
        """Return a picture of the undistorted view, ``(H', W')`` or ``(H', W', 3)``, distorted."""
        if not self.strength:
            return drawn
        return cv2.remap(drawn, *self._maps(), cv2.INTER_LINEAR)  # type: ignore[return-value]

    def project(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """``(..., 2)`` Pixels of camera-frame points; NaN where the lens can't see them."""
        K = self.view.K
        depth = points[..., 2:]
        flat = points[..., :2] / np.where(depth > 1e-6, depth, np.nan)
        squared = (flat**2).sum(-1, keepdims=True)
        k1 = float(self.coefficients[0])
        # Beyond this, the formula would lead back into the picture.
        flat = np.where(1 + 3 * k1 * squared > 0, flat, np.nan)
        return flat * (1 + k1 * squared) * K[[0, 1], [0, 1]] + K[:2, 2]

    @property
    def _reach(self) -> float:
        """Distance of a corner from the centre on the plane at depth 1."""
        K, (width, height) = self.view.K, self.view.size
        return float(np.hypot(0.5 * width / K[0, 0], 0.5 * height / K[1, 1]))

    def _straightened(self, bent: float | Float32) -> NDArray[np.float64]:
        """Radius before distortion of what is at `bent` after it; the corners are at 1."""
        straight = np.linspace(0, 1.6, _TABLE)
        return np.asarray(np.interp(bent, straight * (1 + self.strength * straight**2), straight))

    def _maps(self) -> tuple[Float32, Float32]:
        K, (width, height) = self.view.K, self.view.size
        x = ((np.arange(width) - K[0, 2]) / K[0, 0])[None]
        y = ((np.arange(height) - K[1, 2]) / K[1, 1])[:, None]
        radius = np.hypot(x, y) / self._reach
        scale = self._straightened(radius) / np.maximum(radius, 1e-9)
        straight = self.undistorted_view.K
        return (
            (x * scale * straight[0, 0] + straight[0, 2]).astype(np.float32),
            (y * scale * straight[1, 1] + straight[1, 2]).astype(np.float32),
        )
