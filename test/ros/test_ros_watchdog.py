"""The watchdog: silence has a cause, and the log names it."""

from pathlib import Path
import re

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from ros_fixtures import (
    FakeEstimator,
    image,
    node_and_peer,
    people,
    ros,
    spinning,
    wait_until,
)
from sensor_msgs.msg import CompressedImage, Image, PointCloud2
from std_msgs.msg import Header
from unihpe_ros.ros.clouds import to_cloud_2d
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.watchdog import cause_of_silence


@pytest.fixture
def node(context, namespace):
    node = Node('listener', context=context, namespace=namespace)
    yield node
    node.destroy_node()


def subscribe(node, reliability=ReliabilityPolicy.BEST_EFFORT):
    qos = QoSProfile(depth=1, reliability=reliability)
    return node.create_subscription(Image, 'image', lambda msg: None, qos)


def cause(node, subscription, words):
    """Wait until discovery is through and the cause contains the words."""
    found = []
    wait_until(lambda: found.append(cause_of_silence(node, subscription)) or words in found[-1])
    return found[-1]


def test_nobody_publishes(node):
    subscription = subscribe(node)
    own = node.create_publisher(Image, 'image_annotated', 1)  # It must not be proposed.
    assert wait_until(lambda: node.count_publishers(own.topic_name))
    text = cause_of_silence(node, subscription)
    assert text.startswith(f'no publisher on {subscription.topic_name}; ')
    assert own.topic_name not in text


def test_the_images_are_on_another_topic(node):
    subscription = subscribe(node)
    camera = Node('camera', context=node.context, namespace=node.get_namespace())
    other = camera.create_publisher(Image, 'camera/image_raw', 1).topic_name
    text = cause(node, subscription, other)
    camera.destroy_node()
    assert 'sensor_msgs/msg/Image is published on' in text
    assert other in text
    assert text.endswith('remap the input')


def test_the_topic_carries_something_else(node):
    with ros() as other_process:  # One participant can't have two types on a topic.
        other = Node('other', context=other_process, namespace=node.get_namespace())
        other.create_publisher(CompressedImage, 'image', 1)
        text = cause(node, subscribe(node), 'carries')
        other.destroy_node()
    assert 'carries sensor_msgs/msg/CompressedImage, expected sensor_msgs/msg/Image; ' in text
    assert text.endswith(
        f'set image_transport:=compressed and image:={node.get_namespace()}/image'
    )


def test_a_qos_mismatch_names_both_sides(node):
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    node.create_publisher(Image, 'image', qos)
    text = cause(node, subscribe(node, ReliabilityPolicy.RELIABLE), 'mismatch')
    assert f'{node.get_fully_qualified_name()} offers BEST_EFFORT VOLATILE' in text
    assert 'this node asks for RELIABLE VOLATILE; set image_qos:=auto' in text


def test_a_publisher_without_frames_points_at_the_segment(node):
    node.create_publisher(Image, 'image', 1)
    text = cause(node, subscribe(node), 'no frame arrives')
    assert node.get_fully_qualified_name() in text
    assert 'config/fastdds.xml' in text
    assert 'image_transport:=compressed' in text


@pytest.fixture
def run(context, namespace, quick_reports):
    def start(seconds=0.0, **values):
        estimator = FakeEstimator(seconds=seconds)
        node, peer = node_and_peer(context, namespace, lambda _: estimator, **values)
        node.trigger_configure()
        node.trigger_activate()
        return node, peer

    return start


@pytest.mark.parametrize('mode', ['image', 'lifting'])
def test_the_node_names_what_it_waits_for(run, mode):
    node, peer = run(watchdog_s=0.3, mode=mode)
    missing = {
        'image': ('no images: ', 'image', 'sensor_msgs/msg/Image: is the camera running'),
        'lifting': (
            'no 2D poses: ',
            'pose2d_in',
            'sensor_msgs/msg/PointCloud2: is the node that publishes it running',
        ),
    }
    what, topic, cause = missing[mode]
    with spinning(node, peer):
        logs = peer.listen_to_logs()
        assert wait_until(lambda: said(logs, what))
        line = said(logs, what)[0]
        assert f'no publisher on {node.get_namespace()}/{topic}; ' in line
        assert cause in line
        others = [wanted[0] for name, wanted in missing.items() if name != mode]
        assert not said(logs, others[0])


