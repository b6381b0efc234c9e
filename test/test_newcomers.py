"""When the detector looks at an empty scene: seldom, until something moves."""

from collections.abc import Iterator
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_detector import write_tiny_detector
from tiny_model import Box, person_box, picture, write_tiny_model
from unihpe_ros.core.detector_output import Detections
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import Poses
from unihpe_ros.detector import Detector, PersonDetector
from unihpe_ros.estimator import CameraImage, EstimatorSettings, PoseEstimator

pytestmark = pytest.mark.slow

SIZE = (640, 480)
CAMERA = Camera.from_fov(*SIZE, math.radians(60))
PERSON = person_box(320, 240, 300)
RATE = 30
# Images in 150 ms.
SOON = 4


class CountingDetector(Detector):
    """Counts how often it is asked."""

    def __init__(self, path: Path) -> None:
        self.inner, self.count = PersonDetector(path, threads=1), 0

    def detect(self, image: np.ndarray, score_threshold: float) -> Detections:
        self.count += 1
        return self.inner.detect(image, score_threshold)

    def reduction(self, size: tuple[int, int]) -> int:
        return self.inner.reduction(size)


class Room:
    """A camera of 30 images a second in a room."""

    def __init__(self, folder: Path, **settings: float) -> None:
        self.detector = CountingDetector(write_tiny_detector(folder))
        self.estimator = PoseEstimator(
            write_tiny_model(folder),
            EstimatorSettings(**settings),
            threads=1,
            detector=self.detector,
        )
        self.frame = 0

    def show(self, *people: Box, frames: int = 1, jpeg: bool = False) -> Poses:
        for _ in range(frames):
            self.frame += 1
            image, stamp = picture(*people), self.frame / RATE
            factor = self.estimator.reduction(SIZE, CAMERA, stamp) if jpeg else 1
            extent = SIZE[0] // factor, SIZE[1] // factor
            image = cv2.resize(image, extent, interpolation=cv2.INTER_AREA)
            given = CameraImage(image, CAMERA, stamp, whole_size=SIZE)
            poses = self.estimator.estimate_batch([given])[0]
        return poses


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path, idle_period=1.0)
    yield room
    room.estimator.close()
    room.detector.inner.close()


@pytest.mark.parametrize('jpeg', [False, True])
def test_empty_room_is_looked_at_once_a_second(room: Room, jpeg: bool) -> None:
    room.show(frames=RATE, jpeg=jpeg)
    room.detector.count = 0
    room.show(frames=10 * RATE, jpeg=jpeg)
    assert room.detector.count in (9, 10)


@pytest.mark.parametrize('jpeg', [False, True])
def test_who_walks_in_is_found_at_once(room: Room, jpeg: bool) -> None:
    room.show(frames=2 * RATE + 7, jpeg=jpeg)
    assert any(len(room.show(PERSON, jpeg=jpeg)) for _ in range(SOON))


def test_room_that_somebody_left_becomes_quiet(room: Room) -> None:
    room.show(PERSON, frames=RATE)
    room.show(frames=2 * RATE)
    room.detector.count = 0
    room.show(frames=5 * RATE)
    assert room.detector.count in (4, 5)


def test_who_stands_still_unseen_is_looked_at_again(room: Room) -> None:
    room.show(frames=2 * RATE)
    detect, room.detector.detect = (
        room.detector.detect,
        lambda image, threshold: Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)),
    )
    room.show(PERSON, frames=2 * RATE)
    room.detector.detect = detect
    assert len(room.show(PERSON, frames=RATE + 2)) == 1


def test_every_image_is_looked_at_without_an_idle_period(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.show(frames=RATE)
    assert room.detector.count == RATE
