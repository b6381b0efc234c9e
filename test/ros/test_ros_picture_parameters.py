"""image_rotation, intensity_range and depth_transport: what they take, and that they arrive."""

from array import array
import struct

import cv2
from node_talk import publish_until
import numpy as np
import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from ros_fixtures import camera_info, FakeEstimator, image, wait_until
from sensor_msgs.msg import CameraInfo, CompressedImage
from unihpe_ros.core.intensity import FULL
from unihpe_ros.ros.parameters import declare_parameters, Parameters

pytestmark = pytest.mark.usefixtures('quick_reports')


@pytest.mark.parametrize(
    ('given', 'turns'),
    [
        (90, (90,)),
        ([0, 270], (0, 270)),
        (array('q', [180]), (180,)),
        ('90', (90,)),
        ('[0, 90]', (0, 90)),
    ],
)
def test_a_rotation_is_a_number_or_a_list(given, turns):
    assert Parameters().updated({'image_rotation': given}).image_rotation == turns


@pytest.mark.parametrize('given', [45, -90, 360, 90.0, [], [0, 1], '', 'left', None, True])
def test_what_is_no_rotation_is_refused(given):
    with pytest.raises(ValueError, match='image_rotation: expected 0, 90, 180 or 270, or a list'):
        Parameters().updated({'image_rotation': given})


def test_one_rotation_holds_for_all_cameras_and_a_list_for_each():
    cameras = {'cameras': ['front', 'rear']}
    one = Parameters().updated({**cameras, 'image_rotation': 180})
    assert [one.rotation_of(name) for name in one.cameras] == [180, 180]
    each = Parameters().updated({**cameras, 'image_rotation': [0, 90]})
    assert [each.rotation_of(name) for name in each.cameras] == [0, 90]


def test_as_many_rotations_as_cameras_are_expected(context, namespace):
    given = [Parameter('cameras', value=['a', 'b']), Parameter('image_rotation', value=[0, 90, 0])]
    node = Node('n', context=context, namespace=namespace, parameter_overrides=given)
    _, problems = declare_parameters(node)
    node.destroy_node()
    assert problems == {
        'image_rotation': 'image_rotation: expected one for all cameras, or 2 for a, b; '
        'got [0, 90, 0]'
    }


@pytest.mark.parametrize(
    ('given', 'limits'),
    [
        ('auto', None),
        ('full', FULL),
        ([29500, 31000], (29500.0, 31000.0)),
        (array('d', [0.0, 1023.0]), (0.0, 1023.0)),
        ('29500, 31000', (29500.0, 31000.0)),
        ('[0 1023]', (0.0, 1023.0)),
    ],
)
def test_an_intensity_range_is_a_word_or_two_numbers(given, limits):
    assert Parameters().updated({'intensity_range': given}).intensity_limits == limits


@pytest.mark.parametrize('given', ['wide', '', [1], [2, 1], [0, 70000], [-1, 5], 'a, b', 5, None])
def test_what_is_no_intensity_range_is_refused(given):
    with pytest.raises(ValueError, match='intensity_range: expected auto, full, or two rising'):
        Parameters().updated({'intensity_range': given})


@pytest.mark.parametrize('calibrated', [True, False])
def test_a_turned_camera_reaches_the_estimator(run, calibrated):
    fake = FakeEstimator()
    with run(fake, image_rotation=90) as (_, peer, _):
        if calibrated:
            infos = peer.create_publisher(CameraInfo, 'camera_info', 1)
            assert wait_until(infos.get_subscription_count)
            infos.publish(camera_info())
        publish_until(
            peer.camera(),
            lambda: any((shot.camera is not None) == calibrated for (shot,) in fake.batches),
        )
        shot = next(shot for (shot,) in fake.batches if (shot.camera is not None) == calibrated)
        assert shot.view(Parameters()).rotation == 90


def test_a_picture_without_contrast_is_told(run):
    with run() as (_, peer, _):
        logs = peer.listen_to_logs()

        def dark(stamp):
            msg = image(stamp, encoding='mono16')
            msg.step, msg.data = 128, array('B', bytes(128 * 48))
            return msg

        publish_until(
            peer.camera(), lambda: any('no contrast: 99 % of the' in line for line in logs), dark
        )


def test_depth_that_is_published_compressed_only_is_found(run):
    fake = FakeEstimator()
    metres = np.full((48, 64), 2000, np.uint16)
    packed = struct.pack('<iff', 0, 0, 0) + cv2.imencode('.png', metres)[1].tobytes()
    with run(fake) as (_, peer, _):
        depths = peer.create_publisher(CompressedImage, 'depth_image/compressedDepth', 1)

        def both(stamp):
            picture = image(stamp)
            msg = CompressedImage(header=picture.header, format='16UC1; compressedDepth png')
            msg.data = array('B', packed)
            depths.publish(msg)
            return picture

        publish_until(
            peer.camera(),
            lambda: any(shot.depth is not None for (shot,) in fake.batches),
            both,
        )
        depth = next(shot.depth for (shot,) in fake.batches if shot.depth is not None)
        assert depth[0, 0] == 2.0