def test_2d_poses_that_do_not_arrive_are_no_matter_of_the_segment(node):
    node.create_publisher(PointCloud2, 'pose2d_in', 1)
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    subscription = node.create_subscription(PointCloud2, 'pose2d_in', lambda msg: None, qos)
    text = cause(node, subscription, 'no message arrives')
    assert node.get_fully_qualified_name() in text
    assert 'fastdds' not in text


def test_the_node_says_that_2d_poses_come_too_fast(run):
    node, peer = run(seconds=0.1, watchdog_s=0.5, mode='lifting')
    with spinning(node, peer):
        logs, poses = peer.listen_to_logs(), peer.camera('pose2d_in', PointCloud2, reliable=True)
        message = to_cloud_2d(people(1), Header(frame_id='camera'))

        def publish():
            message.header.stamp = node.get_clock().now().to_msg()
            poses.publish(message)
            return wait_until(lambda: said(logs, 'slower than the camera: '), 0.02)

        assert wait_until(publish)
        assert ' 2D poses come in a second' in said(logs, 'slower than the camera: ')[0]


def said(logs, words):
    return [line for line in logs if words in line]


def test_the_node_says_once_that_no_image_comes(run):
    node, peer = run(watchdog_s=0.3)
    with spinning(node, peer):
        logs = peer.listen_to_logs()
        assert wait_until(
            lambda: said(logs, f'no images: no publisher on {node.get_namespace()}/image')
        )
        assert not wait_until(lambda: len(said(logs, 'no images')) > 1, 0.5)


def publish_until_said(peer, message, logs, words, period):
    camera = peer.camera(reliable=True)

    def publish():
        camera.publish(message)
        return wait_until(lambda: said(logs, words), period)

    assert wait_until(publish)
    for _ in range(5):  # It may say so once only.
        camera.publish(message)
        wait_until(lambda: False, period)
    return said(logs, words)


@pytest.mark.parametrize(
    ('root_mode', 'words'),
    [('relative', '3D is relative to the pelvis'), ('auto', 'places in the room are only')],
)
def test_the_node_says_once_that_camera_info_is_missing(run, root_mode, words):
    node, peer = run(watchdog_s=0.5, root_mode=root_mode)
    with spinning(node, peer):
        lines = publish_until_said(peer, image(), peer.listen_to_logs(), 'no camera_info', 0.05)
        assert len(lines) == 1
        assert f'no publisher on {node.get_namespace()}/camera_info' in lines[0]
        assert f'assuming a field of view of 60 degrees, {words}' in lines[0]
        space = node.get_namespace()
        command = (
            'ros2 run camera_calibration cameracalibrator --size 8x6 --square 0.025 --ros-args '
            f'-r image:={space}/image -p camera:={space}'
        )
        assert lines[0].endswith(command) == (root_mode == 'auto')


def test_the_node_says_once_that_only_few_of_the_large_images_come(run):
    node, peer = run(watchdog_s=0.5)
    with spinning(node, peer):
        words, logs = 'few images arrive: ', peer.listen_to_logs()
        # Of 30 a second one in several comes through.
        lines = publish_steps(peer, logs, words, [1 / 30, 0.3, 0.1, 0.5, 0.2])
        assert len(lines) == 1
        assert 'config/fastdds.xml' in lines[0]


def test_a_slow_camera_of_large_images_loses_none(run):
    node, peer = run(watchdog_s=0.5)
    with spinning(node, peer):
        logs = peer.listen_to_logs()
        publish_steps(peer, logs, 'no camera_info', [0.5])
        assert not said(logs, 'images arrive')


