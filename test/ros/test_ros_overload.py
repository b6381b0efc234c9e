"""
A camera that is faster than the node: nothing queues, on any of the ways an image may wait.

What is answered is as old as it was when work on it began, and the work itself. It began on the
newest image that had come: that is counted here, not timed, so that a busy machine changes
nothing. The next image has not come then, so it is at most a camera period old.
"""

from itertools import count
import threading
import time

import pytest
from ros_fixtures import FakeEstimator, image, node_and_peer, PATIENCE_S, spinning, wait_until
from sensor_msgs.msg import PointCloud2
from unihpe_ros.ros import worker
from unihpe_ros.ros.camera_input import seconds

PERIOD_S, ENGINE_S = 1 / 30, 0.06


@pytest.fixture
def make(context, namespace):
    def make(estimator):
        node, peer = node_and_peer(context, namespace, lambda _: estimator)
        node.trigger_configure()
        node.trigger_activate()
        return node, peer

    return make


class Gate(FakeEstimator):
    """Works on an image until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go = threading.Semaphore(0)

    def estimate_batch(self, shots):
        answers = super().estimate_batch(shots)
        assert self.may_go.acquire(timeout=PATIENCE_S)
        return answers


def matched(publisher):
    assert wait_until(lambda: publisher.get_subscription_count())
    return publisher


def test_work_begins_on_the_newest_image_however_many_came_meanwhile(make):
    estimator = Gate()
    node, peer = make(estimator)
    received, stamps = [], count(1)
    watch(node, received)
    with spinning(node, peer):
        camera = matched(peer.camera(reliable=True))
        clouds = peer.listen(PointCloud2, 'pose3d')

        def publish():
            stamp = float(next(stamps))
            camera.publish(image(stamp))
            assert wait_until(lambda: received and received[-1] == stamp)
            return stamp

        newest = publish()
        for answered, meanwhile in enumerate((0, 1, 2, 5, 1, 3), start=1):
            assert wait_until(lambda n=answered: len(estimator.calls) == n)
            newer = [stamp for stamp in received if stamp > estimator.calls[-1][2]]
            assert newer == []
            assert estimator.calls[-1][2] == newest
            for _ in range(meanwhile):
                newest = publish()
            estimator.may_go.release()
            assert wait_until(lambda n=answered: len(clouds) == n)
            if not meanwhile:
                newest = publish()
        estimator.may_go.release()
        assert wait_until(lambda: len(clouds) == 7)
    assert [seconds(cloud.header) for cloud in clouds] == [call[2] for call in estimator.calls]


def watch(node, received):
    """Note the stamps of images when they are handed to the worker."""
    (camera_input,) = node._pipeline._inputs.values()
    submit = camera_input._submit

    def noting(frame, sender):
        replaced = submit(frame, sender)
        received.append(frame.stamp)
        return replaced

    camera_input._submit = noting


class Journal(worker.Mailbox):
    """Writes down what is put and taken, in the order in which it happens."""

    entries: list

    def put(self, item, sender=''):
        with self._changed:
            self.entries.append(('put', item.stamp))
            return super().put(item, sender)

    def take(self):
        with self._changed:
            items = super().take()
            self.entries += [('take', item.stamp) for item in items]
            return items


def test_a_camera_of_30_hz_and_an_engine_of_60_ms(make, monkeypatch):
    Journal.entries = []
    monkeypatch.setattr(worker, 'Mailbox', Journal)
    estimator = FakeEstimator(seconds=ENGINE_S)
    node, peer = make(estimator)
    with spinning(node, peer):
        clouds = peer.listen(PointCloud2, 'pose3d', 1000)
        camera = matched(peer.camera(reliable=True))
        for stamp in range(1, 61):
            camera.publish(image(float(stamp)))
            time.sleep(PERIOD_S)
        assert wait_until(lambda: Journal.entries[-1][0] == 'take' and len(clouds) > 1)
    puts, takes, newer = 0, [], []
    for kind, stamp in Journal.entries:
        if kind == 'put':
            puts = stamp
        else:
            takes.append(stamp)
            newer.append(puts - stamp)
    # The stamps count the images: so many were there that were newer than the one taken.
    assert set(newer) == {0.0}
    assert {seconds(cloud.header) for cloud in clouds} <= set(takes)
    # There was an overload: else the test would show nothing.
    assert len(takes) < len(Journal.entries) - len(takes)


def test_images_do_not_wait_in_the_middleware_either(make):
    estimator = FakeEstimator()
    node, peer = make(estimator)
    camera = matched(peer.camera())
    # Nobody serves the node: as if its thread were held up.
    for stamp in range(1, 9):
        camera.publish(image(float(stamp)))
    time.sleep(0.2)
    with spinning(node, peer):
        assert wait_until(lambda: estimator.calls)
        assert wait_until(lambda: estimator.calls[-1][2] == 8.0)
        assert [call[2] for call in estimator.calls] == [8.0]
