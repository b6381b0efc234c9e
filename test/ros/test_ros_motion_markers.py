"""Markers of places and velocities: on the ground, as wide as the uncertainty, none if unknown."""

from dataclasses import replace

import numpy as np
from posed_people import angles_of, keypoints
import pytest
from ros_fixtures import people
from std_msgs.msg import Header
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.ros.motion_markers import motion_markers
from unihpe_ros.ros.people_states import PERSON, place_of
from unihpe_ros.ros.transforms import IDENTITY, Transform
from visualization_msgs.msg import Marker

HEADER = Header(frame_id='map')
# A camera 1.2 m over the ground that looks along x.
LOOKING = Transform(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), np.array([0, 0, 1.2]))
ANKLES = UNION.indices('left_ankle', 'right_ankle')


def person(in_camera=False, **state):
    """Make somebody who stands 3 m ahead, and their state."""
    points = keypoints(angles_of()) + (3, 0, 0.9)
    states = np.zeros(1, PERSON)
    states['person_id'], states['x'], states['z'] = 7, 3, 0.9
    for name in ('std_x', 'std_y', 'std_z', 'std_vx', 'std_vy', 'std_vz'):
        states[name] = 0.1
    if in_camera:
        points = (points - LOOKING.translation) @ LOOKING.rotation
        states['x'], states['y'], states['z'] = 0, 0.3, 3
    for name, value in state.items():
        states[name] = value
    return replace(people(1), keypoints_3d=points.astype(np.float32)), states


def drawn(poses, states, place=None):
    return motion_markers(poses, states, HEADER, place or place_of(1.0, LOOKING, 'map'))


def test_a_disc_lies_on_the_ground_and_an_arrow_is_the_way_of_a_second():
    disc, arrow = drawn(*person(vx=-0.8, vz=0.1, std_x=0.5))
    assert (disc.type, arrow.type) == (Marker.CYLINDER, Marker.ARROW)
    assert {disc.ns, arrow.ns} == {'person_7'}
    place = disc.pose.position
    assert (place.x, place.y, place.z) == pytest.approx((3, 0, 0), abs=1e-6)
    assert disc.scale.x == pytest.approx(1.0)
    start, end = ((p.x, p.y, p.z) for p in arrow.points)
    assert start == pytest.approx((3, 0, 0), abs=1e-6)
    assert end == pytest.approx((2.2, 0, 0), abs=1e-6)


def test_who_stands_or_may_well_stand_has_no_arrow():
    (disc,) = drawn(*person(vx=0.1))
    assert disc.scale.x == pytest.approx(0.4)
    assert len(drawn(*person(vx=0.8, std_vy=0.9))) == 1


def test_in_the_cameras_frame_the_ground_is_below_the_lower_foot():
    poses, states = person(in_camera=True)
    (disc,) = drawn(poses, states, place_of(1.0, IDENTITY, ''))
    lowest = poses.keypoints_3d[0, list(ANKLES), 1].max()
    assert disc.pose.position.y == pytest.approx(lowest + 0.08, abs=1e-4)
    # A quarter of a turn about x lays the cylinder's axis along y.
    assert abs(disc.pose.orientation.x) == pytest.approx(0.5**0.5, abs=1e-3)
    poses.keypoints_3d[0, list(ANKLES)] = np.nan
    assert drawn(poses, states, place_of(1.0, IDENTITY, '')) == []


def test_without_a_place_nothing_is_drawn():
    poses, states = person()
    assert drawn(replace(poses, root_mode=RootMode.RELATIVE), states) == []
    states['x'] = np.nan
    assert drawn(poses, states) == []
