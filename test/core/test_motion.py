"""MotionGate: people who move are seen, noise and light are not."""

import cv2
import numpy as np
import pytest
from unihpe_ros.core.motion import MotionGate

pytestmark = pytest.mark.slow

ROOM = cv2.resize(
    np.random.default_rng(3).integers(40, 200, (12, 16, 3), np.uint8), (640, 480)
).astype(np.uint8)


def noisy(image: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def with_person(x: int, height: int) -> np.ndarray:
    image = ROOM.copy()
    cv2.rectangle(image, (x, 300 - height), (x + height // 3, 300), (20, 20, 30), -1)
    return image


@pytest.fixture
def gate() -> MotionGate:
    gate = MotionGate()
    gate.remember(noisy(ROOM, 4, 0))
    return gate


def test_first_picture_differs_from_nothing() -> None:
    gate = MotionGate()
    assert gate.differs(ROOM)
    gate.remember(ROOM)
    assert not gate.differs(ROOM)
    gate.forget()
    assert gate.differs(ROOM)


@pytest.mark.parametrize('sigma', [0, 4, 15])
def test_noise_is_no_motion(sigma: float) -> None:
    gate = MotionGate()
    gate.remember(noisy(ROOM, sigma, 0))
    assert not any(gate.differs(noisy(ROOM, sigma, seed)) for seed in range(1, 30))


@pytest.mark.parametrize('height', [60, 120, 300])
def test_person_who_came_in_is_motion(gate: MotionGate, height: int) -> None:
    assert gate.differs(noisy(with_person(300, height), 4, 1))


def test_first_part_of_a_person_at_the_edge_is_motion(gate: MotionGate) -> None:
    image = ROOM.copy()
    image[100:300, :14] = 20
    assert gate.differs(image)


def test_light_that_changes_everywhere_is_no_motion(gate: MotionGate) -> None:
    assert not gate.differs(np.clip(ROOM.astype(int) + 12, 0, 255).astype(np.uint8))


@pytest.mark.parametrize('factor', [2, 4, 8])
def test_reduced_picture_of_the_same_scene_is_no_motion(gate: MotionGate, factor: int) -> None:
    size = (640 // factor, 480 // factor)
    assert not gate.differs(cv2.resize(noisy(ROOM, 4, 5), size, interpolation=cv2.INTER_AREA))
    person = cv2.resize(with_person(300, 120), size, interpolation=cv2.INTER_AREA)
    assert gate.differs(person)
