"""The node with TF: 3D in another frame, and tracking in a frame that stays still."""

from itertools import count
import sys
from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from lifecycle_msgs.msg import Transition
from node_talk import change_state, publish_until, report_of
import numpy as np
import pytest
from ros_fixtures import (
    FRAME_ID,
    image,
    people,
    two_people_2d,
)
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float32
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.ros.clouds import from_cloud
from visualization_msgs.msg import MarkerArray


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
        publish_until(given, lambda: estimator.lifts, lambda stamp: two_people_2d(100 + stamp))
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
