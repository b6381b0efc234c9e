"""Tracking, boxes and the search, on keypoints made by hand."""

from hypothesis import given, strategies as st
import numpy as np
import pytest
from tiny_model import person_box
from tracked_people import Box, observations_of, Scene, SETTINGS, SIZE
from unihpe_ros.core import boxes
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.tracker import Tracker


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
