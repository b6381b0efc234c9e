"""What goes wrong on robots, one at a time: the node goes on, or says what it needs."""

from array import array
from collections import Counter
from contextlib import contextmanager
from itertools import count
import os
from pathlib import Path
import signal
import threading

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from node_talk import change_state, more, outputs, picture, publish_until, report_of
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from ros_fixtures import (
    active,
    camera_info,
    FakeEstimator,
    image,
    node_and_peer,
    spinning,
    wait_until,
)
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from test_ros_two_processes import process
from tiny_detector import write_tiny_detector
from tiny_model import write_tiny_model
from unihpe_ros.engines import EngineError
from unihpe_ros.ros import node as node_module
from unihpe_ros.ros.clouds import from_cloud
from unihpe_ros.ros.node import make_estimator, PoseEstimatorNode

SUCCESS = TransitionCallbackReturn.SUCCESS
CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP


@pytest.fixture
def run(context, namespace, quick_reports, tmp_path_factory):
    """Return a context manager: an active node and a peer, both spinning."""
    detector = write_tiny_detector(tmp_path_factory.mktemp('detector'))

    @contextmanager
    def start(factory=FakeEstimator, **values):
        values = {'detector_model': str(detector), **values}
        node, peer = node_and_peer(context, namespace, factory, **values)
        with active(node, peer):
            yield node, peer

    return start


def test_a_camera_that_dies_may_come_back(run):
    with run(watchdog_s=0.3) as (node, peer):
        clouds, reports = outputs(peer)
        camera = peer.camera()
        last = publish_until(camera, more(clouds))
        peer.destroy_publisher(camera)
        status = report_of(reports, 'no images: no publisher on')
        assert status.level == DiagnosticStatus.WARN
        reports.clear()
        publish_until(peer.camera(), more(clouds), first=last + 5)
        assert report_of(reports, 'estimating').level == DiagnosticStatus.OK
        assert node.get_namespace()


PUBLISHER = """
import sys, time
from ros_fixtures import image, Peer, ros
with ros() as context:
    peer = Peer(context, sys.argv[1])
    camera = peer.camera()
    for number in range(100000):
        camera.publish(image(float(sys.argv[2]) + number / 50))
        time.sleep(1 / 50)
"""


def test_a_publisher_that_is_killed_may_be_started_again(run, tmp_path):
    with run(watchdog_s=0.5) as (_, peer):
        clouds, reports = outputs(peer)
        root = Path(__file__).parents[2]
        path = os.pathsep.join([str(root / 'test/helpers'), str(root)])
        for turn, first in enumerate(('100', '500')):
            log = tmp_path / f'{turn}.log'
            arguments = (peer.get_namespace(), first)
            with process(PUBLISHER, *arguments, log=log, PYTHONPATH=path) as child:
                assert wait_until(more(clouds, 5), 60), log.read_text()
                child.send_signal(signal.SIGKILL)
                child.wait(10)
            reports.clear()
            report_of(reports, 'no images: ')


def test_format_and_size_may_change_in_mid_stream(run, model):
    with run(make_estimator, model=str(model), threads=1) as (_, peer):
        clouds, camera = peer.listen(PointCloud2, 'pose3d'), peer.camera()
        first = 100.0
        for size in ((128, 96), (320, 240), (96, 128), (64, 48)):
            seen = len(clouds)

            def shown(stamp, size=size):
                return picture(stamp, size)

            def found(seen=seen):
                return any(cloud.height for cloud in clouds[seen + 1 :])

            first = publish_until(camera, found, shown, first=first) + 0.5

        def grey(stamp):
            msg = picture(stamp)
            data = array('B', bytes(msg.data)[::3])
            return Image(
                header=msg.header, width=128, height=96, step=128, encoding='mono8', data=data
            )

        seen = len(clouds)
        publish_until(camera, lambda: any(c.height for c in clouds[seen + 2 :]), grey, first=first)


def test_camera_info_of_all_kinds_comes_late(run, model):
    """Absent, then of another size, then NaN, then right: the view is assumed until it is."""
    with run(make_estimator, model=str(model), threads=1) as (_, peer):
        clouds, reports = outputs(peer)
        infos, camera = peer.create_publisher(CameraInfo, 'camera_info', 1), peer.camera()
        assert wait_until(infos.get_subscription_count)
        first = publish_until(camera, lambda: any(c.height for c in clouds), picture)

        def seen(assumed):
            before = len(clouds)
            return lambda: any(
                from_cloud(cloud).is_view_assumed == assumed
                for cloud in clouds[before + 1 :]
                if cloud.height
            )

        first = publish_until(camera, seen(assumed=True), picture, first=first + 0.1)
        bad = camera_info(size=(128, 96))
        bad.k[0] = float('nan')
        for info in (camera_info(size=(640, 360)), bad):
            infos.publish(info)
            first = publish_until(camera, seen(assumed=True), picture, first=first + 0.1)
        report_of(reports, 'camera_info is not used: camera K')
        infos.publish(camera_info(size=(128, 96), focal=110.0))
        publish_until(camera, seen(assumed=False), picture, first=first + 0.1)


def test_the_model_file_may_go_while_it_runs_but_not_before_it_starts(run, tmp_path):
    own = write_tiny_model(tmp_path)
    with run(make_estimator, model=str(own), threads=1) as (_node, peer):
        clouds, reports = outputs(peer)
        camera = peer.camera()
        last = publish_until(camera, more(clouds), picture)
        for file in tmp_path.glob('*.onnx'):
            file.unlink()
        last = publish_until(camera, more(clouds, 5), picture, first=last + 0.1)
        assert change_state(peer, DEACTIVATE, ACTIVATE)
        last = publish_until(camera, more(clouds), picture, first=last + 0.1)
        assert change_state(peer, DEACTIVATE, CLEANUP)
        assert not change_state(peer, CONFIGURE)
        status = report_of(reports, 'expected two files; missing')
        assert status.level == DiagnosticStatus.ERROR
        # Once it is back, so is the node.
        write_tiny_model(tmp_path)
        assert change_state(peer, CONFIGURE, ACTIVATE)
        publish_until(camera, more(clouds), picture, first=last + 0.1)


