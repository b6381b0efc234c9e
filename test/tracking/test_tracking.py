"""Tracking, boxes and the search, on keypoints made by hand."""

from dataclasses import replace

from hypothesis import given, strategies as st
import numpy as np
import pytest
from tiny_model import keypoints_in, person_box
from unihpe_ros.core import boxes
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.tracking.appearance import alike, COLOURS, torso_colours
from unihpe_ros.tracking.association import unoccluded
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.tracker import Tracker

SIZE = (640, 480)
SETTINGS = EstimatorSettings(max_people=4, track_timeout=0.5)
Box = tuple[float, float, float, float]


def observations_of(
    *seen: tuple[int, Box], score: float = 0.9, cut: bool = False, colour: int | None = None
) -> Observations:
    """Return observations of people in boxes, each from a row of `predict` or -1."""
    n = len(seen)
    colours = np.full((n, COLOURS), np.nan, np.float32)
    if colour is not None:
        colours = np.eye(COLOURS, dtype=np.float32)[[colour] * n]
    return replace(
        Observations.none(UNION),
        sources=np.array([source for source, _ in seen], np.intp),
        boxes=np.array([box for _, box in seen], np.float32).reshape(n, 4),
        keypoints_2d=np.array([keypoints_in(box) for _, box in seen]).reshape(n, 26, 2),
        keypoints_3d=np.full((n, 26, 3), np.nan, np.float32),
        scores=np.full((n, 26), score, np.float32),
        agreement=np.ones(n, np.float32),
        cut=np.full(n, cut),
        embeddings=np.ones((n, 1), np.float32),
        colours=colours,
    )


class Scene:
    """A tracker that is shown, at 30 Hz, whatever stands where it looks."""

    def __init__(self, *people: Box, rate: float = 30.0) -> None:
        self.tracker = Tracker(UNION)
        self.stamp = 0.0
        self.step = 1 / rate
        self.show(*[(-1, box) for box in people])
        self.show(*enumerate(people))

    def show(self, *seen: tuple[int, Box], **options: float) -> list[int]:
        """Advance by a frame in which these rows are seen; return the ids."""
        self.stamp += self.step
        self.tracker.predict(self.stamp, SIZE, SETTINGS)
        return self.tracker.update(observations_of(*seen, **options), SETTINGS).tolist()


def test_nobody() -> None:
    tracker = Tracker(UNION)
    assert tracker.predict(0.0, SIZE, SETTINGS).shape == (0, 4)
    assert tracker.update(Observations.none(UNION), SETTINGS).shape == (0,)
    assert tracker.predicted() == []


def test_person_gets_an_id_at_the_second_look_and_keeps_it() -> None:
    tracker = Tracker(UNION)
    box = person_box(300, 240, 200)
    tracker.predict(0.0, SIZE, SETTINGS)
    assert tracker.update(observations_of((-1, box)), SETTINGS).tolist() == [0]
    for frame in range(1, 5):
        tracker.predict(frame / 30, SIZE, SETTINGS)
        assert tracker.update(observations_of((0, box)), SETTINGS).tolist() == [1]


def test_look_that_disagrees_confirms_nobody() -> None:
    scene = Scene()
    scene.show((-1, person_box(100, 240, 200)))
    assert scene.show((0, person_box(200, 240, 200))) == [0]
    assert scene.show((0, person_box(300, 240, 200))) == [0]
    assert scene.show((0, person_box(300, 240, 200))) == [1]


def test_person_cut_off_by_the_crop_is_not_confirmed() -> None:
    scene = Scene()
    box = person_box(100, 240, 200)
    scene.show((-1, box))
    assert scene.show((0, box), cut=True) == [0]
    assert scene.show((0, box), cut=False) == [1]


def test_undecided_newcomer_is_dropped_in_the_end() -> None:
    scene = Scene()
    scene.show((-1, person_box(100, 240, 200)))
    for look in range(1, 6):
        scene.show((0, person_box(100 + 100 * (look % 2), 240, 200)))
    assert scene.tracker.tracks == []


def test_unseen_newcomer_is_dropped_at_once() -> None:
    scene = Scene()
    scene.show((-1, person_box(100, 240, 200)))
    scene.show()
    assert scene.tracker.tracks == []


def test_prediction_follows_a_steady_walk() -> None:
    scene = Scene(person_box(100, 240, 200))
    for frame in range(1, 20):
        scene.show((0, person_box(100 + 8 * frame, 240 + 2 * frame, 200)))
    predicted = scene.tracker.predict(scene.stamp + 1 / 30, SIZE, SETTINGS)[0]
    np.testing.assert_allclose(predicted, person_box(260, 280, 200), atol=1.0)


def test_prediction_is_by_time_and_not_by_frame() -> None:
    scene = Scene(person_box(100, 240, 200))
    for frame in range(1, 20):
        scene.show((0, person_box(100 + 8 * frame, 240, 200)))
    predicted = scene.tracker.predict(scene.stamp + 5 / 30, SIZE, SETTINGS)[0]
    np.testing.assert_allclose(predicted, person_box(252 + 5 * 8, 240, 200), atol=2.0)


def test_repeated_stamp_does_not_make_anybody_fly() -> None:
    scene = Scene(person_box(100, 240, 200))
    for shift in (3, 0, 3, 0):
        scene.tracker.predict(scene.stamp, SIZE, SETTINGS)
        scene.tracker.update(observations_of((0, person_box(100 + shift, 240, 200))), SETTINGS)
    predicted = scene.tracker.predict(scene.stamp + 1 / 30, SIZE, SETTINGS)[0]
    np.testing.assert_allclose(predicted, person_box(100, 240, 200), atol=3.0)


