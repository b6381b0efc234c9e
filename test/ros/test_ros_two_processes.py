"""The node as a process of its own: images over DDS, real models, signals, large images."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from node_talk import more, picture, publish_until
import numpy as np
import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from ros_fixtures import (
    camera_info,
    FRAME_ID,
    image,
    own_namespace,
    PATIENCE_S,
    Peer,
    ros,
    spinning,
    wait_until,
)
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tiny_model import keypoints_in, paint_person, person_box
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.engines.backend_choice import ORDER
from unihpe_ros.ros.clouds import from_cloud
from unihpe_ros.ros.images import encode_image

NODE = """
import sys
from unihpe_ros.ros.spin import main
sys.exit(main())
"""

# A camera of 640x480: more than Fast DDS's own segment of 512 KB takes.
CAMERA = """
from array import array
import sys, time
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node('camera')
qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
publisher = node.create_publisher(Image, sys.argv[1], qos)
data = array('B', bytes(640 * 480 * 3))
msg = Image(width=640, height=480, step=1920, encoding='bgr8', data=data)
while not publisher.get_subscription_count():
    time.sleep(0.01)
for count in range(60):
    msg.header.stamp.nanosec = count
    publisher.publish(msg)
    time.sleep(1 / 30)
"""


@pytest.fixture
def peer(context, namespace) -> Iterator[Peer]:
    peer = Peer(context, namespace)
    with spinning(peer):
        yield peer


@contextmanager
def process(code: str, *arguments: str, log: Path, **environment: str):
    """Run Python code beside the test; its output goes to a file."""
    paths = [str(Path(__file__).parents[2]), os.environ.get('PYTHONPATH', '')]
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, paths)), **environment}
    with log.open('w') as output:
        child = subprocess.Popen(
            [sys.executable, '-c', code, *arguments], env=env, stdout=output, stderr=output
        )
    try:
        yield child
    finally:
        child.kill()
        child.wait(10)


def node_process(peer: Peer, log: Path, **parameters: object):
    arguments = ['--ros-args', '-r', f'__ns:={peer.get_namespace()}']
    for name, value in parameters.items():
        arguments += ['-p', f'{name}:={value}']
    return process(NODE, *arguments, log=log)


def stop(child: subprocess.Popen, *signals: int) -> int:
    for number in signals:
        child.send_signal(number)
        time.sleep(0.01)
    return child.wait(PATIENCE_S)


def test_images_of_another_process_become_people_in_front_of_the_camera(
    peer, model_and_detector, tmp_path
):
    """The real estimator on a model of constants, from pixels to metres, over DDS."""
    clouds = peer.listen(PointCloud2, 'pose3d')
    camera = peer.camera()
    infos = peer.create_publisher(CameraInfo, 'camera_info', 1)
    box = person_box(60, 50, 80)
    picture = np.full((96, 128, 3), 40, np.uint8)
    paint_person(picture, box)
    header = image(1.0).header
    seen = []

    def publish_and_look():
        header.stamp.nanosec = (header.stamp.nanosec + 33_000_000) % 1_000_000_000
        header.stamp.sec += header.stamp.nanosec < 33_000_000
        infos.publish(camera_info(size=(128, 96), focal=110.0))
        camera.publish(encode_image(picture, header))
        time.sleep(0.02)
        seen[:] = [cloud for cloud in clouds if cloud.height]
        return seen and from_cloud(seen[-1]).root_mode is RootMode.PROJECTIVE

    log = tmp_path / 'node.log'
    with node_process(peer, log, **model_and_detector) as child:
        assert wait_until(publish_and_look), log.read_text()
        poses = from_cloud(seen[-1])
        assert seen[-1].header.frame_id == FRAME_ID
        assert len(poses) == 1
        truth = keypoints_in(box)[UNION.indices(*COCO_17.keypoints)]
        np.testing.assert_allclose(poses.keypoints_2d[0], truth, atol=2.0)
        # 1.7 m over 80 px at a focal length of 110 px.
        distance = np.linalg.norm(poses.keypoints_3d[0].mean(0))
        assert distance == pytest.approx(1.7 * 110 / 80, rel=0.15)
        # Ctrl-C under launch arrives twice, the second time at any moment of the end.
        assert wait_until(lambda: child.send_signal(signal.SIGINT) or child.poll() is not None)
        assert child.returncode == 0
    text = log.read_text()
    assert any(f'tiny on {backend}' in text for backend in ORDER)
    assert 'Traceback' not in text


def test_a_model_that_is_missing_is_named_and_the_process_lives(peer, tmp_path):
    log = tmp_path / 'node.log'
    words = f"cannot be configured: model '{tmp_path}/none': expected two files; missing"
    with node_process(peer, log, model=tmp_path / 'none') as child:
        assert wait_until(lambda: words in log.read_text()), log.read_text()
        answer = peer.call(GetState, 'pose_estimator/get_state', GetState.Request())
        assert answer.current_state.id == State.PRIMARY_STATE_UNCONFIGURED
        assert stop(child, signal.SIGTERM) == 0
    assert 'Traceback' not in log.read_text()


def test_without_autostart_it_waits(peer, tmp_path):
    log = tmp_path / 'node.log'
    with node_process(peer, log, autostart='false', threads=1) as child:
        answer = peer.call(GetState, 'pose_estimator/get_state', GetState.Request())
        assert answer.current_state.id == State.PRIMARY_STATE_UNCONFIGURED
        assert stop(child, signal.SIGINT) == 0
    assert log.read_text() == ''


def test_large_images_arrive_with_the_profile_that_ships(peer, root, tmp_path):
    received = []
    qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
    peer.create_subscription(Image, 'image', lambda msg: received.append(len(msg.data)), qos)
    profile = str(root / 'config' / 'fastdds.xml')
    profiles = {
        'FASTDDS_DEFAULT_PROFILES_FILE': profile,
        'FASTRTPS_DEFAULT_PROFILES_FILE': profile,
    }
    log = tmp_path / 'camera.log'
    with process(CAMERA, f'{peer.get_namespace()}/image', log=log, **profiles) as child:
        assert child.wait(60) == 0, log.read_text()
    assert wait_until(lambda: len(received) >= 50, 2), f'{len(received)} of 60'
    assert set(received) == {640 * 480 * 3}
    # Fast DDS reports an XML it does not understand and goes on without.
    assert 'XML' not in log.read_text()


def test_load_does_not_keep_signals_waiting(model, tmp_path):
    """A node in the middle of its work ends when it is told to."""
    code = 'import sys\nfrom unihpe_ros.ros.spin import main\nsys.exit(main())\n'
    log, namespace = tmp_path / 'node.log', own_namespace('signals')
    with ros() as context:
        peer = Peer(context, namespace)
        with spinning(peer):
            clouds, camera = peer.listen(PointCloud2, 'pose3d'), peer.camera()
            arguments = ('--ros-args', '-r', f'__ns:={namespace}', '-p', f'model:={model}')
            with process(code, *arguments, log=log) as child:
                publish_until(camera, more(clouds, 5), picture, patience=60)
                began = time.monotonic()
                child.send_signal(signal.SIGTERM)
                assert child.wait(60) == 0
                # Within a second on a machine of its own; one that tests share may be busy.
                assert time.monotonic() - began < 15
    assert 'Traceback' not in log.read_text()
