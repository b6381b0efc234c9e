"""The node in this process: what goes in, what comes out, and what it says when it can't."""

from array import array
import json
import math
from pathlib import Path
import time

import cv2
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseArray
from lifecycle_msgs.msg import State, Transition
from node_talk import change_state, NODE, publish_until, report_of, state_of, values_of
import numpy as np
import pytest
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros_fixtures import (
    camera_info,
    FakeEstimator,
    FRAME_ID,
    image,
    wait_until,
)
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Float32, String
from std_srvs.srv import SetBool, Trigger
from tiny_model import write_tiny_model
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.engines import EngineError
from unihpe_ros.ros import publishers
from unihpe_ros.ros.build_log import BuildLog
from unihpe_ros.ros.clouds import from_cloud
from unihpe_ros.ros.node import make_estimator
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


def test_when_time_jumps_back_tracks_are_forgotten(run):
    with run() as (_, peer, estimator):
        camera = peer.camera()
        publish_until(camera, lambda: estimator.calls)
        logs = peer.listen_to_logs()
        assert wait_until(lambda: camera.publish(image(5.0)) or estimator.calls[-1][2] == 5.0)
        assert wait_until(lambda: any('all tracks are forgotten' in line for line in logs))


def test_an_image_that_was_overtaken_is_dropped(run):
    with run() as (_, peer, estimator):
        camera = peer.camera()
        publish_until(camera, lambda: estimator.calls)
        assert wait_until(lambda: camera.publish(image(300.0)) or estimator.calls[-1][2] == 300.0)
        camera.publish(image(299.95))
        time.sleep(0.1)
        assert wait_until(lambda: camera.publish(image(300.05)) or estimator.calls[-1][2] > 300.01)
        assert not [stamp for _, _, stamp in estimator.calls if 299.9 < stamp < 299.99]


def test_without_stamps_the_time_of_arrival_serves(run):
    with run() as (_, peer, estimator):
        clouds = peer.listen(PointCloud2, 'pose3d')
        publish_until(
            peer.camera(), lambda: len(estimator.calls) > 2 and clouds, lambda stamp: image(0.0)
        )
        stamps = [call[2] for call in estimator.calls]
        assert stamps == sorted(stamps)
        assert abs(stamps[-1] - time.monotonic()) < 5
        assert clouds[0].header.stamp.sec == 0
        assert estimator.resets == 1


def test_camera_info_reaches_the_estimator(run):
    with run() as (_, peer, estimator):
        infos = peer.create_publisher(CameraInfo, 'camera_info', 1)
        camera = peer.camera()
        publish_until(camera, lambda: estimator.calls)
        assert estimator.calls[0][1] is None
        assert wait_until(lambda: infos.get_subscription_count())
        infos.publish(camera_info())
        publish_until(camera, lambda: estimator.calls[-1][1] is not None)
        assert estimator.calls[-1][1].K[0, 0] == 60.0
        # Of other proportions it is no calibration of this image.
        infos.publish(camera_info(size=(640, 360)))
        publish_until(camera, lambda: estimator.calls[-1][1] is None)


def test_a_camera_info_that_was_published_once_and_latched_is_heard(run):
    with run() as (_, peer, estimator):
        infos = peer.create_publisher(CameraInfo, 'camera_info', LATCHED)
        infos.publish(camera_info())
        publish_until(peer.camera(), lambda: any(camera for _, camera, _ in estimator.calls))


def test_a_second_error_of_camera_info_is_told_too(run):
    with run() as (_, peer, _):
        logs = peer.listen_to_logs()
        infos = peer.create_publisher(CameraInfo, 'camera_info', 1)
        assert wait_until(infos.get_subscription_count)
        for field, value, words in (
            ('k', [0.0] * 9, 'K is all zero'),
            ('distortion_model', 'mei', "got 'mei'"),
        ):
            bad = camera_info()
            setattr(bad, field, value)
            infos.publish(bad)
            assert wait_until(lambda words=words: any(words in line for line in logs))


def test_nan_in_camera_info_is_an_error_and_no_end(run):
    with run() as (_, peer, estimator):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        infos = peer.create_publisher(CameraInfo, 'camera_info', 1)
        assert wait_until(lambda: infos.get_subscription_count())
        bad = camera_info()
        bad.k[2] = math.nan
        infos.publish(bad)
        status = report_of(reports, 'camera_info is not used: camera K: expected 3x3 finite')
        assert status.level == DiagnosticStatus.WARN
        assert values_of(status)['errors'] == '1'
        publish_until(peer.camera(), lambda: estimator.calls)
        assert estimator.calls[-1][1] is None


def unknown(stamp):
    return image(stamp, encoding='bgr9')


def truncated(stamp):
    msg = image(stamp)
    msg.data = msg.data[:-1]
    return msg


def empty(stamp):
    return image(stamp, size=(0, 0))