@pytest.mark.parametrize('times', [1, 10**9], ids=['once', 'always'])
def test_an_engine_that_fails(run, model, times, monkeypatch):
    left = Counter(failures=times)
    made = []

    def factory(parameters):
        made.append(make_estimator(parameters))
        pose_model = made[-1]._model
        infer = pose_model.infer

        def fail(*arguments, **options):
            if left['failures'] > 0:
                left['failures'] -= 1
                raise EngineError('the GPU has fallen off the bus')
            return infer(*arguments, **options)

        monkeypatch.setattr(pose_model, 'infer', fail)
        return made[-1]

    with run(factory, model=str(model), threads=1) as (_node, peer):
        clouds, reports = outputs(peer)
        camera = peer.camera()
        last = publish_until(camera, lambda: left['failures'] < times, picture)
        status = report_of(reports, 'image skipped: the GPU has fallen off the bus')
        assert status.level == DiagnosticStatus.WARN
        if times > 1:
            last = publish_until(camera, lambda: left['failures'] < times - 5, picture, first=last)
            assert not clouds
            # A person or a supervisor starts it afresh.
            assert change_state(peer, DEACTIVATE)
            assert change_state(peer, CLEANUP)
            left.clear()
            assert change_state(peer, CONFIGURE)
            assert change_state(peer, ACTIVATE)
        publish_until(camera, more(clouds), picture, first=last + 0.1)
        assert len(made) == (1 if times == 1 else 2)


def test_an_engine_that_hangs_does_not_keep_the_node(run, monkeypatch):
    monkeypatch.setattr(node_module, '_TRANSITION_PATIENCE_S', 0.2)
    free, busy, made = threading.Event(), threading.Event(), []

    class Hanging(FakeEstimator):
        def estimate_batch(self, shots):
            busy.set()
            free.wait(60)
            return super().estimate_batch(shots)

    def factory(parameters):
        made.append(Hanging() if not made else FakeEstimator())
        return made[-1]

    with run(factory) as (node, peer):
        clouds, reports = outputs(peer)
        camera = peer.camera()
        try:
            last = publish_until(camera, busy.is_set)
            assert not change_state(peer, DEACTIVATE)
            status = report_of(reports, 'cannot be deactivated: the engine has been at work')
            assert status.level == DiagnosticStatus.ERROR
            assert not made[0].closed, 'nothing is taken from under an engine at work'
            # It may be started afresh.
            assert change_state(peer, CONFIGURE, ACTIVATE)
            publish_until(camera, more(clouds), first=last + 1)
            assert not node.release(0.0)
        finally:
            free.set()
        assert wait_until(lambda: node.release(0.1))
        assert made[0].closed == 1


def test_two_nodes_of_one_name_both_work_and_neither_ends(run, context):
    with run() as (first, peer):
        second = PoseEstimatorNode(
            estimator_factory=lambda parameters: FakeEstimator(),
            context=context,
            namespace=first.get_namespace(),
        )
        assert second.get_fully_qualified_name() == first.get_fully_qualified_name()
        assert second.trigger_configure() == SUCCESS
        assert second.trigger_activate() == SUCCESS
        with spinning(second):
            clouds, camera = peer.listen(PointCloud2, 'pose3d'), peer.camera()

            def each_twice():
                stamps = Counter(c.header.stamp.nanosec for c in clouds)
                return stamps and max(stamps.values()) >= 2

            last = publish_until(camera, each_twice)
        publish_until(camera, more(clouds), first=last + 0.1)


def open_files() -> int:
    return len(list(Path('/proc/self/fd').iterdir()))


def resident() -> int:
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE')


@pytest.mark.skipif(not Path('/proc/self/fd').is_dir(), reason='needs the /proc of Linux')
def test_a_hundred_cycles_under_load_leave_nothing_behind(run):
    with run() as (_node, peer):
        clouds, camera = peer.listen(PointCloud2, 'pose3d'), peer.camera()
        stop, stamps = threading.Event(), count(100.0, 0.01)

        def play():
            while not stop.wait(0.005):
                camera.publish(image(next(stamps)))

        player = threading.Thread(target=play)
        player.start()
        try:
            for cycle in range(100):
                if cycle == 20:
                    before = threading.active_count(), open_files(), resident()
                assert change_state(peer, DEACTIVATE, ACTIVATE)
                if cycle % 10 == 0:
                    assert wait_until(more(clouds, 1))
            assert wait_until(more(clouds))
        finally:
            stop.set()
            player.join()
        assert threading.active_count() <= before[0]
        assert open_files() <= before[1] + 2
        assert resident() - before[2] < 32 << 20


def test_ten_cycles_of_the_whole_lifecycle_leave_no_thread_behind(run, model):
    with run(make_estimator, model=str(model), threads=2) as (_node, peer):
        clouds, camera = peer.listen(PointCloud2, 'pose3d'), peer.camera()
        last = publish_until(camera, more(clouds), picture)
        threads = threading.active_count()
        for _ in range(10):
            assert change_state(peer, DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE)
        publish_until(camera, more(clouds), picture, first=last + 1)
        assert threading.active_count() <= threads
