"""The node with several cameras: topics, ids and batches of each."""

from itertools import count
import time

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from node_talk import change_state, publish_until, report_of, values_of
import pytest
from ros_fixtures import (
    camera_info,
    FakeEstimator,
    image,
    wait_until,
)
from sensor_msgs.msg import CameraInfo, PointCloud2
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
