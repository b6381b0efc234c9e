"""Cameras, boxes and images with which the kernels are compared with OpenCV."""

import cv2
import numpy as np
from unihpe_ros.core.geometry import Camera

SIZE = (642, 482)


PINHOLE = Camera.from_fov(*SIZE, 1.4)


FOCAL = PINHOLE.K


CAMERAS = {
    'pinhole': PINHOLE,
    'skewed': Camera(FOCAL + [[0, 3.0, 0], [0, 0, 0], [0, 0, 0]], *SIZE),
    'plumb_bob': Camera(FOCAL, *SIZE, np.array([-0.1, 0.02, 0.001, -0.002, -0.001])),
    'rational': Camera(
        FOCAL,
        *SIZE,
        np.array([0.4, 0.1, 1e-3, -1e-3, 0.02, 0.7, 0.2, 0.05, 1e-3, 2e-3, -1e-3, 5e-4]),
        'rational_polynomial',
    ),
    'tilted': Camera(
        FOCAL,
        *SIZE,
        np.array([-0.2, 0.05, 1e-3, 1e-3, 0, 0, 0, 0, 1e-3, 0, 2e-3, 0, 0.03, -0.05]),
        'rational_polynomial',
    ),
    'fisheye': Camera(FOCAL, *SIZE, np.array([0.02, -0.01, 0.003, -0.001]), 'equidistant'),
    'fisheye_plain': Camera(FOCAL, *SIZE, np.zeros(4), 'equidistant'),
}


# People as tall as the image, larger, cut by each edge, small, and none of it inside.
BOXES = np.array(
    [
        [200, 40, 420, 460],
        [-200, -300, 900, 800],
        [560, 200, 760, 600],
        [-80, -60, 120, 180],
        [100, 100, 112, 124],
        [300, 380, 500, 700],
        [1200, 900, 1500, 1300],
    ],
    float,
)


def scenery(size: tuple[int, int], detail: float = 0.2) -> np.ndarray:
    """Clouds, and some noise in every pixel."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (size[1] // 20, size[0] // 20, 3)).astype(np.float32)
    noise = rng.uniform(0, 255, (size[1], size[0], 3))
    return ((1 - detail) * cv2.resize(coarse, size) + detail * noise).astype(np.uint8)
