"""Clouds: exactly the documented bytes, and back again."""

from array import array
from copy import deepcopy
import struct

import numpy as np
import pytest
from ros_fixtures import people
from sensor_msgs.msg import PointField
from std_msgs.msg import Header
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.skeleton import COCO_17, SKELETONS, UNION
from unihpe_ros.ros.clouds import from_cloud, to_cloud, to_cloud_2d

HEADER = Header(frame_id='camera_optical_frame')


def test_pose3d_has_the_documented_layout():
    poses = people(2, COCO_17)
    msg = to_cloud(poses, HEADER)
    assert msg.header is HEADER
    assert (msg.height, msg.width, msg.point_step, msg.row_step) == (2, 17, 32, 544)
    assert not msg.is_bigendian
    assert [(f.name, f.offset, f.datatype, f.count) for f in msg.fields] == [
        ('x', 0, PointField.FLOAT32, 1),
        ('y', 4, PointField.FLOAT32, 1),
        ('z', 8, PointField.FLOAT32, 1),
        ('confidence', 12, PointField.FLOAT32, 1),
        ('u', 16, PointField.FLOAT32, 1),
        ('v', 20, PointField.FLOAT32, 1),
        ('person_id', 24, PointField.UINT32, 1),
        ('joint_id', 28, PointField.UINT16, 1),
        ('flags', 30, PointField.UINT16, 1),
    ]
    # What a reader in another language does, for one point.
    person, joint = 1, 5
    point = struct.unpack_from('<6fIHH', msg.data, person * msg.row_step + joint * 32)
    assert point == (
        *poses.keypoints_3d[person, joint].tolist(),
        poses.scores[person, joint],
        *poses.keypoints_2d[person, joint].tolist(),
        *(8, joint, 9),
    )


def test_pose2d_has_no_metres():
    msg = to_cloud_2d(people(1, COCO_17), HEADER)
    assert (msg.point_step, msg.row_step) == (20, 340)
    assert [(f.name, f.offset) for f in msg.fields] == [
        *(('u', 0), ('v', 4), ('confidence', 8)),
        *(('person_id', 12), ('joint_id', 16), ('flags', 18)),
    ]


def test_dense_means_that_nothing_is_missing():
    poses = people(2)
    assert not to_cloud(poses, HEADER).is_dense
    assert to_cloud(people(0), HEADER).is_dense
    poses.keypoints_3d[0, 1] = 1
    assert to_cloud(poses, HEADER).is_dense
    assert not to_cloud_2d(poses, HEADER).is_dense


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=lambda skeleton: skeleton.name)
@pytest.mark.parametrize('count', [1, 3])
def test_a_cloud_reads_back_as_the_same_poses(skeleton, count):
    poses = people(count).to(skeleton)
    back = from_cloud(to_cloud(poses, HEADER))
    assert back.skeleton is skeleton
    for name in ('keypoints_2d', 'keypoints_3d', 'scores', 'flags', 'track_ids'):
        np.testing.assert_array_equal(getattr(back, name), getattr(poses, name))
        assert getattr(back, name).dtype == getattr(poses, name).dtype
    assert back.root_mode is RootMode.PROJECTIVE
    assert np.isnan(back.agreement).all()
    low, high = np.nanmin(poses.keypoints_2d, 1), np.nanmax(poses.keypoints_2d, 1)
    np.testing.assert_array_equal(back.boxes, np.concatenate([low, high], 1))


def test_a_2d_cloud_reads_back_without_3d():
    poses = people(2, COCO_17)
    back = from_cloud(to_cloud_2d(poses, HEADER))
    np.testing.assert_array_equal(back.keypoints_2d, poses.keypoints_2d)
    assert np.isnan(back.keypoints_3d).all()


def test_nobody_is_a_cloud_without_rows():
    msg = to_cloud(people(0, UNION), HEADER)
    assert (msg.height, msg.width, len(msg.data)) == (0, 26, 0)
    back = from_cloud(msg)
    assert len(back) == 0
    assert back.skeleton is UNION


def test_who_is_seen_nowhere_has_no_box():
    poses = people(1)
    poses.keypoints_2d[:] = np.nan
    assert np.isnan(from_cloud(to_cloud(poses, HEADER)).boxes).all()


def test_relative_roots_are_read_from_the_flags():
    poses = people(1, root_mode=RootMode.RELATIVE)
    poses.flags[:] = 1
    assert from_cloud(to_cloud(poses, HEADER)).root_mode is RootMode.RELATIVE


def test_fields_may_lie_anywhere():
    msg = deepcopy(to_cloud(people(2, COCO_17), HEADER))
    points = np.frombuffer(msg.data, np.uint8).reshape(2, 17, 32)
    moved = np.zeros((2, 20, 48), np.uint8)  # 16 bytes in front, 3 points of padding a row.
    moved[:, :17, 16:] = points
    for field in msg.fields:
        field.offset += 16
    msg.point_step, msg.row_step = 48, 20 * 48
    expected = from_cloud(to_cloud(people(2, COCO_17), HEADER))
    msg.data = array('B', moved.tobytes())
    np.testing.assert_array_equal(from_cloud(msg).keypoints_3d, expected.keypoints_3d)
    np.testing.assert_array_equal(from_cloud(msg).track_ids, expected.track_ids)


def test_a_row_of_none_is_nobody():
    """What sensor_msgs_py writes for an empty list."""
    msg = deepcopy(to_cloud_2d(people(2, COCO_17), HEADER))
    msg.height, msg.width, msg.row_step, msg.data = 1, 0, 0, array('B')
    assert len(from_cloud(msg)) == 0
    msg.height = 0
    assert from_cloud(msg).skeleton is COCO_17


def break_fields(msg):
    msg.fields = msg.fields[:3]


def break_data(msg):
    msg.data = msg.data[:-1]


def break_type(msg):
    msg.fields[3].datatype = PointField.INT8


def break_rows(msg):
    msg.row_step = 100


def break_joints(msg):
    msg.width = 16


@pytest.mark.parametrize(
    ('damage', 'words'),
    [
        (break_fields, 'expected the fields of pose3d or pose2d; got x, y, z'),
        (break_data, 'expected 1088 bytes of data, got 1087'),
        (break_rows, 'row_step: expected at least 544, got 100'),
        (break_type, 'confidence: unexpected type 1'),
        (break_joints, 'cloud of 16 joints: expected one of coco17'),
    ],
)
def test_a_cloud_that_is_no_pose_says_why(damage, words):
    msg = deepcopy(to_cloud(people(2, COCO_17), HEADER))
    damage(msg)
    with pytest.raises(ValueError, match=words):
        from_cloud(msg)
