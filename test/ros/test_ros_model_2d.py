"""2D networks of other makers in the node: every family answers, and a wrong file is told."""

import json
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from node_talk import change_state, publish_until, report_of, state_of
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import String
from tiny_detector import write_tiny_detector
from tiny_model import keypoints_in, person_box, write_tiny_model
from tiny_networks_2d import (
    write_constant_rtmo,
    write_heatmaps,
    write_movenet,
    write_rtmo,
    write_simcc,
    write_yolo,
)
from unihpe_ros.core.pose import KeypointFlag
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.ros.clouds import from_cloud
from unihpe_ros.ros.node import make_estimator

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
FAMILIES = {
    'simcc': write_simcc,
    'heatmaps': write_heatmaps,
    'movenet': write_movenet,
    'yolo': write_yolo,
    'rtmo': write_rtmo,
    'multi': lambda path: write_movenet(path, multi=True),
}
pytestmark = pytest.mark.usefixtures('quick_reports')


@pytest.fixture
def start(run, tmp_path: Path):
    def begin(network: Path, **values):
        return run(
            factory=make_estimator,
            model=str(write_tiny_model(tmp_path)),
            detector_model=str(write_tiny_detector(tmp_path)),
            model_2d=str(network),
            backend='onnxruntime-cpu',
            threads=1,
            keypoints='union26',
            **values,
        )

    return begin


@pytest.mark.parametrize('family', FAMILIES)
def test_a_network_of_each_family_answers_over_dds(start, tmp_path, family):
    with start(FAMILIES[family](tmp_path / f'{family}.onnx')) as (_, peer, _):
        clouds, words = peer.listen(PointCloud2, 'pose3d'), None
        words = peer.listen(String, 'skeleton_info', LATCHED)
        publish_until(peer.camera(), lambda: clouds and words)
        assert json.loads(words[0].data)['model'] == family
        assert clouds[0].width == len(UNION)


def test_people_of_a_whole_picture_come_out_with_ids(start, tmp_path):
    box = person_box(32, 24, 36)
    points = np.concatenate([keypoints_in(box)[:17], np.full((17, 1), 0.9)], -1)
    people = np.array([[*box, 0.9]])
    path = write_constant_rtmo(tmp_path / 'rtmo.onnx', people, points[None], (64, 48))
    with start(path) as (_, peer, _):
        clouds = peer.listen(PointCloud2, 'pose3d')
        publish_until(peer.camera(), lambda: clouds and clouds[-1].height)
        poses = from_cloud(clouds[-1])
        assert poses.track_ids.tolist() == [1]
        assert np.abs(poses.keypoints_2d[0, :17] - points[:, :2]).max() < 2
        assert (poses.flags & KeypointFlag.LIFTED).all()
        assert np.isfinite(poses.keypoints_3d).all()


def test_a_wrong_network_leaves_the_node_unconfigured_and_talking(start, tmp_path):
    network = write_simcc(tmp_path / 'odd.onnx', 21)
    with start(network, activate=False) as (_, peer, _):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        assert not change_state(peer, Transition.TRANSITION_CONFIGURE)
        assert state_of(peer) == State.PRIMARY_STATE_UNCONFIGURED
        words = 'it is SimCC, as RTMPose with 21 keypoints, of which set cannot be told'
        assert words in report_of(reports, 'cannot be configured').message
