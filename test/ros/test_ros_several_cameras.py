"""The node with several cameras, and with more than images."""

from itertools import count
import math
import sys
import time
from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Pose, PoseArray, TransformStamped
from lifecycle_msgs.msg import Transition
from node_talk import change_state, publish_until, report_of, values_of
import numpy as np
import pytest
from rclpy.parameter import Parameter
from ros_fixtures import (
    camera_info,
    FakeEstimator,
    FRAME_ID,
    image,
    people,
    wait_until,
)
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Float32, Header
from test_ros_auxiliary_inputs import depth_message
from tiny_estimator import tiny_estimator
from tiny_model import write_tiny_model
from unihpe_ros.core.pose import KeypointFlag
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.ros import auxiliary_inputs
from unihpe_ros.ros.clouds import from_cloud, to_cloud_2d
from unihpe_ros.ros.frames import estimator_settings
from visualization_msgs.msg import MarkerArray


def test_each_camera_has_its_topics_and_its_people(run):
    with run(cameras=['front', 'rear']) as (node, peer, estimator):
        clouds = {name: peer.listen(PointCloud2, f'{name}/pose3d') for name in ('front', 'rear')}
        markers = peer.listen(MarkerArray, 'rear/markers')
        infos = peer.create_publisher(CameraInfo, 'rear/camera_info', 1)
        front, rear = peer.camera('front/image'), peer.camera('rear/image')
        assert wait_until(infos.get_subscription_count)
        infos.publish(camera_info())
        publish_until(front, lambda: clouds['front'])
        assert not clouds['rear']
        publish_until(rear, lambda: clouds['rear'] and markers)
        shots = [shot for batch in estimator.batches for shot in batch]
        cameras = {shot.stream: shot.camera for shot in shots}
        assert cameras['front'] is None
        assert cameras['rear'].K[0, 0] == 60.0
        names = {name for name, _ in node.get_topic_names_and_types()}
        assert f'{node.get_namespace()}/front/image_annotated' in names
        assert f'{node.get_namespace()}/pose3d' not in names


def test_the_newest_image_of_each_camera_is_one_batch(run):
    with run(FakeEstimator(seconds=0.1), cameras=['front', 'rear']) as (_, peer, estimator):
        cameras = [peer.camera('front/image'), peer.camera('rear/image')]
        assert wait_until(lambda: all(camera.get_subscription_count() for camera in cameras))
        stamps = count(100.0, 0.02)

        def publish():
            stamp = next(stamps)
            for camera in cameras:
                camera.publish(image(stamp))
            time.sleep(0.02)
            return sum(len(batch) == 2 for batch in estimator.batches) > 3

        assert wait_until(publish)
        for batch in estimator.batches:
            assert len({shot.stream for shot in batch}) == len(batch)
        both = [batch for batch in estimator.batches if len(batch) == 2][-1]
        assert abs(both[0].stamp - both[1].stamp) < 0.1


def test_a_bad_image_of_one_camera_does_not_cost_the_other(run):
    with run(cameras=['front', 'rear']) as (node, peer, estimator):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        front, rear = peer.camera('front/image'), peer.camera('rear/image')
        clouds = peer.listen(PointCloud2, 'rear/pose3d')

        def bad_and_good(stamp):
            front.publish(image(stamp, encoding='bgr9'))
            return image(stamp)

        publish_until(rear, lambda: len(clouds) > 3, bad_and_good)
        assert {shot.stream for batch in estimator.batches for shot in batch} == {'rear'}

        def statuses():
            return {status.name: status for status in reports[-1].status}

        own = node.get_fully_qualified_name().lstrip('/')
        told = 'image skipped: image encoding'
        assert wait_until(lambda: reports and told in statuses()[f'{own}: front'].message)
        assert int(values_of(statuses()[f'{own}: front'])['errors']) > 0
        assert values_of(statuses()[f'{own}: rear'])['errors'] == '0'


@pytest.mark.parametrize(
    ('names', 'words'),
    [(['a', 'a'], 'all different'), (['a b'], 'a letter first'), (['', 'a'], 'a letter first')],
)
def test_names_that_are_none_are_refused(run, names, words):
    with run(activate=False, cameras=names) as (_, peer, _):
        assert not change_state(peer, Transition.TRANSITION_CONFIGURE)
        assert words in report_of(peer.listen(DiagnosticArray, 'diagnostics'), 'cameras').message


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


def flat(stamp: float) -> PointCloud2:
    """Make 2D keypoints of two people."""
    return to_cloud_2d(people(2, COCO_17), image(stamp).header)


