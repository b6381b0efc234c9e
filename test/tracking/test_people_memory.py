"""People who left for minutes are known again by their clothes, and others are not."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_model import keypoints_in, person_box
from tracked_people import observations_of, SIZE
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.tracking.appearance import (
    clothes_colours,
    clothes_likeness,
    HISTOGRAM_SIZE,
    PARTS,
)
from unihpe_ros.tracking.observations import build_observations
from unihpe_ros.tracking.people_memory import SAME_CLOTHES
from unihpe_ros.tracking.tracker import Tracker

HOUR = EstimatorSettings(max_people=4, lost_timeout=3600.0)
BOX = person_box(300, 240, 200)


class Room:
    """A tracker before which people of some clothes appear and leave."""

    def __init__(self, settings: EstimatorSettings = HOUR) -> None:
        self.tracker = Tracker(UNION)
        self.stamp, self.settings = 0.0, settings

    def visit(self, clothes: int, images: int = 4) -> int:
        """Return the id that somebody in clothes of a colour has in the end."""
        ids = []
        for number in range(images):
            seen = observations_of((0 if number else -1, BOX), colour=clothes)
            colours = np.full((1, len(PARTS), HISTOGRAM_SIZE), 0.1, np.float32)
            colours[..., clothes] = 1.0
            ids += self._show(replace(seen, clothes=colours))
        return ids[-1]

    def wait(self, seconds: float) -> None:
        """Show an empty room, twice a second."""
        for _ in range(round(2 * seconds)):
            self.stamp += 0.5 - 1 / 30
            self._show(observations_of())

    def _show(self, seen):
        self.stamp += 1 / 30
        self.tracker.predict(self.stamp, SIZE, self.settings)
        return self.tracker.update(seen, self.settings).tolist()


def test_who_returns_after_ten_minutes_gets_the_id_back() -> None:
    room = Room()
    assert room.visit(clothes=3) == 1
    room.wait(600)
    assert room.tracker.knows_nobody
    assert room.visit(clothes=3) == 1


def test_somebody_in_other_clothes_gets_a_new_id() -> None:
    room = Room()
    room.visit(clothes=3)
    room.wait(600)
    assert room.visit(clothes=7) == 2
    room.wait(60)
    assert room.visit(clothes=3) == 1, 'who came in between takes nothing away'


def test_two_in_the_same_clothes_are_nobody_known() -> None:
    room = Room()
    assert room.visit(clothes=3) == 1
    room.wait(20)
    # Whoever wears the same is taken for the first, for lack of another sign.
    assert room.visit(clothes=3) == 1
    memory = room.tracker._identities.memory
    first = memory._people[0]
    memory._people.append(replace(first, id=9))
    room.wait(20)
    assert room.visit(clothes=3) == 2


@pytest.mark.parametrize(('timeout', 'expected'), [(3600.0, 1), (30.0, 2), (4.0, 2)])
def test_people_are_remembered_as_long_as_asked_for(timeout: float, expected: int) -> None:
    room = Room(replace(HOUR, lost_timeout=timeout))
    room.visit(clothes=3)
    room.wait(40)
    assert room.visit(clothes=3) == expected


def test_no_more_people_are_remembered_than_twice_as_many_as_are_followed() -> None:
    room = Room()
    for clothes in range(12):
        assert room.visit(clothes) == clothes + 1
        room.wait(20)
    assert len(room.tracker._identities.memory) == 8
    assert room.visit(clothes=11) == 12
    room.wait(20)
    assert room.visit(clothes=0) == 13, 'who left first is forgotten'


def test_clothes_are_those_of_each_part(rng: np.random.Generator) -> None:
    image = rng.integers(0, 40, (480, 640, 3), np.uint8)
    points = keypoints_in((200, 40, 340, 440))[None]
    hips = points[0, UNION.indices('left_hip', 'right_hip'), 1].max()
    image[: int(hips)] = 30, 30, 200
    other = image.copy()
    other[int(hips) :] = 200, 60, 20
    one, two = (clothes_colours(picture, points, UNION)[0] for picture in (image, other))
    assert one.shape == (len(PARTS), HISTOGRAM_SIZE)
    np.testing.assert_allclose(np.square(one).sum(-1), 1, rtol=1e-5)
    assert clothes_likeness(one, one) == pytest.approx(1)
    assert clothes_likeness(one, two) < SAME_CLOTHES
    assert one[0] @ two[0] > 0.95, 'the torso is the same'


def test_of_two_parts_nobody_is_known() -> None:
    known = np.full((len(PARTS), HISTOGRAM_SIZE), 1 / 6)
    half = known.copy()
    half[2:] = np.nan
    assert clothes_likeness(known, known) == pytest.approx(1)
    assert clothes_likeness(known, half) == 0


@pytest.mark.parametrize(('timeout', 'parts'), [(4.0, 0), (3600.0, len(PARTS))])
def test_clothes_are_looked_at_only_if_they_are_remembered(
    rng: np.random.Generator, timeout: float, parts: int
) -> None:
    camera = Camera.from_fov(640, 480, 1.2)
    crops, _ = Crops.aim(np.array([BOX]), camera, (96, 128), 1.25)
    found = build_observations(
        crops,
        UNION,
        np.zeros(1, np.intp),
        keypoints_in(BOX)[None],
        np.ones((1, 26), np.float32),
        rng.normal(0, 0.3, (1, 26, 3)).astype(np.float32),
        np.ones((1, 1), np.float32),
        np.ones(1, np.float32),
        np.zeros(1, np.bool_),
        EstimatorSettings(lost_timeout=timeout),
        rng.integers(0, 256, (480, 640, 3), np.uint8),
    )
    assert found.clothes.shape == (1, parts, HISTOGRAM_SIZE)
    assert np.isfinite(found.clothes).all()
