"""What the node shows to whoever asks: topics for every reliability, parameters, diagnostics."""

from dataclasses import fields
import math

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray
from node_talk import publish_until
import pytest
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from ros_fixtures import (
    camera_info,
    image,
    Logger,
    wait_until,
)
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Float32, String
from unihpe_ros.ros.auxiliary_inputs import AuxiliaryInputs
from unihpe_ros.ros.camera_log import CameraLog
from unihpe_ros.ros.parameters import Parameters
from visualization_msgs.msg import MarkerArray


@pytest.mark.parametrize('kind', ['RELIABLE', 'BEST_EFFORT'])
def test_whoever_listens_hears_whatever_reliability_they_ask_for(run, kind):
    """RViz asks for either, by display and by the user's choice."""
    qos = QoSProfile(depth=5, reliability=ReliabilityPolicy[kind])
    topics = {
        'pose3d': PointCloud2,
        'pose2d': PointCloud2,
        'pose3d_array': PoseArray,
        'markers': MarkerArray,
        'image_annotated': Image,
        'latency_ms': Float32,
        'people': PointCloud2,
        'pointing': PoseArray,
        'pointing_target': PointCloud2,
        'gestures': String,
    }
    with run(gestures='starter') as (_, peer, _):
        heard = [peer.listen(message, topic, qos) for topic, message in topics.items()]
        publish_until(peer.camera(), lambda: all(heard))
        assert all(heard)


def test_cameras_of_all_kinds_and_a_dead_one_share_a_node(run):
    with run(cameras=['front', 'rear', 'dead'], watchdog_s=0.3) as (_, peer, estimator):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        clouds = [peer.listen(PointCloud2, f'{name}/pose3d') for name in ('front', 'rear', 'dead')]
        front, rear = peer.camera('front/image'), peer.camera('rear/image')
        infos = peer.create_publisher(CameraInfo, 'rear/camera_info', 1)

        def both(stamp):
            infos.publish(camera_info(size=(32, 24)))
            grey = image(stamp, 'mono8', (32, 24))
            grey.step = 32
            rear.publish(grey)
            return image(stamp)

        def told():
            words = [status.message for status in reports[-1].status] if reports else ['']
            return words[:2] == ['estimating'] * 2 and words[2].startswith('no images: no publ')

        def calibrated():
            shots = [shot for batch in list(estimator.batches) for shot in batch]
            return any(shot.camera is not None for shot in shots if shot.stream == 'rear')

        publish_until(front, lambda: all(clouds[:2]) and told() and calibrated(), both)
        shapes = {(s.stream, s.image.shape[:2]) for batch in estimator.batches for s in batch}
        assert shapes == {('front', (48, 64)), ('rear', (24, 32))}
        assert not clouds[2]


def test_every_parameter_refuses_what_it_cannot_be_and_says_why(run):
    with run() as (node, _, estimator):
        before, told = node.parameters, len(estimator.settings)
        for item in fields(Parameters):
            name, limits = item.name, item.metadata['limits']
            wrong = ['word' if isinstance(item.default, (int, float)) else 1.5, [1, 2], None]
            if limits:
                step = type(item.default)(1)
                wrong += [limits[0] - step, limits[1] + step]
            if isinstance(item.default, float):
                wrong += [math.nan, math.inf]
            for value in wrong:
                result = node.set_parameters([Parameter(name, value=value)])[0]
                assert not result.successful
                assert name in result.reason
                assert not item.metadata['fixed'] or 'read-only' in result.reason
        # One that is good does not get in beside one that is not.
        both = [Parameter('score_threshold', value=0.4), Parameter('root_mode', value='up')]
        assert not node.set_parameters_atomically(both).successful
        assert node.parameters == before
        assert len(estimator.settings) == told


def test_diagnostics_tell_memory_and_what_is_known_of_the_camera(run):
    with run() as (_, peer, _):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        infos = peer.create_publisher(CameraInfo, 'camera_info', 1)

        def figures():
            return {item.key: item.value for item in reports[-1].status[0].values}

        assert wait_until(lambda: reports and 'camera_info' in figures())
        assert figures()['camera_info'] == 'none'
        assert float(figures()['memory_mb']) > 1
        assert wait_until(infos.get_subscription_count)
        infos.publish(camera_info(size=(640, 360)))
        assert wait_until(lambda: figures()['camera_info'] == '640x360')
        misfit = 'it is of 640x360, the image is of 64x48'
        publish_until(peer.camera(), lambda: figures()['camera_info'] == misfit)


def test_a_calibration_that_fits_again_is_told_as_such():
    beside = AuxiliaryInputs(rectified=False, log=CameraLog(Logger()))
    beside.cameras.update(camera_info(size=(640, 360)))
    assert beside.camera_of((64, 48)) is None
    assert beside.calibration == 'it is of 640x360, the image is of 64x48'
    beside.cameras.update(camera_info(size=(64, 48)))
    assert beside.camera_of((64, 48)) is not None
    assert beside.calibration == '64x48'
