"""Clocks: simulated time, bags that begin anew or skip, stamps that cannot be right."""

from contextlib import contextmanager
import time

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
import pytest
from ros_fixtures import (
    active,
    image,
    node_and_peer,
    Peer,
    ros,
    wait_until,
)
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float32
from tiny_detector import write_tiny_detector
from tiny_model import paint_person, person_box
from unihpe_ros.ros.clouds import from_cloud
from unihpe_ros.ros.images import encode_image
from unihpe_ros.ros.node import make_estimator

PERIOD = 1 / 30


@pytest.fixture
def run(model, namespace, quick_reports, tmp_path_factory):
    """Return a context manager: an active node on the model of constants, and a peer."""
    models = {
        'model': str(model),
        'detector_model': str(write_tiny_detector(tmp_path_factory.mktemp('detector'))),
    }

    @contextmanager
    def start(**values):
        with ros() as context:
            node, peer = node_and_peer(
                context, namespace, make_estimator, **models, threads=1, **values
            )
            with active(node, peer):
                yield node, peer

    return start


class Player:
    """A camera that shows one person, and waits for the answer to each image."""

    def __init__(self, peer: Peer) -> None:
        self._clouds = peer.listen(PointCloud2, 'pose3d')
        self._camera = peer.camera()
        self._shown = np.full((96, 128, 3), 40, np.uint8)
        paint_person(self._shown, person_box(64, 48, 66))
        assert wait_until(self._camera.get_subscription_count)

    def show(self, stamp: float):
        """Show an image of that time; return the poses."""
        msg = encode_image(self._shown, image(stamp).header)
        self._clouds.clear()

        def answers():
            return [cloud for cloud in self._clouds if cloud.header.stamp == msg.header.stamp]

        def publish():
            self._camera.publish(msg)
            return wait_until(answers, 0.5)

        assert wait_until(publish)
        return from_cloud(answers()[0])

    def settle(self, start: float, count: int = 8):
        """Show some images; return the time of the last, and its poses."""
        for number in range(count):
            poses = self.show(start + number * PERIOD)
        return start + (count - 1) * PERIOD, poses


def figures_of(reports):
    return {item.key: item.value for item in reports[-1].status[0].values}


def test_a_bag_that_begins_anew_is_followed_anew(run):
    with run() as (_, peer):
        logs, player = peer.listen_to_logs(), Player(peer)
        answers = [player.settle(1000.0)[1] for _ in range(3)]
        assert [len(poses) for poses in answers] == [1, 1, 1]
        for poses in answers:
            assert np.isfinite(poses.keypoints_2d).all()
            np.testing.assert_allclose(poses.keypoints_2d, answers[0].keypoints_2d, atol=1.0)
        assert wait_until(lambda: any('time went back: by 0.2 s' in line for line in logs))


@pytest.mark.parametrize('jump', [0.5, 60.0, 1e9])
def test_time_that_jumps_forth_and_back_does_no_harm(run, jump):
    with run() as (_, peer):
        player = Player(peer)
        last, before = player.settle(1000.0)
        for start in (last + jump, last + 2 * PERIOD):
            _, poses = player.settle(start)
            assert len(poses) == 1
            np.testing.assert_allclose(poses.keypoints_2d, before.keypoints_2d, atol=1.0)
            assert np.isfinite(poses.keypoints_3d).all()


def test_with_simulated_time_the_age_is_by_that_clock(run):
    with run(use_sim_time=True) as (node, peer):
        clock = peer.create_publisher(Clock, 'clock', 1)
        ages, player = peer.listen(Float32, 'latency_ms'), Player(peer)
        # Before the first tick the clock stands at zero, and every stamp is in the future.
        player.show(50.0)
        assert not ages
        now = Clock()
        now.clock.sec = 60

        def ticked():
            clock.publish(now)
            return node.get_clock().now().nanoseconds == 60 * 10**9

        assert wait_until(ticked)
        player.show(59.75)
        assert wait_until(lambda: ages)
        assert ages[-1].data == pytest.approx(250.0, abs=0.01)


@pytest.mark.parametrize('ahead', [10.0, 3600.0, -1e10], ids=['seconds', 'hour', 'no stamp'])
def test_an_age_that_cannot_be_known_is_unknown_and_not_negative(run, ahead):
    with run() as (_, peer):
        ages, player = peer.listen(Float32, 'latency_ms'), Player(peer)
        reports = peer.listen(DiagnosticArray, 'diagnostics')
        player.show(time.time() - 0.5)
        assert wait_until(lambda: ages)
        assert wait_until(lambda: reports and 'end_to_end_ms_p50' in figures_of(reports))
        assert float(figures_of(reports)['end_to_end_ms_p50']) >= 500
        told = len(ages)
        player.show(max(0.0, time.time() + ahead))
        assert wait_until(lambda: figures_of(reports)['end_to_end_ms_p50'] == 'unknown')
        assert len(ages) == told
        assert all(age.data >= 0 for age in ages)


def test_images_that_are_old_when_they_come_are_told(run):
    with run() as (_, peer):
        logs, player = peer.listen_to_logs(), Player(peer)
        player.show(time.time() - 5.0)
        words = 'images are old when they come: by '
        assert wait_until(lambda: any(words in line for line in logs))
        (line,) = (line for line in logs if words in line)
        assert float(line.partition(words)[2].split()[0]) >= 5.0


def test_who_leaves_a_camera_with_a_stamp_that_stays_is_not_seen_for_ever(run):
    with run(lost_timeout_s=0.5) as (_, peer):
        logs, clouds = peer.listen_to_logs(), peer.listen(PointCloud2, 'pose3d')
        camera = peer.camera()
        shown = np.full((96, 128, 3), 40, np.uint8)
        empty = shown.copy()
        paint_person(shown, person_box(64, 48, 66))

        def seen(picture: np.ndarray, count: int) -> bool:
            camera.publish(encode_image(picture, image(1000.0).header))
            return wait_until(lambda: clouds and clouds[-1].height == count, 0.2)

        assert wait_until(camera.get_subscription_count)
        assert wait_until(lambda: seen(shown, 1))
        assert wait_until(
            lambda: seen(shown, 1) and any('images repeat their stamp' in x for x in logs)
        )
        assert wait_until(lambda: seen(empty, 0))


def test_zero_stamps_among_good_ones_do_no_harm(run):
    with run() as (_, peer):
        player = Player(peer)
        last, before = player.settle(1000.0)
        player.show(0.0)
        _, after = player.settle(last + PERIOD)
        assert len(after) == 1
        np.testing.assert_allclose(after.keypoints_2d, before.keypoints_2d, atol=1.0)