@pytest.mark.parametrize(
    ('bad', 'words'),
    [
        (unknown, 'image encoding: expected one of bgr8'),
        (truncated, 'bgr8 image of 64x48: expected at least 9216 bytes, got 9215'),
        (empty, 'bgr8 image of 0x0: expected a positive size'),
    ],
    ids=['unknown encoding', 'truncated', 'empty'],
)
def test_a_bad_image_is_counted_and_the_next_one_is_seen(run, bad, words):
    with run() as (_, peer, estimator):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        logs = peer.listen_to_logs()
        camera = peer.camera()
        publish_until(camera, lambda: any(words in line for line in logs), bad)
        assert not estimator.calls
        status = report_of(reports, words)
        assert status.level == DiagnosticStatus.WARN
        assert int(values_of(status)['errors']) > 0
        publish_until(camera, lambda: estimator.calls)
        # Throttled: one line for all of them.
        assert len([line for line in logs if words in line]) == 1


@pytest.mark.parametrize('failure', [EngineError('out of memory'), ZeroDivisionError('oh')])
def test_a_failing_estimator_does_not_end_the_node(run, failure):
    with run() as (_, peer, estimator):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        clouds = peer.listen(PointCloud2, 'pose3d')
        camera = peer.camera()
        estimator.failure = failure
        publish_until(camera, lambda: estimator.calls)
        assert str(failure) in report_of(reports, 'image skipped').message
        assert not clouds
        estimator.failure = None
        publish_until(camera, lambda: clouds)


def test_compressed_images_are_read(run):
    def jpeg(stamp):
        _, data = cv2.imencode('.jpg', np.full((48, 64, 3), 90, np.uint8))
        header = image(stamp).header
        return CompressedImage(header=header, format='jpeg', data=array('B', data.tobytes()))

    with run(image_transport='compressed') as (_, peer, estimator):
        camera = peer.camera('image/compressed', CompressedImage)
        publish_until(camera, lambda: estimator.calls, jpeg)
        assert abs(int(estimator.calls[0][0].mean()) - 90) < 3


def test_jpegs_are_reduced_as_far_as_the_estimator_says_unless_they_are_drawn_on(run):
    picture = np.full((48, 64, 3), 90, np.uint8)

    def packed(extension):
        _, data = cv2.imencode(extension, picture)
        return lambda stamp: CompressedImage(
            header=image(stamp).header, data=array('B', data.tobytes())
        )

    def shapes():
        return {(shots[0].image.shape[:2], shots[0].size) for shots in estimator.batches}

    with run(image_transport='compressed') as (_, peer, estimator):
        estimator.reduced = 4
        clouds = peer.listen(PointCloud2, 'pose3d')
        infos = peer.create_publisher(CameraInfo, 'camera_info', 1)
        assert wait_until(lambda: infos.get_subscription_count())
        infos.publish(camera_info())
        camera = peer.camera('image/compressed', CompressedImage)
        publish_until(camera, lambda: clouds and estimator.calls[-1][1], packed('.jpg'))
        # All but the pixels are of the whole picture.
        assert shapes() == {((12, 16), (64, 48))}
        assert estimator.calls[-1][1].width == 64
        estimator.batches.clear()
        pictures = peer.listen(Image, 'image_annotated')
        publish_until(camera, lambda: pictures, packed('.jpg'))
        assert (pictures[0].width, pictures[0].height) == (64, 48)
        assert ((48, 64), (64, 48)) in shapes()
    with run(image_transport='compressed') as (_, peer, estimator):
        estimator.reduced = 4
        camera = peer.camera('image/compressed', CompressedImage)
        publish_until(camera, lambda: estimator.calls, packed('.png'))
        assert shapes() == {((48, 64), (64, 48))}


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


def test_the_lifecycle_goes_round_twice_and_ends(run):
    made = []

    def factory(parameters):
        made.append(FakeEstimator(parameters))
        return made[-1]

    with run(factory=factory, activate=False, output_depth=3) as (_, peer, _):
        clouds = peer.listen(PointCloud2, 'pose3d')
        camera = peer.camera()
        for turn in range(2):
            assert change_state(peer, Transition.TRANSITION_CONFIGURE)
            assert state_of(peer) == State.PRIMARY_STATE_INACTIVE
            assert change_state(peer, Transition.TRANSITION_ACTIVATE)
            publish_until(camera, lambda: clouds)
            assert change_state(peer, Transition.TRANSITION_DEACTIVATE)
            assert wait_until(lambda: camera.get_subscription_count() == 0)
            clouds.clear()
            assert change_state(peer, Transition.TRANSITION_CLEANUP)
            assert state_of(peer) == State.PRIMARY_STATE_UNCONFIGURED
            assert [estimator.closed for estimator in made] == [1] * (turn + 1)
        assert change_state(peer, Transition.TRANSITION_CONFIGURE)
        assert change_state(peer, Transition.TRANSITION_INACTIVE_SHUTDOWN)
        assert state_of(peer) == State.PRIMARY_STATE_FINALIZED
        assert made[2].closed == 1
        assert made[0].parameters.output_depth == 3


