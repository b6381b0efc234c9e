"""Posture and falls, from people in given joint angles."""

import numpy as np
from posed_people import angles_of, keypoints
import pytest
from scipy.spatial.transform import Rotation
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.posture import Posture, postures, PostureTracker, SeenPosture

UP = np.array([0.0, 0.0, 1.0])
ANKLES = UNION.indices('left_ankle', 'right_ankle')
STANDING, SITTING, KNEELING = Posture.STANDING, Posture.SITTING, Posture.KNEELING
LYING, FALLEN = Posture.LYING, Posture.FALLEN


def seen_of(points, up=UP):
    """Return the postures alone."""
    return [one.posture for one in postures(points, up)]


def both(**angles):
    """Return the angles of both legs."""
    return {f'{side}_{name}': value for side in 'lr' for name, value in angles.items()}


POSES = {
    'upright': (STANDING, {}),
    'in a stride': (STANDING, {'l_r_hip': 0.5, 'r_r_hip': -0.3, 'r_knee': -0.4}),
    'arms up': (STANDING, {'l_p_shoulder': 3.0, 'r_p_shoulder': 3.0}),
    'bent over': (STANDING, {'waist': 1.5}),
    'on a chair': (SITTING, both(r_hip=1.5, knee=-1.5)),
    'leaning back on a chair': (SITTING, both(r_hip=1.3, knee=-1.2)),
    'legs stretched on the floor': (SITTING, both(r_hip=1.5)),
    'knees up on the floor': (SITTING, both(r_hip=2.2, knee=-1.9)),
    'on both knees': (KNEELING, both(r_hip=0.05, knee=-1.6)),
    'on one knee': (KNEELING, {'l_r_hip': 1.5, 'l_knee': -1.6, 'r_knee': -1.6}),
    'on the heels': (KNEELING, both(r_hip=1.0, knee=-2.5)),
    'squatting': (KNEELING, both(r_hip=1.9, knee=-2.4)),
}


@pytest.mark.parametrize('name', POSES)
def test_a_posture_is_known_from_any_side(name):
    posture, angles = POSES[name]
    points = keypoints(angles_of(**angles))
    turns = Rotation.from_rotvec([(0, 0, yaw) for yaw in np.linspace(0, 6, 7)]).as_matrix()
    assert seen_of(points @ turns.transpose(0, 2, 1)) == 7 * [posture]
    # The optical frame of a camera: y points down.
    camera = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]])
    assert seen_of(points @ camera.T, np.array([0, -1.0, 0])) == [posture]


@pytest.mark.parametrize(
    'turn', [(0, 1.6, 0), (0, -1.6, 0), (1.6, 0, 0), (-1.5, 0, 0.3), (0, 1.3, 0)]
)
@pytest.mark.parametrize(
    'angles',
    [
        {},
        both(r_hip=0.6, knee=-0.8),
        # The arms point away from the chest, and up from somebody on their back.
        both(p_shoulder=1.6),
    ],
)
def test_people_lie_on_back_belly_and_sides(turn, angles):
    points = keypoints(angles_of(**angles)) @ Rotation.from_rotvec(turn).as_matrix().T
    assert seen_of(points) == [LYING]


def test_what_can_not_be_known_is_unknown():
    points = np.tile(keypoints(angles_of()), (4, 1, 1))
    points[0, UNION.index('left_knee')] = np.nan
    points[1, UNION.indices('left_knee', 'right_knee')] = np.nan
    points[2, UNION.index('left_shoulder_joint')] = np.nan
    points[3] = 0
    assert seen_of(points) == [STANDING, *3 * [Posture.UNKNOWN]]
    assert seen_of(points[:0]) == []


def as_seen(one):
    return one if isinstance(one, SeenPosture) else SeenPosture(one)


def follow(seen, rate=10.0, tracker=None, start=0.0):
    """Return what becomes of one person's postures, given for one moment after the other."""
    tracker = tracker or PostureTracker()
    return [tracker.update([7], [as_seen(one)], start + k / rate)[0] for k, one in enumerate(seen)]


def test_whoever_lies_within_a_second_of_standing_fell_until_they_rise():
    fall = follow(
        [*10 * [STANDING], *3 * [SITTING], *20 * [LYING], *5 * [SITTING], *10 * [STANDING]]
    )
    assert fall[:10] == 10 * [STANDING]
    assert fall[10 + 3 + 3] is FALLEN  # 0.3 s later
    assert set(fall[16:33]) == {FALLEN}
    assert fall[-1] is STANDING
    assert FALLEN not in fall[37:]


def test_whoever_lies_down_slowly_or_was_never_seen_to_stand_did_not_fall():
    assert FALLEN not in follow([*10 * [STANDING], *15 * [KNEELING], *30 * [LYING]])
    assert set(follow(20 * [LYING])) == {LYING}


def test_a_moment_changes_nothing():
    seen = [*10 * [STANDING], SITTING, LYING, *10 * [STANDING], Posture.UNKNOWN, STANDING]
    assert set(follow(seen)) == {STANDING}


def test_whoever_stirs_on_the_floor_has_still_fallen():
    fall = follow([*10 * [STANDING], *20 * [LYING], SITTING, *20 * [LYING]])
    assert set(fall[14:]) == {FALLEN}


def test_time_that_goes_back_and_people_who_leave_are_forgotten():
    tracker = PostureTracker()
    follow(10 * [STANDING], tracker=tracker, start=100.0)
    assert set(follow(10 * [LYING], tracker=tracker)) == {LYING}
    follow(10 * [STANDING], tracker=tracker, start=1.0)
    tracker.update([], [], 2.0)
    assert set(follow(10 * [LYING], tracker=tracker, start=2.1)) == {LYING}


@pytest.mark.parametrize(
    ('posture', 'angles', 'turn'),
    [
        (STANDING, {}, (0, 0, 0)),
        (STANDING, {'waist': 1.5}, (0, 0, 0)),
        (SITTING, both(r_hip=1.5, knee=-1.5), (0, 0, 0)),
        (LYING, {}, (0, 1.6, 0)),
        (LYING, both(r_hip=0.6, knee=-0.8), (1.5, 0, 0.3)),
    ],
)
def test_without_ankles_a_posture_is_known_by_thighs_and_trunk(posture, angles, turn):
    points = keypoints(angles_of(**angles)) @ Rotation.from_rotvec(turn).as_matrix().T
    points[:, list(ANKLES)] = np.nan
    (one,) = postures(points, UP)
    assert one.posture is posture
    assert not one.is_whole
    assert one.leg == pytest.approx(0.82, abs=0.05)


def test_a_fall_is_known_without_ankles_by_how_deep_the_hips_drop():
    def guess(posture, height):
        return SeenPosture(posture, height, 0.82, is_whole=False)

    before = 10 * [guess(STANDING, 0.9)]
    assert follow([*before, *10 * [guess(LYING, 0.2)]])[-1] is FALLEN
    # Whoever sits down and bends forward drops less.
    assert set(follow([*before, *10 * [guess(LYING, 0.6)]])[13:]) == {LYING}
    assert follow([*before, *10 * [guess(LYING, np.nan)]])[-1] is LYING


def test_who_kneels_does_not_stand_up_when_the_ankles_are_hidden():
    standing = SeenPosture(STANDING, is_whole=False)
    assert set(follow([*10 * [KNEELING], *20 * [standing]])) == {KNEELING}


def test_moments_without_a_posture_do_not_interrupt_one():
    seen = [*10 * [STANDING], *10 * [LYING, Posture.UNKNOWN]]
    assert follow(seen)[-1] is FALLEN