def test_2d_keypoints_of_somebody_else_are_lifted(run):
    with run(mode='lifting', default_width=64, default_height=48) as (node, peer, estimator):
        clouds = peer.listen(PointCloud2, 'pose3d')
        infos = peer.create_publisher(CameraInfo, 'camera_info', 1)
        given = peer.camera('pose2d_in', PointCloud2)
        publish_until(given, lambda: clouds, flat)
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
        publish_until(given, lambda: not estimator.lifts[-1][2].assumed, flat)
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
        publish_until(given, lambda: estimator.lifts, flat)


def test_the_real_estimator_lifts_what_comes(run, tmp_path):
    estimator = tiny_estimator(write_tiny_model(tmp_path), threads=1)
    with run(estimator, mode='lifting', keypoints='union26') as (node, peer, _):
        estimator.configure(estimator_settings(node.parameters))
        clouds = peer.listen(PointCloud2, 'pose3d')
        given = peer.camera('pose2d_in', PointCloud2)

        def lifted():
            return [cloud for cloud in clouds if cloud.height]

        publish_until(given, lifted, flat)
        poses = from_cloud(lifted()[0])
        assert (poses.flags & KeypointFlag.LIFTED).any()


class TransformError(Exception):
    pass


@pytest.fixture
def tf2(monkeypatch):
    """Stand in for tf2_ros, which has no wheels: it knows one transform, of stamps from 150 s."""
    asked = []

    class Buffer:
        def clear(self):
            asked.append('cleared')

        def lookup_transform(self, target, source, when, timeout):
            asked.append((target, source, when.nanoseconds * 1e-9, timeout.nanoseconds * 1e-9))
            if when.nanoseconds < 150e9:
                raise TransformError('extrapolation into the past')
            found = TransformStamped()
            # The camera looks along x of the robot, 1 m above its origin.
            turn, shift = found.transform.rotation, found.transform.translation
            turn.x, turn.y, turn.z, turn.w = -0.5, 0.5, -0.5, 0.5
            shift.z = 1.0
            return found

    class Listener:
        def __init__(self, buffer, node):
            self.closed = False

        def unregister(self):
            asked.append('closed')

    fake = SimpleNamespace(
        Buffer=Buffer, TransformListener=Listener, TransformException=TransformError
    )
    monkeypatch.setitem(sys.modules, 'tf2_ros', fake)
    return asked


def test_3d_is_brought_into_the_target_frame_at_the_stamp_of_the_image(run, tf2):
    with run(target_frame='base_link') as (_, peer, _):
        clouds, pixels = peer.listen(PointCloud2, 'pose3d'), peer.listen(PointCloud2, 'pose2d')
        markers = peer.listen(MarkerArray, 'markers')
        stamps = count(200.0, 0.02)
        publish_until(
            peer.camera(), lambda: clouds and pixels and markers, lambda _: image(next(stamps))
        )
        assert tf2[0][:2] == ('base_link', FRAME_ID)
        assert tf2[0][2] == pytest.approx(200, abs=100)
        assert tf2[0][3] == pytest.approx(0.05)
        assert clouds[0].header.frame_id == 'base_link'
        assert pixels[0].header.frame_id == FRAME_ID
        assert clouds[0].header.stamp in [cloud.header.stamp for cloud in pixels]
        moved, seen = from_cloud(clouds[0]), people(2).to(COCO_17)
        x, y, z = np.moveaxis(seen.keypoints_3d, -1, 0)
        np.testing.assert_allclose(moved.keypoints_3d, np.stack([z, -x, 1 - y], -1), atol=1e-6)
        np.testing.assert_array_equal(moved.keypoints_2d, seen.keypoints_2d)
        text = next(marker for marker in markers[0].markers if marker.text)
        assert text.header.frame_id == 'base_link'
        assert text.pose.position.z > np.nanmax(moved.keypoints_3d[0, :, 2])
        distance = np.linalg.norm(np.nanmean(seen.keypoints_3d[0], 0))
        assert text.text.startswith(f'7  {distance:.1f} m')
    assert tf2[-1] == 'closed'


def poses_given(estimator):
    return [shot.world_from_camera for batch in estimator.batches for shot in batch]


def test_the_pose_of_the_camera_in_the_tracking_frame_is_given_with_its_image(run, tf2):
    with run(tracking_frame='odom') as (_, peer, estimator):
        clouds = peer.listen(PointCloud2, 'pose3d')
        publish_until(peer.camera(), lambda: clouds, lambda stamp: image(100 + stamp))
        assert tf2[0][:2] == ('odom', FRAME_ID)
        expected = [[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1], [0, 0, 0, 1]]
        np.testing.assert_allclose(poses_given(estimator)[0], expected, atol=1e-6)
        # 3D stays in the camera's frame.
        assert clouds[0].header.frame_id == FRAME_ID


