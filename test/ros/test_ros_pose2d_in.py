"""2D keypoints of other nodes on pose2d_in: clouds and hri_msgs/Skeleton2D."""

from types import SimpleNamespace

import numpy as np
import pytest
from ros_fixtures import people
from std_msgs.msg import Header
from unihpe_ros.core.skeleton import COCO_17, ROS4HRI_18
from unihpe_ros.ros.clouds import to_cloud, to_cloud_2d
from unihpe_ros.ros.images import DecodeError
from unihpe_ros.ros.pose2d_in import decode_keypoints

SIZE = (64, 48)


@pytest.mark.parametrize('write', [to_cloud, to_cloud_2d])
def test_2d_keypoints_are_read_from_a_cloud(write):
    poses = people(2, COCO_17)
    given = decode_keypoints(write(poses, Header()), SIZE)
    assert given.skeleton is COCO_17
    np.testing.assert_array_equal(given.points, poses.keypoints_2d)
    np.testing.assert_array_equal(given.scores, poses.scores)


def test_scores_and_places_that_cannot_be_are_no_keypoints():
    poses = people(1, COCO_17)
    poses.keypoints_2d[0, 2], poses.scores[0, 3:6] = 1e30, (7.0, -1.0, np.nan)
    given = decode_keypoints(to_cloud_2d(poses, Header()), SIZE)
    assert np.isnan(given.points[0, 2]).all()
    assert given.scores[0, 3:6].tolist() == [1, 0, 0]


def test_a_cloud_of_something_else_is_named():
    cloud = to_cloud_2d(people(1), Header())
    cloud.fields = cloud.fields[:2]
    with pytest.raises(DecodeError, match='pose2d_in: cloud: expected the fields'):
        decode_keypoints(cloud, SIZE)


class Skeleton2D:
    """Stands for hri_msgs/Skeleton2D, with the eyes where a reader does not expect them."""

    LEFT_EYE, RIGHT_EYE = 14, 15

    def __init__(self, skeleton):
        self.skeleton = skeleton


for number, name in enumerate(ROS4HRI_18.keypoints):
    if 'eye' not in name:
        setattr(Skeleton2D, name.upper(), number)


def test_hri_points_are_shares_of_the_image_by_the_names_of_the_message():
    points = [SimpleNamespace(x=i / 20, y=0.5, c=i / 20) for i in range(18)]
    given = decode_keypoints(Skeleton2D(points), (200, 100))
    eye = ROS4HRI_18.index('right_eye')
    assert given.skeleton is ROS4HRI_18
    np.testing.assert_allclose(given.points[0, eye], [15 / 20 * 200 - 0.5, 49.5], rtol=1e-6)
    assert given.scores[0, eye] == pytest.approx(0.75)
    with pytest.raises(DecodeError, match='expected 18 points in skeleton; got 3'):
        decode_keypoints(Skeleton2D(points[:3]), (200, 100))


def test_columns_in_the_order_of_a_named_set_are_read_whatever_their_numbers():
    poses = people(2, COCO_17)
    cloud = to_cloud_2d(poses, Header())
    given = decode_keypoints(cloud, SIZE, 'coco17')
    np.testing.assert_array_equal(given.points, poses.keypoints_2d)
    union = to_cloud_2d(people(1), Header())
    halpe = decode_keypoints(union, SIZE, 'halpe26')
    assert halpe.skeleton.name == 'halpe26'
    with pytest.raises(DecodeError, match='expected 25 columns for openpose25; got 17'):
        decode_keypoints(cloud, SIZE, 'openpose25')
    nobody = decode_keypoints(to_cloud_2d(people(0), Header()), SIZE, 'halpe26')
    assert nobody.points.shape == (0, 26, 2)
