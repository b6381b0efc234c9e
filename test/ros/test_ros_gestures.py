"""Gestures as messages: JSON, words of the markers, and nothing where nobody listens."""

from dataclasses import replace
import json
from types import SimpleNamespace

from gesturing_people import with_arms
import numpy as np
import pytest
from ros_fixtures import people
from std_msgs.msg import Header
from unihpe_ros.kinematics.gesture_gallery import GalleryError
from unihpe_ros.kinematics.gestures import NO_GESTURE, SeenGesture
from unihpe_ros.kinematics.starter_gestures import starter_gestures
from unihpe_ros.ros.gesture_output import GestureOutput, with_gestures
from unihpe_ros.ros.parameters import Parameters

HEADER = Header(frame_id='map')
HEADER.stamp.sec = 12


def output(listeners, sent):
    def create(kind, topic):
        assert (kind.__name__, topic) == ('String', 'gestures')
        return SimpleNamespace(get_subscription_count=lambda: listeners, publish=sent.append)

    return GestureOutput(create, 'starter')


def spread(count=1):
    points = with_arms(starter_gestures()['arms_spread'].examples[:1])
    poses = people(count)
    poses.keypoints_3d[:] = points
    return poses


def test_who_makes_which_gesture_is_told_as_json():
    sent = []
    gestures = output(1, sent)
    for frame in range(8):
        seen = gestures.publish(spread(), HEADER, 12 + 0.1 * frame, has_other_use=False)
    first, last = json.loads(sent[0].data), json.loads(sent[-1].data)
    assert first == {
        'stamp': {'sec': 12, 'nanosec': 0},
        'people': [{'person_id': 7, 'gesture': ''}],
    }
    (person,) = last['people']
    assert person['gesture'] == seen[0].name == 'arms_spread'
    assert person['confidence'] == pytest.approx(1, abs=0.05)
    assert person['duration_s'] == pytest.approx(0.7, abs=0.11)


def test_gestures_are_not_computed_while_nobody_listens(monkeypatch):
    sent = []
    gestures = output(0, sent)
    monkeypatch.setattr(gestures._recogniser, 'update', lambda *_: pytest.fail('computed'))
    assert gestures.publish(spread(), HEADER, 1.0, has_other_use=False) == []
    assert sent == []


def test_gestures_are_returned_for_other_topics():
    sent = []
    assert output(0, sent).publish(spread(2), HEADER, 1.0, has_other_use=True) == [NO_GESTURE] * 2
    assert sent == []


def test_markers_tell_the_gesture_behind_the_posture():
    seen = [SeenGesture('left_hand_raised', 0.1, 0.0), NO_GESTURE]
    told = with_gestures({7: 'standing', 8: 'sitting'}, [7, 8], seen)
    assert told == {7: 'standing  left hand raised', 8: 'sitting'}
    assert with_gestures({}, [7, 8], seen) == {7: 'left hand raised'}
    assert with_gestures({7: 'lying'}, [7, 8], []) == {7: 'lying'}


def test_no_gestures_unless_asked_for_and_the_starter_ones_with_ros4hri():
    assert Parameters().gesture_gallery == ''
    assert replace(Parameters(), ros4hri=True).gesture_gallery == 'starter'
    given = replace(Parameters(), ros4hri=True, gestures='mine.npz')
    assert given.gesture_gallery == 'mine.npz'


def test_a_gallery_that_is_not_there_is_named():
    with pytest.raises(
        GalleryError, match='expected a gallery of gestures; there is no such file'
    ):
        GestureOutput(lambda *_: np.pi, 'none.npz')
