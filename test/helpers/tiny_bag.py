"""A bag of a few seconds in which people as tiny_model knows them walk past a camera."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tiny_model import keypoints_in, paint_person, person_box, skeleton_3d, STATURE
from unihpe_ros.bags.writer import BagWriter
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import UNION

RATE = 30.0
START = 1_000_000_000_000
CAMERA = Camera.from_fov(640, 480, np.deg2rad(60))
PELVIS = UNION.index('pelvis')


def walker(second: float) -> np.ndarray:
    """``(2, 3)`` where two people are at a time, m: one walks, one stands."""
    return np.array([[-0.8 + 0.3 * second, 0.1, 4.0], [1.1, 0.0, 4.5]])


def truth_at(
    positions: np.ndarray, camera: Camera = CAMERA
) -> tuple[Poses, list[tuple[float, float, float, float]]]:
    """Return people whose pelvises are at positions, (N, 3) m, and their boxes in the image."""
    heights = camera.K[1, 1] * STATURE / positions[:, 2]
    offset = 0.5 - (keypoints_in((0, 0, 1, 1))[PELVIS, 1])
    pixels = camera.project(positions)
    boxes = [person_box(x, y + offset * h, h) for (x, y), h in zip(pixels, heights, strict=True)]
    count, k = len(positions), len(UNION)
    observed = KeypointFlag.OBSERVED | KeypointFlag.METRIC_ROOT
    poses = Poses(
        skeleton=UNION,
        boxes=np.array(boxes, np.float32).reshape(count, 4),
        keypoints_2d=np.stack([keypoints_in(box) for box in boxes]),
        keypoints_3d=(skeleton_3d() + positions[:, None]).astype(np.float32),
        scores=np.ones((count, k), np.float32),
        flags=np.full((count, k), observed, np.uint16),
        track_ids=np.arange(1, count + 1, dtype=np.uint32),
        agreement=np.full(count, np.nan, np.float32),
        root_mode=RootMode.PROJECTIVE,
    )
    return poses, boxes


def write_tiny_bag(
    path: Path, seconds: float = 2.0, where: Callable[[float], np.ndarray] = walker
) -> Path:
    """Write images, camera_info and truth at 30 Hz."""
    with BagWriter(path) as bag:
        for frame in range(round(seconds * RATE)):
            truth, boxes = truth_at(where(frame / RATE))
            image = np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
            for box in boxes:
                paint_person(image, box)
            bag.write(START + round(frame * 1e9 / RATE), image, CAMERA, truth)
    return path
