"""While a model is loaded the node answers, reports, can be told to end, and recovers."""

from contextlib import contextmanager
import os
from pathlib import Path
import signal
import threading
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState
from node_talk import NODE, state_of
import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from ros_fixtures import (
    FakeEstimator,
    image,
    node_and_peer,
    own_namespace,
    Peer,
    ros,
    spinning,
    wait_until,
)
from std_srvs.srv import Trigger
from test_ros_two_processes import process
from unihpe_ros.engines import EngineError
from unihpe_ros.ros.node import PoseEstimatorNode


class SlowFactory:
    """Makes an estimator once it is let, and remembers all that it made."""

    def __init__(self) -> None:
        self.began, self.go = threading.Event(), threading.Event()
        self.failure: Exception | None = None
        self.made: list[FakeEstimator] = []

    def __call__(self, parameters) -> FakeEstimator:
        self.began.set()
        assert self.go.wait(60)
        if self.failure is not None:
            raise self.failure
        self.made.append(FakeEstimator(parameters))
        return self.made[-1]


@pytest.fixture
def run(context, namespace, quick_reports):
    @contextmanager
    def start(**values):
        factory = SlowFactory()
        node, peer = node_and_peer(context, namespace, factory, **values)
        with spinning(node, peer):
            yield node, peer, factory
            factory.go.set()

    return start


def ask(peer, transition=Transition.TRANSITION_CONFIGURE, label=''):
    """Ask for a transition and do not wait for the answer."""
    client = peer.create_client(ChangeState, f'{NODE}/change_state')
    assert client.wait_for_service(20)
    wanted = Transition(id=transition, label=label)
    return client.call_async(ChangeState.Request(transition=wanted))


@pytest.mark.parametrize('label', [False, True])
def test_others_are_served_while_the_model_is_loaded(run, label):
    with run() as (_, peer, factory):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        future = ask(peer, 0, 'configure') if label else ask(peer)
        assert factory.began.wait(20)
        assert state_of(peer) == State.PRIMARY_STATE_UNCONFIGURED
        assert not peer.call(Trigger, f'{NODE}/reset_tracks', Trigger.Request()).success
        assert wait_until(lambda: any(r.status[0].message == 'loading the model' for r in reports))
        # A second request is refused at once, and the first is not disturbed.
        second = ask(peer)
        assert wait_until(second.done)
        assert not second.result().success
        assert not future.done()
        factory.go.set()
        assert wait_until(future.done)
        assert future.result().success
        assert state_of(peer) == State.PRIMARY_STATE_INACTIVE
        assert [estimator.closed for estimator in factory.made] == [0]


def test_parameters_that_change_meanwhile_hold(run):
    with run() as (node, peer, factory):
        future = ask(peer)
        assert factory.began.wait(20)
        assert node.set_parameters([Parameter('score_threshold', value=0.7)])[0].successful
        factory.go.set()
        assert wait_until(future.done)
        assert factory.made[0].settings[-1].score_threshold == 0.7


