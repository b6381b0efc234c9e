"""Examples of gestures from recordings of somebody's arms."""

import numpy as np
from posed_people import angles_of, keypoints
import pytest
from unihpe_ros.kinematics.arm_directions import arm_directions, mirrored_arms
from unihpe_ros.kinematics.gesture_examples import make_examples
from unihpe_ros.kinematics.gesture_gallery import GalleryError, STEPS

FPS = 30.0
HANGING, SALUTE = (
    arm_directions(keypoints(angles_of(**angles)))[0]
    for angles in ({}, {'r_p_shoulder': 1.5, 'r_elbow': 2.3})
)


def recorded(*parts):
    """Return moments and arms of poses that are held for so many images each."""
    arms = [pose for pose, count in parts for _ in range(count)]
    return np.arange(len(arms)) / FPS, arms


def circling(count, turns_a_second=1.0):
    angles = 2 * np.pi * turns_a_second * np.arange(count) / FPS
    held = [
        angles_of(r_p_shoulder=1.5 + 0.4 * np.cos(a), r_y_shoulder=0.4 * np.sin(a))[0]
        for a in angles
    ]
    return np.arange(count) / FPS, list(arm_directions(keypoints(np.array(held))))


def test_a_pose_between_hanging_arms_is_one_example_and_its_mirror_image():
    stamps, arms = recorded((HANGING, 30), (SALUTE, 45), (HANGING, 30))
    examples = make_examples(stamps, arms, 'auto', one_sided=False)
    np.testing.assert_allclose(examples, [SALUTE, mirrored_arms(SALUTE)], atol=1e-9)
    assert len(make_examples(stamps, arms, 'auto', one_sided=True)) == 1


def test_what_is_repeated_is_a_movement():
    examples = make_examples(*circling(120), 'auto', one_sided=True)
    # 4 s at ten steps a second: an example of twelve begins at every second one.
    assert examples.shape == (15, STEPS, 12)
    assert np.linalg.norm(np.diff(examples[0], axis=0), axis=-1).min() > 0.1


def test_a_long_recording_makes_no_more_than_32_examples():
    assert len(make_examples(*circling(900), 'movement', one_sided=True)) == 32


def test_a_slow_gesture_is_a_movement_if_asked_for():
    assert make_examples(*circling(120, 0.1), 'auto', one_sided=True).ndim == 2
    assert make_examples(*circling(120, 0.1), 'movement', one_sided=True).ndim == 3


def test_moments_of_unknown_arms_are_filled_in():
    stamps, arms = recorded((SALUTE, 60))
    arms[10:30] = [np.full(12, np.nan)] * 20
    np.testing.assert_allclose(make_examples(stamps, arms, 'auto', one_sided=True), [SALUTE])


def test_pictures_are_examples_each_on_its_own():
    examples = make_examples(
        [0, 1, 2], [HANGING, SALUTE, SALUTE], 'pose', one_sided=True, still=True
    )
    np.testing.assert_allclose(examples, [HANGING, SALUTE])


@pytest.mark.parametrize(
    ('given', 'kind', 'match'),
    [
        (recorded((np.full(12, np.nan), 9)), 'auto', 'whose arms can be seen; got nobody'),
        (
            recorded((SALUTE, 4)),
            'pose',
            'expected a pose that is held for 0.3 s or longer; it was for 0.2',
        ),
        (
            circling(20),
            'movement',
            r'a movement of 1.2 s or longer; it took 0.7 s: repeat it for a few seconds',
        ),
        (circling(60), 'pose', 'held for 0.3 s or longer; it was for 0.0 s: hold it still'),
    ],
)
def test_too_little_is_refused_with_the_cure(given, kind, match):
    with pytest.raises(GalleryError, match=match):
        make_examples(*given, kind, one_sided=True)