def test_unseen_person_coasts_and_ends_after_the_timeout() -> None:
    scene = Scene(person_box(300, 240, 200))
    for _ in range(14):  # 14/30 s < 0.5 s
        scene.show()
        assert [track.id for track in scene.tracker.predicted()] == [1]
    scene.show()
    scene.show()
    assert scene.tracker.predicted() == []
    assert scene.tracker.tracks == []


def test_person_seen_again_within_the_timeout_keeps_the_id() -> None:
    scene = Scene(person_box(300, 240, 200))
    for _ in range(10):
        scene.show()
    assert scene.show((0, person_box(310, 240, 200))) == [1]
    assert scene.tracker.predicted() == []


def test_ids_are_never_given_twice() -> None:
    scene = Scene(person_box(300, 240, 200))
    scene.tracker.reset()
    scene.show((-1, person_box(300, 240, 200)))
    assert scene.show((0, person_box(300, 240, 200))) == [2]


def test_person_who_leaves_the_picture_is_forgotten_at_once() -> None:
    scene = Scene(person_box(600, 240, 200))
    for frame in range(1, 20):
        scene.show((0, person_box(600 + 3 * frame, 240, 200)))
    assert len(scene.tracker.tracks) == 1
    for _ in range(10):
        scene.show()
    assert scene.tracker.tracks == []


def test_search_does_not_double_a_known_person() -> None:
    box = person_box(300, 240, 200)
    scene = Scene(box)
    rough = tuple(np.array(box) + (8, -6, -4, 9))
    assert scene.show((0, box), (-1, rough)) == [1, 0]
    assert len(scene.tracker.tracks) == 1


def test_two_windows_on_one_person_make_one_track() -> None:
    box = person_box(300, 240, 200)
    scene = Scene()
    scene.show((-1, box), (-1, tuple(np.array(box) + 3)))
    assert len(scene.tracker.tracks) == 1


def test_of_two_tracks_on_one_person_the_right_one_stays() -> None:
    left, right = person_box(200, 240, 200), person_box(300, 240, 200)
    scene = Scene(left, right)
    assert scene.show((0, right), (1, right)) == [0, 2]
    assert [track.id for track in scene.tracker.predicted()] == [1]
    assert scene.show((0, left), (1, right)) == [1, 2]


def test_two_people_who_cross_keep_their_ids() -> None:
    def at(frame: int) -> tuple[Box, Box]:
        return person_box(150 + 8 * frame, 240, 220), person_box(450 - 8 * frame, 250, 200)

    scene = Scene(*at(0))
    for frame in range(1, 39):
        one, other = at(frame)
        # While they overlap most, both crops show the one in front.
        hidden = abs(one[0] - other[0]) < 20
        ids = scene.show((0, one), (1, one if hidden else other))
        assert ids[0] == 1
    assert ids == [1, 2]


def test_people_beyond_the_limit_are_not_followed() -> None:
    scene = Scene()
    people = [(-1, person_box(60 + 120 * column, 240, 200)) for column in range(5)]
    scene.show(*people)
    assert len(scene.tracker.tracks) == SETTINGS.max_people


def test_fewer_people_are_followed_once_the_limit_falls() -> None:
    scene = Scene(*(person_box(60 + 120 * column, 240, 200) for column in range(4)))
    scene.tracker.update(observations_of(), EstimatorSettings(max_people=2))
    assert [track.id for track in scene.tracker.tracks] == [1, 2]


def test_one_bad_frame_does_not_collapse_the_box() -> None:
    scene = Scene(person_box(300, 240, 200))
    scene.show((0, person_box(300, 180, 40)))
    box = scene.tracker.predict(scene.stamp, SIZE, SETTINGS)[0]
    assert box[3] - box[1] > 160


def test_a_new_box_may_grow_at_once() -> None:
    scene = Scene(person_box(300, 240, 200))
    scene.show((0, person_box(300, 240, 300)))
    box = scene.tracker.predict(scene.stamp, SIZE, SETTINGS)[0]
    assert box[3] - box[1] == pytest.approx(300, abs=1)


def test_iou_of_known_boxes() -> None:
    one = np.array([[0, 0, 10, 10], [0, 0, 0, 0], [np.nan] * 4])
    other = np.array([[5, 0, 15, 10], [0, 0, 10, 10], [20, 20, 30, 30]])
    np.testing.assert_allclose(boxes.iou(one, other), [[1 / 3, 1, 0], [0, 0, 0], [0, 0, 0]])
    assert boxes.iou(one, np.zeros((0, 4))).shape == (3, 0)


def test_box_around_known_keypoints() -> None:
    points = np.array([[[1, 2], [5, 4], [np.nan, 9]], [[1, 2], [np.nan, 0], [0, np.nan]]])
    around = boxes.around(points)
    np.testing.assert_array_equal(around[0], [1, 2, 5, 4])
    assert np.isnan(around[1]).all()


@given(
    st.tuples(*[st.floats(-1000, 2000)] * 4),
    st.integers(1, 2000),
    st.integers(1, 2000),
)
def test_clipped_box_lies_in_the_image_and_has_an_extent(
    corners: Box, width: int, height: int
) -> None:
    x0, x1 = sorted((corners[0], corners[2]))
    y0, y1 = sorted((corners[1], corners[3]))
    box = boxes.clip(np.array([x0, y0, x1, y1]), (width, height))
    slack = boxes.SMALLEST / 2 + 1e-3
    assert (box[2:] - box[:2] >= boxes.SMALLEST - 1e-3).all()
    assert (box[:2] >= -slack).all()
    assert box[2] <= width - 1 + slack
    assert box[3] <= height - 1 + slack


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
    colours = np.eye(COLOURS, dtype=np.float32)[[colour for *_, colour, _ in seen]]
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
