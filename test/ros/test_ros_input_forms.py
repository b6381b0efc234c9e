"""Inputs that are published in another form than the node reads: the log names both."""

import time

import pytest
from rclpy.node import Node
from ros_fixtures import FakeEstimator, image, node_and_peer, ros, spinning, wait_until
from sensor_msgs.msg import CompressedImage, Image, PointCloud2
from unihpe_ros.ros.watchdog import cause_of_silence


@pytest.fixture
def node(context, namespace):
    node = Node('listener', context=context, namespace=namespace)
    yield node
    node.destroy_node()


@pytest.mark.parametrize(
    ('kind', 'topic', 'other', 'transport'),
    [
        (Image, 'image', 'image/compressed', 'compressed'),
        (CompressedImage, 'image/compressed', 'image', 'raw'),
    ],
)
def test_images_in_the_other_form_are_named(node, kind, topic, other, transport):
    subscription = node.create_subscription(kind, topic, lambda msg: None, 1)
    node.create_publisher({Image: CompressedImage, CompressedImage: Image}[kind], other, 1)
    space = node.get_namespace()
    assert wait_until(lambda: node.count_publishers(f'{space}/{other}'))
    assert cause_of_silence(node, subscription).endswith(
        f'{space}/{other} has one: set image_transport:={transport}'
    )


def test_depth_of_another_type_is_named(context, namespace, quick_reports):
    node, peer = node_and_peer(
        context, namespace, lambda _: FakeEstimator(), watchdog_s=0.3, root_mode='auto'
    )
    node.trigger_configure()
    node.trigger_activate()
    with spinning(node, peer), ros() as other_process:
        logs, camera = peer.listen_to_logs(), peer.camera()
        other = Node('stereo', context=other_process, namespace=namespace)
        other.create_publisher(PointCloud2, 'depth_image', 1)

        def told() -> list[str]:
            camera.publish(image(time.time()))
            return [line for line in logs if 'input is not used' in line]

        assert wait_until(told)
        other.destroy_node()
    (line,) = [line for line in logs if 'input is not used' in line]
    assert line.endswith(
        'depth_image carries sensor_msgs/msg/PointCloud2, expected sensor_msgs/msg/Image'
    )
