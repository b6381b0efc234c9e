"""States of the node: set up, left unconfigured, changed at run time, shut down."""

import json
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from node_talk import change_state, NODE, publish_until, report_of, state_of
import pytest
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros_fixtures import FakeEstimator, wait_until
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import String
from std_srvs.srv import Trigger
from tiny_model import write_tiny_model
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.int8 import PrecisionNote
from unihpe_ros.ros.build_log import BuildLog
from unihpe_ros.ros.node import make_estimator

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


pytestmark = pytest.mark.usefixtures('quick_reports')


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


def test_what_the_networks_compute_in_is_told_and_no_warning(run, capfd):
    estimator = FakeEstimator()
    estimator.notes = (PrecisionNote('fake.onnx runs in int8: int8 takes 0.60 of the time'),)
    with run(estimator):
        pass
    told = [line for line in capfd.readouterr().err.splitlines() if 'runs in int8' in line]
    assert len(told) == 1
    assert 'INFO' in told[0]


def test_building_of_engines_is_logged_by_tenths(capfd):
    tell = BuildLog()
    for _ in range(2):
        for percent in range(101):
            tell('compiling', percent / 100)
    lines = [line for line in capfd.readouterr().err.splitlines() if 'building an engine' in line]
    assert 20 <= len(lines) <= 24
    assert lines[0].endswith('0% (compiling)')
