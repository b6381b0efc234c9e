"""Recognition of gestures, from people whose arms are held and moved in given ways."""

from gesturing_people import follow, with_arms
import numpy as np
from posed_people import angles_of, keypoints
import pytest
from scipy.spatial.transform import Rotation
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.arm_directions import arm_directions, mirrored_arms
from unihpe_ros.kinematics.gesture_gallery import (
    Gallery,
    KnownGesture,
    POSE_LIMIT,
    RATE,
    STEPS,
)
from unihpe_ros.kinematics.gestures import GestureRecogniser
from unihpe_ros.kinematics.starter_gestures import STARTER, starter_gestures
from unihpe_ros.kinematics.time_warping import warped_distances

SECONDS = 3.0
POSES = [name for name, one in starter_gestures().items() if not one.is_movement]
MOVEMENTS = [name for name in STARTER if name not in POSES]


def recogniser(*names):
    return GestureRecogniser(Gallery(names or STARTER))


def swinging(name, speed=1.0):
    """Return the arms of somebody who goes on with an example of a movement."""
    # In the middle of the rates that there are examples of.
    example = starter_gestures()[name].examples[len(starter_gestures()[name].examples) // 2]
    times = np.arange(round(SECONDS * RATE)) * speed
    # There and back, so that it goes on for longer than an example.
    steps = np.abs((times + STEPS - 1) % (2 * (STEPS - 1)) - (STEPS - 1))
    before = np.minimum(steps.astype(int), STEPS - 2)
    share = (steps - before)[:, None]
    return (1 - share) * example[before] + share * example[before + 1]


@pytest.mark.parametrize('yaw', [0.0, 2.0])
@pytest.mark.parametrize('name', POSES)
def test_a_pose_that_is_held_is_seen_from_any_side(name, yaw):
    arms = np.repeat(starter_gestures()[name].examples[:1], 12, axis=0)
    seen = follow(recogniser(), with_arms(arms, yaw))
    assert seen[0] == ''
    assert set(seen[5:]) == {name}


@pytest.mark.parametrize('speed', [0.8, 1.25])
@pytest.mark.parametrize('name', MOVEMENTS)
def test_a_movement_is_seen_at_other_speeds(name, speed):
    seen = follow(recogniser(), with_arms(swinging(name, speed)))
    assert name in seen[20:]


@pytest.mark.parametrize(
    'angles',
    [
        {},
        {'l_elbow': 1.4},
        {'l_y_shoulder': np.pi / 2, 'l_p_shoulder': 0.5, 'l_elbow': 0.5},
    ],
)
def test_arms_that_hang_or_carry_make_no_gesture(angles):
    points = np.repeat(keypoints(angles_of(**angles)), 25, axis=0)
    assert set(follow(recogniser(), points)) == {''}


def test_arms_that_swing_as_in_walking_make_no_gesture():
    swing = 0.45 * np.sin(2 * np.pi * 0.9 * np.arange(30) / RATE)
    angles = [
        angles_of(l_y_shoulder=np.pi / 2, l_p_shoulder=s, r_y_shoulder=np.pi / 2, r_p_shoulder=-s)[
            0
        ]
        for s in swing
    ]
    assert set(follow(recogniser(), keypoints(np.array(angles)))) == {''}


def test_a_still_arm_in_the_middle_of_a_wave_does_not_wave():
    middle = starter_gestures()['waving'].examples[0].mean(0, keepdims=True)
    seen = follow(recogniser('waving'), with_arms(np.repeat(middle, 30, axis=0)))
    assert set(seen) == {''}


def test_what_the_other_hand_does_hardly_matters_for_one_hand():
    arms = np.repeat(starter_gestures()['left_hand_raised'].examples[:1], 12, axis=0)
    pocket = arm_directions(keypoints(angles_of(r_p_shoulder=0.35, r_elbow=0.6)))[:, 6:]
    arms[:, 6:] = pocket
    assert follow(recogniser(), with_arms(arms))[-1] == 'left_hand_raised'


def test_a_gesture_ends_with_the_pose_and_begins_anew():
    raised = with_arms(np.repeat(starter_gestures()['arms_spread'].examples[:1], 10, axis=0))
    hanging = np.repeat(keypoints(angles_of()), 15, axis=0)
    seen = follow(recogniser(), np.concatenate([raised, hanging, raised]))
    assert seen[9] == 'arms_spread'
    assert seen[24] == ''
    assert seen[-1] == 'arms_spread'


def test_duration_and_distance_are_told():
    one = recogniser('arms_spread')
    points = with_arms(starter_gestures()['arms_spread'].examples[:1])
    for frame in range(20):
        (seen,) = one.update([7], points, 5 + frame / RATE)
    assert seen.since == pytest.approx(5.0, abs=0.11)
    assert 0 <= seen.distance < 0.05


def test_people_are_followed_each_on_their_own_and_forgotten():
    one = recogniser()
    spread = with_arms(starter_gestures()['arms_spread'].examples[:1])
    both = np.concatenate([spread, keypoints(angles_of())])
    for frame in range(10):
        seen = one.update([1, 2], both, frame / RATE)
    assert [gesture.name for gesture in seen] == ['arms_spread', '']
    assert one.update([2], both[1:], 1.0)[0].name == ''
    # Whoever comes back, or is seen after the clock was set back, begins anew.
    assert one.update([1], spread, 1.1)[0].name == ''
    assert one.update([1], spread, 0.5)[0].name == ''


def test_images_at_a_high_rate_are_compared_ten_times_a_second(monkeypatch):
    one, asked = recogniser(), []
    compare = one._compare
    monkeypatch.setattr(one, '_compare', lambda *given: asked.append(given) or compare(*given))
    points = np.repeat(with_arms(starter_gestures()['stop'].examples[:1]), 60, axis=0)
    assert follow(one, points, rate=60.0)[-1] == 'stop'
    assert 9 <= len(asked) <= 12


def test_unknown_arms_are_no_gesture_and_no_error():
    points = with_arms(np.repeat(starter_gestures()['arms_spread'].examples[:1], 30, axis=0))
    points[:, UNION.index('left_wrist')] = np.nan
    assert set(follow(recogniser(), points)) == {''}


def test_a_moment_of_unknown_arms_does_not_end_a_gesture():
    points = with_arms(np.repeat(starter_gestures()['arms_spread'].examples[:1], 14, axis=0))
    points[10:13] = np.nan
    assert follow(recogniser(), points)[-1] == 'arms_spread'


def test_what_is_recorded_as_rest_is_no_gesture():
    spread = starter_gestures()['arms_spread'].examples[:1]
    gallery = Gallery(STARTER).with_gesture(KnownGesture('rest', spread, POSE_LIMIT))
    points = with_arms(np.repeat(spread, 10, axis=0))
    assert set(follow(GestureRecogniser(gallery), points)) == {''}


def test_nobody_and_an_empty_gallery():
    assert recogniser().update([], np.zeros((0, 26, 3)), 0.0) == []
    assert set(follow(GestureRecogniser(Gallery()), with_arms(np.ones((9, 12))))) == {''}


def test_a_recorded_gesture_is_recognised_beside_the_starter_ones():
    salute = arm_directions(keypoints(angles_of(r_p_shoulder=1.5, r_elbow=2.3)))
    known = KnownGesture('salute', salute, 0.5)
    one = GestureRecogniser(Gallery(STARTER).with_gesture(known))
    assert follow(one, with_arms(np.repeat(salute, 10, axis=0)))[-1] == 'salute'


def test_directions_do_not_depend_on_the_view_and_are_mirrored():
    angles = angles_of(l_p_shoulder=1.0, l_elbow=0.5, r_p_shoulder=0.2)
    mirrored = angles_of(r_p_shoulder=1.0, r_elbow=0.5, l_p_shoulder=0.2)
    points = keypoints(angles)
    turned = points @ Rotation.from_euler('xyz', (0.3, -0.8, 2.0)).as_matrix() + (1, 2, 3)
    np.testing.assert_allclose(arm_directions(turned), arm_directions(points), atol=1e-9)
    other = mirrored_arms(arm_directions(points))
    np.testing.assert_allclose(arm_directions(keypoints(mirrored)), other, atol=1e-9)


def test_warping_takes_another_speed_and_no_standstill():
    times = np.arange(12.0)
    example = np.sin(0.5 * times)[None, :, None]
    slower, still = np.sin(0.4 * times), np.zeros(12)
    sequences = np.stack([example[0, :, 0], slower, still])[..., None]
    equal, near, far = warped_distances(sequences, example, np.ones((1, 1)))[:, 0]
    straight = np.abs(slower - example[0, :, 0]).mean()
    assert equal == pytest.approx(0, abs=1e-6)
    assert near < 0.6 * straight
    assert far > 0.4
