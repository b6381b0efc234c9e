"""People who come back, are told apart by their colours, or wait for an id."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_model import keypoints_in, person_box
from tracked_people import Box, observations_of, Scene, SETTINGS, SIZE
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.tracking.appearance import alike, HISTOGRAM_SIZE, torso_colours
from unihpe_ros.tracking.association import unoccluded
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.tracker import Tracker


def test_person_who_comes_back_gets_the_id_back() -> None:
    scene = Scene(person_box(500, 240, 200))
    for _ in range(45):  # Beyond the timeout: lost, but remembered.
        scene.show()
    assert scene.tracker.tracks == []
    assert [track.id for track in scene.tracker.lost] == [1]
    box = person_box(540, 240, 200)
    scene.show((-1, box))
    assert scene.show((0, box)) == [1]


def test_stranger_gets_another_id_than_who_was_lost() -> None:
    scene = Scene()
    box = person_box(500, 240, 200)
    scene.show((-1, box), colour=3)
    assert scene.show((0, box), colour=3) == [1]
    for _ in range(45):
        scene.show()
    scene.show((-1, box), colour=7)
    assert scene.show((0, box), colour=7) == [2]


def test_lost_are_forgotten_in_the_end() -> None:
    scene = Scene(person_box(500, 240, 200))
    for _ in range(int(30 * (SETTINGS.lost_timeout + 0.2))):
        scene.show()
    assert scene.tracker.lost == []
    assert scene.tracker.remembered() == set()


def test_newcomer_waits_for_the_time_asked_for() -> None:
    tracker, settings = Tracker(UNION), replace(SETTINGS, confirm_time=0.1)
    box, ids = person_box(300, 240, 200), []
    for frame in range(6):
        tracker.predict(frame / 30, SIZE, settings)
        ids += tracker.update(observations_of((0 if frame else -1, box)), settings).tolist()
    assert ids == [0, 0, 0, 1, 1, 1]


def test_predicted_person_moves_on() -> None:
    scene = Scene(person_box(100, 240, 200))
    for frame in range(1, 20):
        scene.show((0, person_box(100 + 8 * frame, 240, 200)))
    for _ in range(6):
        scene.show()
    predicted = scene.tracker.tracks[0]
    middle = 0.5 * (predicted.box[0] + predicted.box[2])
    assert 100 + 8 * 23 < middle < 100 + 8 * 26


def test_colours_of_people_together_are_those_of_each(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (480, 640, 3), np.uint8)
    image[:, :320] = 30, 30, 200
    crowd = ((100, 100, 200, 400), (400, 50, 500, 300), (150, 120, 250, 420), (900, 0, 999, 300))
    people = np.array([keypoints_in(box) for box in crowd])
    people = np.concatenate([people, np.full((1, 26, 2), np.nan)])
    together = torso_colours(image, people, UNION)
    for row, person in enumerate(people):
        np.testing.assert_array_equal(together[row], torso_colours(image, person[None], UNION)[0])
    assert np.isfinite(together).all(1).tolist() == [True, True, True, False, False]
    likeness = alike(together, together)
    np.testing.assert_allclose(np.diag(likeness)[:3], 1, rtol=1e-6)
    assert likeness[0, 2] > 0.9 > 0.7 > likeness[0, 1]


@pytest.mark.parametrize('rate', [5, 10, 30, 90])
@pytest.mark.parametrize('pace', [0.0, 0.8, 1.1])
def test_whoever_walks_is_confirmed_by_the_second_look_at_any_rate(rate: int, pace: float) -> None:
    """A pace of 0.8 heights/s is a brisk walk: at 5 Hz it leads past the place of before."""
    tracker = Tracker(UNION)
    for frame, expected in enumerate([0, 1, 1]):
        box = person_box(100 + 200 * pace * frame / rate, 240, 200)
        tracker.predict(frame / rate, SIZE, SETTINGS)
        seen = observations_of((min(frame, 1) - 1, box))
        assert tracker.update(seen, SETTINGS).tolist() == [expected]


@pytest.mark.slow
@pytest.mark.parametrize('rate', [15, 30, 90])
def test_noise_moves_the_unseen_alike_at_any_rate(rate: int, rng: np.random.Generator) -> None:
    """A velocity is read over a time, not a number of images."""
    off = []
    for _ in range(30):
        scene = Scene(person_box(300, 240, 200), rate=rate)
        for x in rng.normal(300, 2, rate):
            scene.show((0, person_box(x, 240, 200)))
        for _ in range(round(0.4 * rate)):
            scene.show()
        track = scene.tracker.tracks[0]
        off.append(0.5 * (track.box[0] + track.box[2]) - 300)
    assert np.std(off) < 18


def coloured(scene: Scene, *seen: tuple[int, Box, int, float]) -> list[int]:
    """Show people of colours, at depths (m); return their ids."""
    scene.stamp += scene.step
    scene.tracker.predict(scene.stamp, SIZE, SETTINGS)
    shown = observations_of(*[(source, box) for source, box, _, _ in seen])
    colours = np.eye(HISTOGRAM_SIZE, dtype=np.float32)[[colour for *_, colour, _ in seen]]
    roots = np.array([[0, 0, depth] for *_, depth in seen], np.float32)
    places = np.broadcast_to(roots[:, None], (len(seen), 26, 3))
    observations = replace(shown, colours=colours, keypoints_3d=places)
    return scene.tracker.update(observations, SETTINGS).tolist()


def test_who_walks_across_another_is_told_by_their_colours() -> None:
    left, right = person_box(300, 240, 200), person_box(330, 240, 200)
    scene = Scene(left, right)
    for _ in range(5):
        assert coloured(scene, (0, left, 3, 3.0), (1, right, 8, 3.0)) == [1, 2]
    assert coloured(scene, (0, left, 8, 3.0), (1, right, 3, 3.0)) == [2, 1]


def test_who_is_behind_another_is_not_plain() -> None:
    front, behind, aside = person_box(300, 240, 300), person_box(320, 240, 200), (0, 0, 90, 200)
    seen = observations_of((0, front), (1, behind), (2, aside))
    roots = np.array([[0, 0, 2.0], [0, 0, 4.0], [0, 0, 5.0]], np.float32)
    placed = replace(seen, keypoints_3d=np.broadcast_to(roots[:, None], (3, 26, 3)))
    assert unoccluded(placed, UNION).tolist() == [True, False, True]
    assert unoccluded(seen, UNION).all(), 'without a depth nobody is known to be behind'
    assert unoccluded(Observations.none(UNION), UNION).shape == (0,)


def test_colours_are_not_learned_while_somebody_is_in_front() -> None:
    one, other = person_box(200, 240, 200), person_box(400, 240, 200)
    scene = Scene(one, other)
    for _ in range(5):
        coloured(scene, (0, one, 3, 2.0), (1, other, 8, 4.0))
    beside = person_box(390, 240, 300)
    for _ in range(20):
        coloured(scene, (0, beside, 3, 2.0), (1, other, 3, 4.0))
    behind = next(track for track in scene.tracker.tracks if track.id == 2)
    assert behind.colours.argmax() == 8
    assert behind.colours[3] == 0


@pytest.mark.parametrize(('colour', 'found'), [(3, 1), (8, 2)])
def test_who_has_gone_far_behind_somebody_is_known_by_their_colours(
    colour: int, found: int
) -> None:
    box = person_box(200, 240, 200)
    scene = Scene(box)
    for _ in range(5):
        scene.show((0, box), colour=3)
    for _ in range(18):
        scene.show()
    # Farther than anybody unknown may have walked in this time.
    back = person_box(450, 240, 200)
    scene.show((-1, back), colour=colour)
    assert scene.show((0, back), colour=colour) == [found]


@pytest.mark.parametrize(('colour', 'found'), [(3, 2), (8, 3)])
def test_who_came_back_behind_somebody_is_known_when_they_come_out(
    colour: int, found: int
) -> None:
    front, back = person_box(200, 240, 300), person_box(400, 240, 200)
    scene = Scene(front, back)
    for _ in range(5):
        assert coloured(scene, (0, front, 8, 2.0), (1, back, 3, 4.0)) == [1, 2]
    for _ in range(18):
        coloured(scene, (0, front, 8, 2.0))
    # Half hidden, in the colours of whoever is in front.
    behind = person_box(290, 240, 200)
    coloured(scene, (0, front, 8, 2.0), (-1, behind, 8, 4.0))
    for _ in range(3):
        assert coloured(scene, (0, front, 8, 2.0), (1, behind, 8, 4.0)) == [1, 3]
    for x in range(300, 400, 10):
        out = person_box(x, 240, 200)
        ids = coloured(scene, (0, front, 8, 2.0), (1, out, colour, 4.0))
    assert ids == [1, found]
