"""Markers: who is there is drawn, who left is deleted, and NaN reaches no message."""

from dataclasses import replace

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from ros_fixtures import people
from std_msgs.msg import Header
from unihpe_ros.core.pose import KeypointFlag, RootMode
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.ros.markers import MarkerWriter, to_pose_array
from visualization_msgs.msg import Marker, MarkerArray

HEADER = Header(frame_id='camera_optical_frame')


def write(poses, writer=None):
    return (writer or MarkerWriter()).write(poses, HEADER).markers


def test_a_person_is_spheres_lines_and_text():
    poses = people(1, COCO_17)
    spheres, lines, text = write(poses)
    assert {marker.ns for marker in (spheres, lines, text)} == {'person_7'}
    assert [spheres.id, lines.id, text.id] == [0, 1, 2]
    assert [spheres.type, lines.type] == [Marker.SPHERE_LIST, Marker.LINE_LIST]
    assert text.type == Marker.TEXT_VIEW_FACING
    for marker in (spheres, lines, text):
        assert marker.header is HEADER
        assert marker.action == Marker.ADD
        assert marker.lifetime.nanosec or marker.lifetime.sec
        assert marker.pose.orientation.w == 1.0
    seen = np.isfinite(poses.keypoints_3d[0]).all(-1)
    points = np.array([[p.x, p.y, p.z] for p in spheres.points], np.float32)
    np.testing.assert_array_equal(points, poses.keypoints_3d[0][seen])
    bones = [bone for bone in COCO_17.bones if seen[list(bone)].all()]
    assert len(lines.points) == len(lines.colors) == 2 * len(bones)
    assert len(spheres.points) == len(spheres.colors) == 16


def test_left_and_right_differ_in_colour():
    poses = people(1, COCO_17)
    poses.keypoints_3d[:] = 1
    colours = [(c.r, c.g, c.b) for c in write(poses)[0].colors]
    left, right, nose = (colours[COCO_17.index(n)] for n in ('left_wrist', 'right_wrist', 'nose'))
    assert len({left, right, nose}) == 3


def test_the_text_tells_the_distance_only_if_it_is_known():
    poses = people(1, COCO_17)
    poses.keypoints_3d[:] = (0, 3, 4)
    assert write(poses)[2].text == '7  5.0 m'
    assert write(replace(poses, root_mode=RootMode.RELATIVE))[2].text == '7'
    assumed = replace(poses, flags=poses.flags | KeypointFlag.ASSUMED_VIEW)
    assert write(assumed)[2].text == '7  ~5.0 m'


def test_who_leaves_is_deleted_once():
    writer = MarkerWriter()
    write(people(3), writer)
    deleted = [m for m in write(people(1), writer) if m.action == Marker.DELETE]
    assert {(m.ns, m.id) for m in deleted} == {
        (f'person_{p}', i) for p in (8, 9) for i in range(3)
    }
    assert all(m.action == Marker.ADD for m in write(people(1), writer))
    assert {m.action for m in write(people(0), writer)} == {Marker.DELETE}
    assert write(people(0), writer) == []


def test_a_person_without_3d_draws_nothing():
    poses = people(1)
    poses.keypoints_3d[:] = np.nan
    assert write(poses) == []


def test_what_is_known_of_a_person_stands_behind_their_id():
    markers = MarkerWriter().write(people(2), HEADER, words={7: 'fallen'}).markers
    texts = [one.text for one in markers if one.type == Marker.TEXT_VIEW_FACING]
    assert texts[0].startswith('7  ')
    assert [text.endswith('m  fallen') for text in texts] == [True, False]


def test_the_less_certain_a_keypoint_the_more_transparent():
    poses = people(1, COCO_17)
    poses.keypoints_3d[:] = 1
    poses.scores[0, :4], poses.flags[0] = (0.9, 0.4, 0.9, 0.9), KeypointFlag.OBSERVED
    poses.flags[0, 2] |= KeypointFlag.LOW_AGREEMENT
    poses.flags[0, 3] = KeypointFlag.PREDICTED
    spheres, lines, _ = write(poses)
    alphas = [colour.a for colour in spheres.colors]
    assert 1.0 == alphas[0] > alphas[1] > alphas[2] > alphas[3] > 0
    bone = COCO_17.bones.index((COCO_17.index('left_eye'), COCO_17.index('left_ear')))
    assert {colour.a for colour in lines.colors[2 * bone : 2 * bone + 2]} == {alphas[3]}


def test_what_is_not_drawn_any_more_is_deleted_at_once():
    writer = MarkerWriter()
    arrow = Marker(ns='person_7', id=4, type=Marker.ARROW)
    assert arrow in writer.write(people(1), HEADER, more=[arrow]).markers
    gone = [m for m in write(people(1), writer) if m.action == Marker.DELETE]
    assert [(m.ns, m.id) for m in gone] == [('person_7', 4)]


@pytest.mark.parametrize('count', [0, 1, 5])
def test_messages_survive_serialisation(count):
    msg = MarkerWriter().write(people(count), HEADER)
    back = deserialize_message(serialize_message(msg), MarkerArray)
    assert len(back.markers) == 3 * count
    for marker, original in zip(back.markers, msg.markers, strict=True):
        assert marker.points == original.points
        assert (marker.ns, marker.id, marker.text) == (original.ns, original.id, original.text)


def test_a_pose_array_holds_finite_points_only():
    poses = people(2, COCO_17)
    msg = to_pose_array(poses, HEADER)
    assert msg.header is HEADER
    assert len(msg.poses) == 2 * 17 - 1
    assert all(np.isfinite([p.position.x, p.position.y, p.position.z]).all() for p in msg.poses)
    assert {p.orientation.w for p in msg.poses} == {1.0}
    assert to_pose_array(people(0), HEADER).poses == []
