"""Depth, boxes and 2D keypoints that other nodes publish reach the estimator."""

from itertools import count
import math
import sys
import time
from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Pose, PoseArray
from image_messages import depth_message
from node_talk import publish_until, report_of
import numpy as np
import pytest
from rclpy.parameter import Parameter
from ros_fixtures import (
    camera_info,
    FRAME_ID,
    image,
    people,
    two_people_2d,
    wait_until,
)
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Float32, Header
from tiny_estimator import tiny_estimator
from tiny_model import write_tiny_model
from unihpe_ros.core.pose import KeypointFlag
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.ros import auxiliary_inputs
from unihpe_ros.ros.clouds import from_cloud
from unihpe_ros.ros.frame_handler import estimator_settings


@pytest.mark.parametrize('stamped', [True, False])
def test_depth_reaches_the_estimator_with_its_image(run, stamped):
    """Without stamps, those belong together that come together."""
    with run() as (node, peer, estimator):
        depths = peer.create_publisher(Image, 'depth_image', 1)
        assert wait_until(depths.get_subscription_count)
        millimetres = np.full((48, 64), 2500, '<u2')

        def both(stamp):
            stamp = stamp if stamped else 0.0
            depths.publish(depth_message(millimetres, '16UC1', stamp=stamp))
            return image(stamp)

        def found():
            return [s for batch in estimator.batches for s in batch if s.depth is not None]

        publish_until(peer.camera(), found, both)
        assert found()[0].depth[20, 30] == 2.5
        node.set_parameters([Parameter('root_mode', value='projective')])
        assert wait_until(lambda: not depths.get_subscription_count())


@pytest.fixture
def vision_msgs(monkeypatch):
    """Stand in for vision_msgs, which has no wheels, by poses whose positions are boxes."""

    def read(msg, label):
        assert label == 'person'
        corners = [(p.position.x, p.position.y, p.position.z, 40.0) for p in msg.poses]
        return np.array(corners, np.float32).reshape(-1, 4)

    fake = SimpleNamespace(Detection2DArray=PoseArray, Detection3DArray=PoseArray)
    monkeypatch.setitem(sys.modules, 'vision_msgs', SimpleNamespace(msg=fake))
    monkeypatch.setitem(sys.modules, 'vision_msgs.msg', fake)
    monkeypatch.setattr(auxiliary_inputs, 'to_boxes', read)


@pytest.mark.usefixtures('vision_msgs')
def test_boxes_of_somebody_else_reach_the_estimator(run):
    with run(detector='none', boxes_class='person') as (_, peer, estimator):
        boxes = peer.create_publisher(PoseArray, 'boxes_in', 1)
        assert wait_until(boxes.get_subscription_count)

        def both(stamp):
            pose = Pose()
            pose.position.x, pose.position.y, pose.position.z = 1.0, 2.0, 30.0
            boxes.publish(PoseArray(header=image(stamp).header, poses=[pose]))
            time.sleep(0.01)
            return image(stamp)

        def found():
            return [s for batch in estimator.batches for s in batch if s.boxes is not None]

        publish_until(peer.camera(), found, both)
        assert found()[0].boxes.tolist() == [[1, 2, 30, 40]]


def test_without_vision_msgs_it_is_told_that_nobody_finds_newcomers(run, monkeypatch):
    monkeypatch.setitem(sys.modules, 'vision_msgs', None)
    monkeypatch.setitem(sys.modules, 'vision_msgs.msg', None)
    with run(detector='none') as (_, peer, estimator):
        logs = peer.listen_to_logs()
        assert wait_until(lambda: any('nobody finds newcomers: boxes_in' in line for line in logs))
        publish_until(peer.camera(), lambda: estimator.calls)


def test_2d_keypoints_of_somebody_else_are_lifted(run):
    with run(mode='lifting', default_width=64, default_height=48) as (node, peer, estimator):
        clouds = peer.listen(PointCloud2, 'pose3d')
        infos = peer.create_publisher(CameraInfo, 'camera_info', 1)
        given = peer.camera('pose2d_in', PointCloud2)
        publish_until(given, lambda: clouds, two_people_2d)
        points, scores, camera, _, options = estimator.lifts[0]
        np.testing.assert_array_equal(points, people(2, COCO_17).keypoints_2d)
        assert scores.shape == (2, 17)
        assert options['skeleton'] is COCO_17
        assert camera.assumed
        assert (camera.width, camera.height) == (64, 48)
        assert camera.K[0, 0] == pytest.approx(32 / math.tan(math.radians(30)))
        assert clouds[0].header.frame_id == FRAME_ID
        assert wait_until(infos.get_subscription_count)
        infos.publish(camera_info())
        publish_until(given, lambda: not estimator.lifts[-1][2].assumed, two_people_2d)
        assert estimator.lifts[-1][2].K[0, 0] == 60.0
        assert not estimator.calls
        names = {name for name, _ in node.get_topic_names_and_types()}
        assert f'{node.get_namespace()}/image_annotated' not in names


def test_what_is_no_pose2d_is_told_and_the_next_one_is_lifted(run):
    with run(mode='lifting') as (_, peer, estimator):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        given = peer.camera('pose2d_in', PointCloud2)
        publish_until(given, lambda: reports, lambda stamp: PointCloud2(header=Header()))
        report_of(reports, 'message skipped: pose2d_in: cloud: expected the fields')
        publish_until(given, lambda: estimator.lifts, two_people_2d)


def test_the_real_estimator_lifts_what_comes(run, tmp_path):
    estimator = tiny_estimator(write_tiny_model(tmp_path), threads=1)
    with run(estimator, mode='lifting', keypoints='union26') as (node, peer, _):
        estimator.configure(estimator_settings(node.parameters))
        clouds = peer.listen(PointCloud2, 'pose3d')
        given = peer.camera('pose2d_in', PointCloud2)

        def lifted():
            return [cloud for cloud in clouds if cloud.height]

        publish_until(given, lifted, two_people_2d)
        poses = from_cloud(lifted()[0])
        assert (poses.flags & KeypointFlag.LIFTED).any()


def test_stamps_in_the_future_give_no_latency(run):
    with run() as (_, peer, _):
        logs, latencies = peer.listen_to_logs(), peer.listen(Float32, 'latency_ms')
        clouds = peer.listen(PointCloud2, 'pose3d')
        stamps = count(time.time() + 1000, 0.02)
        publish_until(peer.camera(), lambda: clouds, lambda _: image(next(stamps)))
        assert wait_until(lambda: any('in the future' in line for line in logs))
        assert not latencies