def publish_steps(peer, logs, words, steps) -> list[str]:
    """Publish large images at 4 Hz whose stamps make these steps, until something is said."""
    camera, stamp = peer.camera(), 1.0
    for number in range(40):
        stamp += steps[number % len(steps)]
        camera.publish(image(stamp, size=(640, 480)))
        if wait_until(lambda: said(logs, words), 0.25) and number > 8:
            break
    return said(logs, words)


@pytest.mark.parametrize('names', [['rear_camera'], ['rear_camera', 'test_pattern']])
def test_cameras_on_one_topic_are_all_named(run, names):
    node, peer = run(watchdog_s=0.3)
    space = node.get_namespace()
    others = [Node(name, context=node.context, namespace=space) for name in names]
    with spinning(node, peer):
        logs = peer.listen_to_logs()
        publishers = [other.create_publisher(Image, 'image', 1) for other in others]
        words = f'{1 + len(names)} publishers on'
        publish_until_said(peer, image(), logs, words, 0.05)
        line = said(logs, words)[0]
        assert all(f'{space}/{name}' in line for name in (peer.get_name(), *names))
        for other, publisher in zip(others, publishers, strict=True):
            other.destroy_publisher(publisher)
    for other in others:
        other.destroy_node()


def test_simulated_time_that_nobody_publishes_is_named(run):
    node, peer = run(watchdog_s=0.3)
    node.set_parameters([Parameter('use_sim_time', value=True)])
    with spinning(node, peer):
        logs = peer.listen_to_logs()
        publish_until_said(peer, image(), logs, 'no /clock has come', 0.05)
        assert not said(logs, 'stamped in the future')


def test_advice_names_only_arguments_of_the_launch_file_and_parameters():
    root = Path(__file__).resolve().parents[2]
    launch = (root / 'launch/pose.launch.py').read_text(encoding='utf-8')
    arguments = set(re.findall(r"^    '(\w+)': \(", launch, re.MULTILINE))
    assert {'image', 'cameras', 'params_file'} - arguments == {'params_file'}
    texts = [path.read_text(encoding='utf-8') for path in (root / 'unihpe_ros/ros').glob('*.py')]
    advised = set(re.findall(r'\b([a-z_0-9]+):=', '\n'.join(texts)))
    assert advised
    assert advised <= arguments
    for text in texts:
        named = set(re.findall(r'\b(?:or )?set ([a-z_]+_[a-z_]+) to', text)) - {'use_sim_time'}
        assert named <= set(Parameters.__dataclass_fields__)


def test_few_small_images_are_no_reason_to_complain(run):
    node, peer = run(watchdog_s=0.5)
    with spinning(node, peer):
        logs = peer.listen_to_logs()
        publish_until_said(peer, image(), logs, 'no camera_info', 0.25)
        assert not said(logs, 'images arrive')


def test_the_node_says_once_that_it_is_slower_than_the_camera(run):
    node, peer = run(seconds=0.1, watchdog_s=0.5)
    with spinning(node, peer):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        words = 'slower than the camera: '
        lines = publish_until_said(peer, image(), peer.listen_to_logs(), words, 0.02)
        assert len(lines) == 1
        assert 'are worked on, always the newest' in lines[0]
        own = node.get_fully_qualified_name().lstrip('/')
        mine = [status for report in reports for status in report.status if status.name == own]
        slow = [status for status in mine if words in status.message]
        assert slow
        assert slow[0].level == DiagnosticStatus.WARN


def test_an_encoding_that_nobody_can_decode_is_named(run):
    node, peer = run(watchdog_s=0.5)
    with spinning(node, peer):
        odd, words = image(encoding='h264'), "got 'h264'"
        lines = publish_until_said(peer, odd, peer.listen_to_logs(), words, 0.05)
        assert len(lines) == 1
        assert 'image encoding: expected raw pixels' in lines[0]


def test_it_can_be_told_to_be_quiet(run):
    node, peer = run(watchdog_s=0.0)
    with spinning(node, peer):
        logs = peer.listen_to_logs()
        assert not wait_until(lambda: said(logs, 'no images'), 0.5)