def test_shut_down_meanwhile_the_model_is_thrown_away(run):
    with run() as (_, peer, factory):
        future = ask(peer)
        assert factory.began.wait(20)
        end = ask(peer, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
        assert wait_until(end.done)
        assert end.result().success
        factory.go.set()
        assert wait_until(future.done)
        assert not future.result().success
        assert state_of(peer) == State.PRIMARY_STATE_FINALIZED
        assert [estimator.closed for estimator in factory.made] == [1]


@pytest.mark.parametrize('failure', [EngineError('no room'), ZeroDivisionError('no number')])
def test_what_goes_wrong_is_told_and_can_be_tried_again(run, failure):
    """A bad model is a failure; what nobody expects passes through ErrorProcessing."""
    with run() as (_, peer, factory):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        factory.failure = failure
        factory.go.set()
        future = ask(peer)
        assert wait_until(future.done)
        assert not future.result().success
        assert state_of(peer) == State.PRIMARY_STATE_UNCONFIGURED

        def told():
            found = [r.status[0] for r in reports if str(failure) in r.status[0].message]
            return found and found[-1].level == DiagnosticStatus.ERROR

        assert wait_until(told)
        factory.failure = None
        again = ask(peer)
        assert wait_until(again.done)
        assert again.result().success
        assert state_of(peer) == State.PRIMARY_STATE_INACTIVE


def test_an_error_at_activation_is_recovered_from(run, monkeypatch):
    with run() as (node, peer, factory):
        factory.go.set()
        assert wait_until(ask(peer).done)
        assert wait_until(lambda: factory.made)
        assert wait_until(lambda: state_of(peer) == State.PRIMARY_STATE_INACTIVE)

        def refuse(*_, **__):
            raise OSError('no more threads')

        logs = peer.listen_to_logs()
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        with monkeypatch.context() as patch:
            patch.setattr(type(node._pipeline), 'start', refuse)
            future = ask(peer, Transition.TRANSITION_ACTIVATE)
            assert wait_until(future.done)
            assert not future.result().success
        words = "cannot be activated: OSError('no more threads')"
        assert wait_until(lambda: any(r.status[0].message == words for r in reports))
        assert wait_until(lambda: any('in refuse' in line for line in logs))
        # ErrorProcessing lets go of all and ends in unconfigured.
        assert state_of(peer) == State.PRIMARY_STATE_UNCONFIGURED
        assert factory.made[0].closed == 1
        for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            future = ask(peer, transition)
            assert wait_until(future.done)
            assert future.result().success


def test_a_model_that_cannot_be_unloaded_is_let_go_of_all_the_same(run, monkeypatch):
    def refuse(_):
        raise RuntimeError('the driver is gone')

    monkeypatch.setattr(FakeEstimator, 'close', refuse)
    with run() as (_, peer, factory):
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        factory.go.set()
        future = ask(peer)
        assert wait_until(future.done)
        monkeypatch.undo()
        future = ask(peer, Transition.TRANSITION_CLEANUP)
        assert wait_until(future.done)
        assert not future.result().success
        assert state_of(peer) == State.PRIMARY_STATE_UNCONFIGURED
        words = "cannot be cleaned up: RuntimeError('the driver is gone')"
        assert wait_until(lambda: any(r.status[0].message == words for r in reports))
        future = ask(peer)
        assert wait_until(future.done)
        assert future.result().success


def test_a_node_that_brings_itself_up_may_be_shut_down_meanwhile(context, namespace):
    factory = SlowFactory()
    node = PoseEstimatorNode(estimator_factory=factory, context=context, namespace=namespace)
    peer, executor = Peer(context, namespace), SingleThreadedExecutor(context=context)
    executor.add_node(node)
    with spinning(peer):
        task = executor.create_task(node.bring_up)
        spin_until(executor, factory.began.is_set)
        end = peer.create_client(ChangeState, f'{NODE}/change_state').call_async(
            ChangeState.Request(transition=Transition(label='shutdown'))
        )
        spin_until(executor, end.done)
        assert end.result().success
        factory.go.set()
        spin_until(executor, task.done)
    # What it raises would end the process.
    assert task.exception() is None
    assert [estimator.closed for estimator in factory.made] == [1]
    executor.shutdown()
    node.destroy_node()


def spin_until(executor, condition):
    """Serve a node as its process does: in the thread that waits."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        executor.spin_once(timeout_sec=0.02)


STUCK = """
import sys, threading
from unihpe_ros.ros.spin import main

def build(parameters):
    print('building', flush=True)
    threading.Event().wait(600)

sys.exit(main(estimator_factory=build))
"""


def end_soon(child, number):
    """Send a signal to a process, which shall end well and without delay."""
    began = time.monotonic()
    child.send_signal(number)
    assert child.wait(60) == 0
    # Within a second on a machine of its own; one that tests share may be busy.
    assert time.monotonic() - began < 15


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_process_ends_while_an_engine_is_built(number, tmp_path):
    log = tmp_path / 'node.log'
    with process(STUCK, log=log) as child:
        assert wait_until(lambda: 'building' in log.read_text(), 60), log.read_text()
        end_soon(child, number)
    assert 'Traceback' not in log.read_text()


HANGING = """
import sys, threading
from ros_fixtures import FakeEstimator
from unihpe_ros.ros.spin import main

class Hanging(FakeEstimator):
    def estimate_batch(self, shots):
        print('at work', flush=True)
        threading.Event().wait(600)

sys.exit(main(estimator_factory=Hanging))
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_process_ends_while_the_engine_hangs(number, tmp_path):
    log, namespace = tmp_path / 'node.log', own_namespace(f'hangs{number}')
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root / 'test/helpers'), str(root)])
    with ros() as context:
        peer = Peer(context, namespace)
        camera = peer.camera()
        arguments = ('--ros-args', '-r', f'__ns:={namespace}')
        with spinning(peer), process(HANGING, *arguments, log=log, PYTHONPATH=path) as child:

            def works():
                camera.publish(image())
                return 'at work' in log.read_text()

            assert wait_until(works, 60), log.read_text()
            end_soon(child, number)
    assert 'Traceback' not in log.read_text()
