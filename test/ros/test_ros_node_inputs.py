"""What the node makes of stamps, calibrations and images, broken ones included."""

from array import array
import math
import time

import cv2
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from node_talk import publish_until, report_of, values_of
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros_fixtures import camera_info, image, wait_until
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from unihpe_ros.engines import EngineError

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


pytestmark = pytest.mark.usefixtures('quick_reports')


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
