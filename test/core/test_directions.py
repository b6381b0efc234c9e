"""Smallest rotations between directions."""

import math

from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from unihpe_ros.core.directions import rotation_to_axis, smallest_rotation

DIRECTIONS = (
    arrays(np.float64, 3, elements=st.floats(-1, 1))
    .filter(lambda vector: np.linalg.norm(vector) > 0.1)
    .map(lambda vector: vector / np.linalg.norm(vector))
)


@given(DIRECTIONS, DIRECTIONS)
def test_one_direction_is_turned_into_the_other_by_the_angle_between_them(start, end):
    turn = smallest_rotation(start, end)
    cosine = float(start @ end)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=2e-5)
    if cosine > -0.999:
        np.testing.assert_allclose(turn @ start, end, atol=1e-9)
        assert np.trace(turn) == pytest.approx(1 + 2 * cosine, abs=1e-9)


def test_nearly_opposite_directions_are_turned_by_a_rotation_still():
    for apart in (1e-7, 1e-5, 1.4e-3, 1.5e-3):
        start = np.array([1.0, apart, 0]) / np.hypot(1, apart)
        turn = smallest_rotation(start, np.array([-1.0, 0, 0]))
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=2e-5)


def test_opposite_directions_leave_the_axis_open():
    assert smallest_rotation(np.array([0, 0, 1.0]), np.array([0, 0, -1.0])).tolist() == (
        np.eye(3).tolist()
    )


def test_many_directions_are_turned_at_once():
    starts = Rotation.random(4, random_state=0).apply([1, 0, 0])[:, None]
    ends = Rotation.random(3, random_state=1).apply([1, 0, 0])
    turns = smallest_rotation(starts, ends)
    assert turns.shape == (4, 3, 3, 3)
    np.testing.assert_allclose(turns[2, 1], smallest_rotation(starts[2, 0], ends[1]))


@given(st.floats(-20, 20), st.floats(-20, 20))
def test_rotation_brings_its_ray_onto_the_axis(x: float, y: float) -> None:
    rotation = rotation_to_axis(np.array([x, y]))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    direction = np.array([x, y, 1]) / math.sqrt(x * x + y * y + 1)
    np.testing.assert_allclose(rotation @ direction, [0, 0, 1], atol=1e-9)
    # The smallest one: it turns by the angle between the ray and the axis, and by no more.
    assert np.trace(rotation) == pytest.approx(1 + 2 * direction[2])