def test_a_model_that_does_not_fit_leaves_the_node_unconfigured_and_talking(run):
    failures = [EngineError('pose.onnx: expected outputs simcc_x, simcc_y; got output_0')]

    def factory(parameters):
        if failures:
            raise failures.pop()
        return FakeEstimator()

    with run(factory=factory, activate=False) as (_, peer, _):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        assert not change_state(peer, Transition.TRANSITION_CONFIGURE)
        assert state_of(peer) == State.PRIMARY_STATE_UNCONFIGURED
        status = report_of(reports, 'cannot be configured: pose.onnx: expected outputs')
        assert status.level == DiagnosticStatus.ERROR
        assert not peer.call(Trigger, f'{NODE}/reset_tracks', Trigger.Request()).success
        assert change_state(peer, Transition.TRANSITION_CONFIGURE)
        assert change_state(peer, Transition.TRANSITION_ACTIVATE)
        report_of(reports, 'estimating')


def corrupt(folder: Path) -> Path:
    for branch in ('image', 'lifting'):
        (folder / f'junk.{branch}.onnx').write_bytes(b'this is no model')
    return folder / 'junk'


def mismatched(folder: Path) -> Path:
    one = write_tiny_model(folder, 'one', weights='a')
    two = write_tiny_model(folder, 'two', weights='b')
    Path(f'{one}.lifting.onnx').write_bytes(Path(f'{two}.lifting.onnx').read_bytes())
    return one


@pytest.mark.parametrize(
    ('make', 'words'),
    [
        (lambda folder: folder / 'nowhere', 'expected two files; missing'),
        (corrupt, 'junk.image.onnx: expected an ONNX model'),
        (mismatched, 'expected one model in both branches'),
    ],
    ids=['missing', 'corrupt', 'mismatched'],
)
def test_files_that_are_no_model_are_named(run, tmp_path, make, words):
    path = str(make(tmp_path))
    with run(factory=make_estimator, activate=False, model=path, threads=1) as (_, peer, _):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        assert not change_state(peer, Transition.TRANSITION_CONFIGURE)
        assert state_of(peer) == State.PRIMARY_STATE_UNCONFIGURED
        assert words in report_of(reports, 'cannot be configured').message


def test_an_unknown_value_leaves_the_node_unconfigured_and_talking(run):
    with run(activate=False, root_mode='absolute') as (node, peer, _):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        assert not change_state(peer, Transition.TRANSITION_CONFIGURE)
        report_of(reports, 'root_mode: expected one of auto, relative, projective, depth; got')
        # It can be put right without a restart, since it may change at run time.
        assert node.set_parameters([Parameter('root_mode', value='relative')])[0].successful
        assert change_state(peer, Transition.TRANSITION_CONFIGURE)


def test_cv_bridge_that_is_asked_for_must_be_there(run, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'cv_bridge', None)
    with run(activate=False, image_decoder='cv_bridge') as (_, peer, _):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        assert not change_state(peer, Transition.TRANSITION_CONFIGURE)
        report_of(reports, 'cv_bridge can not be imported')


def test_parameters_change_at_run_time_or_say_why_not(run):
    with run() as (node, peer, estimator):
        infos = peer.listen(String, 'skeleton_info', LATCHED)
        assert wait_until(lambda: infos)

        def change(name, value):
            return node.set_parameters([Parameter(name, value=value)])[0]

        assert change('score_threshold', 0.5).successful
        assert estimator.settings[-1].score_threshold == 0.5
        assert change('root_mode', 'relative').successful
        assert wait_until(lambda: json.loads(infos[-1].data)['root_mode'] == 'relative')
        refused = change('root_mode', 'absolute')
        assert not refused.successful
        assert refused.reason == (
            "root_mode: expected one of auto, relative, projective, depth; got 'absolute'"
        )
        assert not change('score_threshold', 1.0).successful
        assert 'read-only' in change('keypoints', 'h36m17').reason
        assert estimator.settings[-1].score_threshold == 0.5


def test_the_worker_is_joined_before_the_node_is_destroyed(run):
    with run(FakeEstimator(seconds=0.3)) as (_, peer, estimator):
        publish_until(peer.camera(), lambda: estimator.calls)
    assert estimator.closed == 1


def test_why_a_faster_backend_was_not_taken_is_logged_once(run, capfd):
    estimator = FakeEstimator()
    estimator.notes = ('fake runs on fake-cpu, the first that works; tried tensorrt: no GPU',)
    with run(estimator):
        pass
    logged = capfd.readouterr().err
    assert logged.count('tried tensorrt: no GPU') == 1
    assert 'WARN' in next(line for line in logged.splitlines() if 'tried tensorrt' in line)


def test_building_of_engines_is_logged_by_tenths(capfd):
    tell = BuildLog()
    for _ in range(2):
        for percent in range(101):
            tell('compiling', percent / 100)
    lines = [line for line in capfd.readouterr().err.splitlines() if 'building an engine' in line]
    assert 20 <= len(lines) <= 24
    assert lines[0].endswith('0% (compiling)')
