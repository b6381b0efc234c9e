"""Galleries of gestures: what they hold, and their file."""

import json

import numpy as np
import pytest
from unihpe_ros.kinematics.arm_directions import FEATURES
from unihpe_ros.kinematics.gesture_gallery import (
    Gallery,
    GalleryError,
    KnownGesture,
    read_gallery,
    STEPS,
    write_gallery,
)
from unihpe_ros.kinematics.starter_gestures import open_gallery, STARTER

POSE = KnownGesture('salute', np.full((2, FEATURES), 0.5), 0.4, 'camera:0')
MOVEMENT = KnownGesture('stir', np.full((3, STEPS, FEATURES), 0.25), 0.6)


def test_a_gallery_is_read_as_it_was_written(tmp_path):
    path = tmp_path / 'mine.npz'
    write_gallery(path, Gallery(('stop', 'waving'), (POSE, MOVEMENT)))
    read = read_gallery(path, STARTER)
    assert read.names == ('stop', 'waving', 'salute', 'stir')
    for one, other in zip(read.recorded, (POSE, MOVEMENT), strict=True):
        assert (one.name, one.limit, one.source) == (other.name, other.limit, other.source)
        np.testing.assert_array_equal(one.examples, other.examples)
    assert [one.is_movement for one in read.recorded] == [False, True]
    assert list(tmp_path.iterdir()) == [path]


def test_the_starter_gallery_needs_no_file():
    assert open_gallery('starter').names == STARTER
    assert len(STARTER) == 12


def test_gestures_are_replaced_and_removed():
    gallery = Gallery(STARTER, (POSE,))
    other = KnownGesture('salute', np.zeros((1, FEATURES)), 0.3)
    assert gallery.with_gesture(other).recorded == (other,)
    assert gallery.without('stop').names == (*(n for n in STARTER if n != 'stop'), 'salute')
    assert gallery.without('salute').names == STARTER
    with pytest.raises(GalleryError, match='nod: expected one of left_hand_raised'):
        gallery.without('nod')


@pytest.mark.parametrize(
    ('content', 'match'),
    [
        (None, 'there is no such file: unihpe gestures record makes one'),
        (b'', 'expected a gallery that unihpe gestures record has written'),
        ({'version': 99}, 'expected a gallery of version 1; got 99: record its gestures again'),
        ({'version': 1, 'starter': ['nod'], 'recorded': []}, 'starter gestures nod are not known'),
        ({'version': 1, 'recorded': [{'name': 'a'}]}, 'that unihpe gestures record has written'),
    ],
)
def test_what_is_no_gallery_is_refused_by_name(tmp_path, content, match):
    path = tmp_path / 'mine.npz'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.savez(path, gallery=np.array(json.dumps(content)))
    with pytest.raises(GalleryError, match=match) as raised:
        open_gallery(str(path))
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ('name', 'examples', 'limit', 'match'),
    [
        ('Nod!', np.zeros((1, FEATURES)), 0.5, 'expected a name of lower case letters'),
        ('nod', np.zeros((0, FEATURES)), 0.5, 'expected examples'),
        ('nod', np.zeros((1, 5)), 0.5, r'got \(1, 5\)'),
        ('nod', np.full((1, FEATURES), np.nan), 0.5, 'expected finite examples'),
        ('nod', np.zeros((1, FEATURES)), 0.0, 'a limit above 0'),
    ],
)
def test_a_gesture_that_cannot_be_is_refused(name, examples, limit, match):
    with pytest.raises(ValueError, match=match):
        KnownGesture(name, examples, limit)
