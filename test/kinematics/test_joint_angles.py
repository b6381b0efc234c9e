"""Joint angles: forward and back, mirrored people, unknown keypoints, straight limbs."""

import numpy as np
from posed_people import angles_of, keypoints
import pytest
from scipy.spatial.transform import Rotation
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.human_model import (
    ANGLES,
    BODY_SIZES,
    forward_kinematics,
    JOINT_RANGES,
    LINKS,
    mirrored_angles,
)
from unihpe_ros.kinematics.joint_angles import body_angles


def random_angles(count, seed=0):
    """Draw angles well within the limits, with bent limbs and without singular ones."""
    rng = np.random.default_rng(seed)
    low, high = JOINT_RANGES.T
    angles = rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low), (count, len(ANGLES)))
    for side in 'lr':
        angles[:, ANGLES.index(f'{side}_p_shoulder')] = rng.uniform(0.3, 2.6, count)
        angles[:, ANGLES.index(f'{side}_r_shoulder')] = rng.uniform(-1.2, 1.2, count)
        angles[:, ANGLES.index(f'{side}_elbow')] = rng.uniform(0.4, 2.4, count)
        angles[:, ANGLES.index(f'{side}_knee')] = rng.uniform(-2.4, -0.4, count)
        angles[:, ANGLES.index(f'{side}_p_hip')] = rng.uniform(-0.6, 1.2, count)
    return angles


def test_angles_come_back_from_the_keypoints_of_a_body():
    angles = random_angles(200)
    found = body_angles(keypoints(angles), known_bend=0.0)
    np.testing.assert_allclose(found.angles, angles, atol=1e-6)
    np.testing.assert_allclose(found.rotations, np.tile(np.eye(3), (200, 1, 1)), atol=1e-6)
    for name, value in BODY_SIZES.items():
        # The head is nearer to the neck the more it is bent.
        if name != 'neck':
            np.testing.assert_allclose(found.sizes[name], value, atol=1e-6)


def test_angles_do_not_depend_on_where_somebody_is_and_looks():
    angles = random_angles(20)
    turn = Rotation.random(random_state=1).as_matrix()
    found = body_angles(keypoints(angles) @ turn.T + (1, 2, 3), known_bend=0.0)
    np.testing.assert_allclose(found.angles, angles, atol=1e-6)
    np.testing.assert_allclose(found.rotations, np.tile(turn, (20, 1, 1)), atol=1e-6)
    np.testing.assert_allclose(found.origins, np.tile((1.0, 2.0, 3.0), (20, 1)), atol=1e-6)


@pytest.mark.parametrize('known_bend', [0.0, 0.15])
def test_people_in_a_mirror_have_mirrored_angles(known_bend):
    points = keypoints(random_angles(50))
    mirrored = (points * (1, -1, 1))[:, UNION.flip_indices]
    np.testing.assert_allclose(
        body_angles(mirrored, known_bend).angles,
        mirrored_angles(body_angles(points, known_bend).angles),
        atol=1e-6,
    )


def test_a_raised_arm_a_bent_knee_and_a_seat_have_the_signs_of_human_description():
    forward, aside = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    _, places = forward_kinematics(
        angles_of(l_y_shoulder=np.pi / 2, l_p_shoulder=np.pi / 2, r_p_shoulder=np.pi / 2,
                  l_r_hip=np.pi / 2, l_knee=-np.pi / 2, waist=0.5, p_head=0.5)
    )  # fmt: skip
    at = dict(zip(LINKS, places[0], strict=True))
    upper = BODY_SIZES['upper_arm']
    tilt = Rotation.from_rotvec([0, 0.5, 0]).apply
    np.testing.assert_allclose(at['l_elbow'] - at['l_shoulder'], upper * tilt(forward), atol=1e-9)
    np.testing.assert_allclose(at['r_elbow'] - at['r_shoulder'], -upper * aside, atol=1e-9)
    np.testing.assert_allclose(
        at['l_knee'] - at['l_hip'], BODY_SIZES['thigh'] * forward, atol=1e-9
    )
    np.testing.assert_allclose(
        at['l_ankle'] - at['l_knee'], (0, 0, -BODY_SIZES['shin']), atol=1e-9
    )
    assert at['torso'][0] > 0.2


def test_limits_hold():
    found = body_angles(keypoints(angles_of(l_elbow=3.1, r_knee=-3.1)), known_bend=0.0).angles[0]
    assert found[ANGLES.index('l_elbow')] == JOINT_RANGES[ANGLES.index('l_elbow'), 1]
    assert found[ANGLES.index('r_knee')] == JOINT_RANGES[ANGLES.index('r_knee'), 0]


def test_what_depends_on_an_unknown_keypoint_is_unknown_and_nothing_else_is():
    points = np.tile(keypoints(random_angles(1)), (3, 1, 1))
    points[0, UNION.index('left_wrist')] = np.nan
    points[1, UNION.indices('nose', 'left_eye', 'right_eye', 'head_top')] = np.nan
    points[2] = np.nan
    unknown = [
        {ANGLES[k] for k in np.flatnonzero(np.isnan(row))} for row in body_angles(points).angles
    ]
    # Without a wrist the upper arm still points somewhere.
    assert unknown == [{'l_elbow'}, {'r_head', 'y_head', 'p_head'}, set(ANGLES)]
    assert np.isfinite(body_angles(points[:1]).sizes['forearm']).all()
    assert body_angles(points[:0]).angles.shape == (0, 22)


def test_points_that_coincide_have_no_angles_and_raise_no_warning():
    with np.errstate(all='raise'):
        assert np.isnan(body_angles(np.zeros((2, 26, 3))).angles).all()


def test_nothing_jumps_where_an_arm_hangs_becomes_straight_or_points_up():
    """Turn an arm in small steps through each; the limb never turns faster than its bones."""
    steps = np.linspace(-1, 1, 401)
    zero = np.zeros_like(steps)
    name = {n: ANGLES.index(n) for n in ANGLES}
    moves = {
        'hanging': {'l_p_shoulder': 0.2 * steps, 'l_elbow': zero + 0.3},
        'straight': {'l_p_shoulder': zero + 1, 'l_elbow': 0.5 * np.abs(steps)},
        'up': {'l_y_shoulder': zero + 0.8, 'l_p_shoulder': zero + 2.9, 'l_elbow': zero + 0.02,
               'l_r_shoulder': 0.3 * steps},
    }  # fmt: skip
    for move, values in moves.items():
        angles = np.zeros((len(steps), len(ANGLES)))
        for joint, value in values.items():
            angles[:, name[joint]] = value
        found = body_angles(keypoints(angles)).angles
        turned = Rotation.from_matrix(forward_kinematics(found)[0][:, LINKS.index('l_elbow')])
        jumps = (turned[1:] * turned[:-1].inv()).magnitude()
        assert jumps.max() < 0.1, move
