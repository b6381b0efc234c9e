"""The node in this process: what goes in, what comes out, and what it says when it can't."""

import json
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseArray
from node_talk import NODE, publish_until, report_of, values_of
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros_fixtures import FakeEstimator, FRAME_ID, image, wait_until
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Float32, String
from std_srvs.srv import SetBool, Trigger
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.ros import publishers
from unihpe_ros.ros.clouds import from_cloud
from visualization_msgs.msg import MarkerArray

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


pytestmark = pytest.mark.usefixtures('quick_reports')


def test_people_come_out_under_the_header_of_the_image(run):
    with run() as (_, peer, estimator):
        clouds, flat = peer.listen(PointCloud2, 'pose3d'), peer.listen(PointCloud2, 'pose2d')
        publish_until(peer.camera(), lambda: clouds and flat)
        assert clouds[0].header.frame_id == FRAME_ID
        assert clouds[0].header == flat[0].header
        stamps = {round(stamp * 100) for _, _, stamp in estimator.calls}
        assert clouds[0].header.stamp.nanosec // 10_000_000 in {stamp % 100 for stamp in stamps}
        poses = from_cloud(clouds[0])
        assert poses.skeleton is COCO_17
        assert poses.track_ids.tolist() == [7, 8]
        assert [field.name for field in flat[0].fields][:2] == ['u', 'v']
        assert estimator.calls[0][0].shape == (48, 64, 3)


def test_nobody_is_published_too(run):
    with run(FakeEstimator(count=0), keypoints='union26') as (_, peer, _):
        clouds = peer.listen(PointCloud2, 'pose3d')
        publish_until(peer.camera(), lambda: clouds)
        assert (clouds[0].height, clouds[0].width, clouds[0].header.frame_id) == (0, 26, FRAME_ID)


def test_what_nobody_listens_to_is_not_computed(run, monkeypatch):
    def refuse(*_):
        raise AssertionError('computed for nobody')

    for name in ('draw_poses', 'to_pose_array'):
        monkeypatch.setattr(publishers, name, refuse)
    monkeypatch.setattr(publishers.MarkerWriter, 'write', refuse)
    with run() as (_, peer, _):
        clouds = peer.listen(PointCloud2, 'pose3d')
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        publish_until(peer.camera(), lambda: clouds)
        assert values_of(report_of(reports, 'estimating'))['errors'] == '0'


def test_what_somebody_listens_to_is_computed(run):
    with run() as (node, peer, _):
        topics = [
            peer.listen(PoseArray, 'pose3d_array'),
            peer.listen(MarkerArray, 'markers'),
            peer.listen(Image, 'image_annotated'),
            peer.listen(Float32, 'latency_ms'),
        ]
        publish_until(peer.camera(), lambda: all(topics))
        poses, markers, annotated, latency = (topic[0] for topic in topics)
        assert len(poses.poses) == 2 * 17 - 1
        assert {marker.ns for marker in markers.markers} == {'person_7', 'person_8'}
        assert {m.header.frame_id for m in (poses, annotated, *markers.markers)} == {FRAME_ID}
        assert np.frombuffer(annotated.data, np.uint8).any()
        # The stamps are of 1970: the latency is that age.
        assert latency.data == pytest.approx(time.time() * 1e3, rel=1e-3)
        assert node.get_clock().now().nanoseconds > 0


def test_the_skeleton_is_latched(run):
    with run(keypoints='h36m17') as (_, peer, _):
        infos = peer.listen(String, 'skeleton_info', LATCHED)
        assert wait_until(lambda: infos)
        info = json.loads(infos[0].data)
        assert (info['model'], info['skeleton']) == ('fake', 'h36m17')
        assert info['keypoints'][:2] == ['pelvis', 'right_hip_joint']
        assert info['edges'][0] == [0, 1]
        assert info['joint_ids'][0] == 17
        assert info['flags']['observed'] == 1
        assert info['root_mode'] == 'auto'
        assert info['units']['x'] == 'm'


def test_the_newest_image_wins(run):
    with run(FakeEstimator(seconds=0.1)) as (_, peer, estimator):
        camera = peer.camera()
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        publish_until(camera, lambda: estimator.calls)
        for index in range(50):
            camera.publish(image(stamp=200 + index * 0.01))
            time.sleep(0.01)
        assert wait_until(lambda: estimator.calls[-1][2] == pytest.approx(200.49))
        assert len(estimator.calls) < 30
        assert wait_until(lambda: int(values_of(report_of(reports))['dropped']) > 0)


def test_services_do_not_wait_for_the_estimator(run):
    with run(FakeEstimator(seconds=1.0)) as (_, peer, estimator):
        publish_until(peer.camera(), lambda: estimator.calls)
        began = time.monotonic()
        assert peer.call(Trigger, f'{NODE}/reset_tracks', Trigger.Request()).success
        assert time.monotonic() - began < 0.8
        assert estimator.resets == 2  # One at activation.


def test_disabled_it_lets_go_of_the_camera(run):
    with run() as (_, peer, estimator):
        topic = peer.camera().topic_name
        assert wait_until(lambda: peer.count_subscribers(topic) == 1)
        answer = peer.call(SetBool, f'{NODE}/enable', SetBool.Request(data=False))
        assert (answer.success, answer.message) == (True, 'disabled')
        assert wait_until(lambda: peer.count_subscribers(topic) == 0)
        answer = peer.call(SetBool, f'{NODE}/enable', SetBool.Request(data=True))
        assert answer.message == 'estimating'
        publish_until(peer.camera(), lambda: estimator.calls)


def test_diagnostics_tell_how_it_goes(run):
    with run(FakeEstimator(seconds=0.002)) as (node, peer, _):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        camera = peer.camera()

        def working():
            figures = [values_of(report.status[0]) for report in reports]
            return [f for f in figures if float(f['fps_out']) > 0 and 'end_to_end_ms_p50' in f]

        publish_until(camera, working)
        status, values = report_of(reports, 'estimating'), working()[-1]
        assert status.name == node.get_fully_qualified_name().lstrip('/')
        assert (status.hardware_id, status.level) == ('fake', DiagnosticStatus.OK)
        assert values['backend'] == 'fake-cpu'
        assert values['people'] == '2'
        for stage in ('wait', 'decode_image', 'crop', 'image_branch', 'publish', 'end_to_end'):
            times = [float(values[f'{stage}_ms_p{percentile}']) for percentile in (50, 95, 99)]
            assert times == sorted(times)
        assert float(values['image_branch_ms_p50']) == 2.0