def test_the_pose_of_the_camera_is_given_with_2d_keypoints_too(run, tf2):
    with run(mode='lifting', tracking_frame='odom') as (_, peer, estimator):
        given = peer.camera('pose2d_in', PointCloud2)
        publish_until(given, lambda: estimator.lifts, lambda stamp: flat(100 + stamp))
        assert estimator.lifts[0][-1]['world_from_camera'][2, 3] == pytest.approx(1)
    assert tf2


@pytest.mark.parametrize('stamp', [0.0, 100.0])
def test_without_the_pose_people_are_published_all_the_same_and_it_is_told_once(run, tf2, stamp):
    with run(tracking_frame='odom') as (_, peer, estimator):
        logs, clouds = peer.listen_to_logs(), peer.listen(PointCloud2, 'pose3d')
        publish_until(peer.camera(), lambda: len(clouds) > 5 and logs, lambda _: image(stamp))
        assert set(poses_given(estimator)) == {None}
        assert sum('no ego-motion: ' in line for line in logs) == 1
    # Only the first image waits for TF, so that a robot without odometry is no slower.
    waits = [call[3] for call in tf2 if call != 'closed']
    assert [wait for wait in waits if wait] == ([pytest.approx(0.05)] if stamp else [])


def test_an_image_in_the_tracking_frame_itself_asks_nothing(run, tf2):
    with run(tracking_frame=FRAME_ID) as (_, peer, estimator):
        publish_until(peer.camera(), lambda: estimator.batches)
        np.testing.assert_array_equal(poses_given(estimator)[0], np.eye(4))
    assert set(tf2) <= {'closed'}


def test_when_a_bag_begins_anew_transforms_of_the_future_are_forgotten(run, tf2):
    """TF keeps the newest, and would refuse all that the bag brings as too old."""
    with run(target_frame='base_link') as (_, peer, _):
        clouds, camera = peer.listen(PointCloud2, 'pose3d'), peer.camera()
        for first in (500.0, 200.0):
            seen, stamps = len(clouds), count(first, 0.02)

            def message(_, stamps=stamps):
                return image(next(stamps))

            publish_until(camera, lambda seen=seen: len(clouds) > seen + 1, message)
    again = [call for call in tf2 if call != 'closed']
    assert again.count('cleared') == 1
    before, after = again[: again.index('cleared')], again[again.index('cleared') + 1 :]
    assert min(call[2] for call in before) >= 500
    assert max(call[2] for call in after) < 500


@pytest.mark.parametrize(
    ('stamp', 'words'),
    [(0.0, 'the image has no stamp'), (100.0, 'within 0.05 s: extrapolation into the past')],
)
@pytest.mark.usefixtures('tf2')
def test_without_the_transform_no_3d_is_published_and_it_is_told(run, stamp, words):
    with run(target_frame='base_link') as (_, peer, _):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        clouds, pixels = peer.listen(PointCloud2, 'pose3d'), peer.listen(PointCloud2, 'pose2d')
        latencies = peer.listen(Float32, 'latency_ms')
        publish_until(peer.camera(), lambda: pixels, lambda _: image(stamp))
        message = report_of(reports, 'no 3D is published').message
        assert f"from '{FRAME_ID}' to 'base_link'" in message
        assert words in message
        assert not clouds
        assert not latencies


@pytest.mark.parametrize(
    ('values', 'module', 'words'),
    [
        ({'target_frame': 'map'}, 'tf2_ros', 'target_frame is map: tf2_ros can not be imported'),
        ({'tracking_frame': 'odom'}, 'tf2_ros', 'tracking_frame is odom: tf2_ros can not be'),
        ({'bodies_tf': True}, 'tf2_ros', 'bodies_tf is true: tf2_ros can not be imported'),
        ({'ros4hri': True}, 'hri_msgs', 'ros4hri is true: hri_msgs can not be imported'),
        (
            {'mode': 'lifting', 'pose2d_type': 'hri'},
            'hri_msgs',
            'pose2d_type is hri: hri_msgs can not be imported',
        ),
    ],
)
def test_a_package_that_is_asked_for_must_be_there(run, monkeypatch, values, module, words):
    for name in (module, f'{module}.msg'):
        monkeypatch.setitem(sys.modules, name, None)
    with run(activate=False, **values) as (_, peer, _):
        assert not change_state(peer, Transition.TRANSITION_CONFIGURE)
        assert words in report_of(peer.listen(DiagnosticArray, 'diagnostics'), 'cannot').message


def test_stamps_in_the_future_give_no_latency(run):
    with run() as (_, peer, _):
        logs, latencies = peer.listen_to_logs(), peer.listen(Float32, 'latency_ms')
        clouds = peer.listen(PointCloud2, 'pose3d')
        stamps = count(time.time() + 1000, 0.02)
        publish_until(peer.camera(), lambda: clouds, lambda _: image(next(stamps)))
        assert wait_until(lambda: any('in the future' in line for line in logs))
        assert not latencies
