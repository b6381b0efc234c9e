"""Images of simulated people, one after the other, given to an estimator."""

import math

from tiny_model import Box, picture
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import Poses
from unihpe_ros.estimator import PoseEstimator

SIZE = (640, 480)
CAMERA = Camera.from_fov(*SIZE, math.radians(60))
RATE = 30.0


def watch(estimator: PoseEstimator, *people: Box, frames: int = 4, start: float = 0.0) -> Poses:
    """Show a still scene for a few frames and return the last answer."""
    for frame in range(frames):
        poses = estimator.estimate(picture(*people), CAMERA, start + frame / RATE)
    return poses
