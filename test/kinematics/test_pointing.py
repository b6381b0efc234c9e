"""Pointing, from people in given joint angles."""

import numpy as np
from posed_people import angles_of, keypoints
import pytest
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.pointing import pointing_rays

UP = np.array([0.0, 0.0, 1.0])
FORWARD = {'r_y_shoulder': np.pi / 2}


def test_a_stretched_arm_points_ahead_and_its_ray_ends_on_the_ground():
    points = keypoints(angles_of(**FORWARD, r_p_shoulder=1.3)) + (0, 0, 0.9)
    (ray,) = pointing_rays(points)
    assert ray.person == 0
    assert ray.direction[0] > 0.8
    np.testing.assert_allclose(ray.origin, points[0, UNION.index('right_wrist')])
    place, sigma = ray.on_ground(UP)
    assert place[2] == pytest.approx(0, abs=1e-9)
    assert 1.5 < place[0] < 6
    # Half the angle between the lines from shoulder and eyes, and the keypoints' errors.
    assert 0.1 < ray.sigma < 0.4
    assert sigma > ray.sigma * np.linalg.norm(place - ray.origin)


def test_a_ray_that_does_not_fall_has_no_end():
    (ray,) = pointing_rays(keypoints(angles_of(**FORWARD, r_p_shoulder=2.4)) + (0, 0, 0.9))
    place, sigma = ray.on_ground(UP)
    assert np.isnan(place).all()
    assert np.isnan(sigma)


@pytest.mark.parametrize(
    'angles',
    [
        {},
        {'l_p_shoulder': 0.3},
        {'l_p_shoulder': 1.5, 'l_elbow': 1.2},
        {**FORWARD, 'r_p_shoulder': 1.5, 'r_elbow': 2.0},
    ],
)
def test_an_arm_that_hangs_or_is_bent_does_not_point(angles):
    assert pointing_rays(keypoints(angles_of(**angles))) == []


def test_both_arms_point_and_what_is_unknown_does_not():
    points = np.tile(keypoints(angles_of(l_p_shoulder=1.4, r_p_shoulder=1.4)), (2, 1, 1))
    points[1, UNION.index('left_wrist')] = np.nan
    points[1, UNION.index('left_eye')] = np.nan
    assert [ray.person for ray in pointing_rays(points)] == [0, 0, 1]
