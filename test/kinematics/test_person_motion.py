"""Motion of people: velocities, standard deviations, gaps, and what is added to them."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from unihpe_ros.kinematics.person_motion import PeopleMotion

CAMERA, UP = np.zeros(3), np.array([0.0, -1.0, 0.0])


def walk(motion, seconds=3.0, velocity=(1.0, 0.0, 0.0), noise=0.0, start=0.0, measured=None):
    """Let one person walk past at 4 m, and return what is known of them at the end."""
    rng = np.random.default_rng(0)
    for stamp in np.arange(0, seconds, 1 / 30):
        place = np.array([-1, 0, 4]) + stamp * np.array(velocity) + noise * rng.normal(size=3)
        found = motion.update([7], place[None], start + stamp, CAMERA, UP, measured)
    return found[0][0], found[1][0], place


def test_a_velocity_is_found_through_noise():
    state, sigma, place = walk(PeopleMotion(), noise=0.02)
    np.testing.assert_allclose(state[:3], place, atol=0.05)
    np.testing.assert_allclose(state[3:], (1, 0, 0), atol=0.15)
    assert (sigma > 0).all()


def test_depth_is_less_sure_than_what_is_across_and_surer_where_it_was_measured():
    _, guessed, _ = walk(PeopleMotion(), velocity=(0.3, 0, 0))
    _, measured, _ = walk(PeopleMotion(), velocity=(0.3, 0, 0), measured=np.ones(1, bool))
    assert guessed[2] > 3 * guessed[0]
    assert measured[2] < 0.5 * guessed[2]


def test_whoever_is_not_seen_goes_on_and_is_less_sure():
    motion = PeopleMotion()
    _, sigma, place = walk(motion)
    unseen = np.full((1, 3), np.nan)
    later, more = motion.update([7], unseen, 3.4, CAMERA, UP)
    np.testing.assert_allclose(later[0, 0], place[0] + 3.4 - 89 / 30, atol=0.05)
    assert (more[0] > sigma).all()


@pytest.mark.parametrize('stamp', [1.0, 9.0])
def test_time_that_jumps_and_people_who_left_begin_anew(stamp):
    motion = PeopleMotion()
    walk(motion)
    state, sigma = motion.update([7], np.array([[0, 0, 2.0]]), stamp, CAMERA, UP)
    np.testing.assert_array_equal(state, [[0, 0, 2, 0, 0, 0]])
    assert sigma[0, 3] == pytest.approx(1.0, abs=0.01)


def test_people_come_go_and_change_places():
    motion = PeopleMotion()
    places = np.array([[0, 0, 2.0], [1, 0, 3.0]])
    motion.update([1, 2], places, 0.0, CAMERA, UP)
    states, sigmas = motion.update([2, 3], places[[1, 0]], 0.1, CAMERA, UP)
    np.testing.assert_allclose(states[:, :3], places[[1, 0]], atol=1e-6)
    states, sigmas = motion.update([3, 4], np.full((2, 3), np.nan), 0.2, CAMERA, UP)
    assert np.isfinite(states[0]).all()
    assert np.isnan(states[1]).all()
    assert np.isnan(sigmas[1]).all()
    assert motion.update([], np.zeros((0, 3)), 0.3, CAMERA, UP)[0].shape == (0, 6)


def test_velocities_are_of_the_ground_while_the_frame_of_the_places_turns_and_drives():
    """A camera on a robot that drives past: who stands has no velocity, who walks has theirs."""
    motion, stays = PeopleMotion(), PeopleMotion()
    world = np.array([[0.0, 0, 4], [1, 0, 5]])
    for stamp in np.arange(0, 2, 1 / 15):
        turn = Rotation.from_euler('y', 0.4 * stamp).as_matrix()
        frame = np.eye(4)
        frame[:3, :3], frame[:3, 3] = turn, turn @ (-0.5 * stamp, 0, -0.3 * stamp)
        walked = world + np.outer([0, 1], [0.8 * stamp, 0, 0])
        places = walked @ turn.T + frame[:3, 3]
        states, _ = motion.update([1, 2], places, stamp, CAMERA, UP, frame_from_world=frame)
        ignorant, _ = stays.update([1, 2], places, stamp, CAMERA, UP)
    np.testing.assert_allclose(states[:, :3], places, atol=0.03)
    np.testing.assert_allclose(states[0, 3:], 0, atol=1e-6)
    np.testing.assert_allclose(states[1, 3:], turn @ (0.8, 0, 0), atol=0.1)
    assert np.linalg.norm(ignorant[0, 3:]) > 0.5
