"""ROS4HRI: ids, shares of the image, frames; with stand-ins, since hri_msgs has no wheels."""

from dataclasses import dataclass, field, replace
import sys
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from ros_fixtures import FRAME_ID, people
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.skeleton import ROS4HRI_18
from unihpe_ros.ros.bodies import Bodies, body_frame, BodyIds
from unihpe_ros.ros.optional import MissingPackageError

SIZE = (64, 48)
SEVEN, EIGHT, SEVEN_BEHIND = (BodyIds(0).name(*one) for one in ((0, 7), (0, 8), (1, 7)))


@dataclass
class Point:
    x: float = 0.0
    y: float = 0.0
    c: float = 0.0


@dataclass
class Region:
    header: Header
    xmin: float = 0.0
    ymin: float = 0.0
    xmax: float = 0.0
    ymax: float = 0.0
    c: float = 0.0


@dataclass
class Ids:
    header: Header
    ids: list


@dataclass
class Skeleton:
    header: Header
    skeleton: list = field(default_factory=list)


for number, name in enumerate(ROS4HRI_18.keypoints):
    setattr(Skeleton, name.upper(), number)


class Broadcaster:
    sent: ClassVar[list] = []

    def __init__(self, node):
        self.sent.clear()
        self.pub_tf = node.create_publisher(object, '/tf', 100)

    def sendTransform(self, messages):  # noqa: N802 - tf2_ros calls it so.
        self.sent.extend(messages)


class FakeNode:
    """Keeps what is published, by topic; nodes in the same domain hear each other."""

    def __init__(self, domain=None):
        self.topics = {}
        self.heard_by = {} if domain is None else domain.heard_by

    def create_publisher(self, kind, topic, depth):
        del kind, depth
        messages = self.topics.setdefault(topic, [])

        def publish(message):
            messages.append(message)
            for callback in self.heard_by.get(topic, ()):
                callback(message)

        return SimpleNamespace(topic=topic, publish=publish, get_subscription_count=lambda: 1)

    def create_subscription(self, kind, topic, callback, depth):
        del kind, depth
        self.heard_by.setdefault(topic, []).append(callback)
        return SimpleNamespace(topic=topic, callback=callback)

    def destroy_subscription(self, subscription):
        self.heard_by[subscription.topic].remove(subscription.callback)

    def destroy_publisher(self, publisher):
        del self.topics[publisher.topic]


@pytest.fixture
def node(monkeypatch):
    hri = SimpleNamespace(
        IdsList=Ids,
        NormalizedRegionOfInterest2D=Region,
        NormalizedPointOfInterest2D=Point,
        Skeleton2D=Skeleton,
    )
    monkeypatch.setitem(sys.modules, 'hri_msgs', SimpleNamespace(msg=hri))
    monkeypatch.setitem(sys.modules, 'hri_msgs.msg', hri)
    monkeypatch.setitem(sys.modules, 'tf2_ros', SimpleNamespace(TransformBroadcaster=Broadcaster))
    return FakeNode()


def standing(count: int):
    """Make people who stand at (1, 0, 3) m and look into the camera."""
    poses = people(count).to(ROS4HRI_18)
    poses.keypoints_3d[:] = np.nan
    for name, place in (
        ('left_hip', (1.2, 0, 3)),
        ('right_hip', (0.8, 0, 3)),
        ('neck', (1, -0.5, 3)),
    ):
        poses.keypoints_3d[:, ROS4HRI_18.index(name)] = place
    return poses


def header(frame_id=FRAME_ID):
    return Header(frame_id=frame_id)


def test_ids_are_five_characters_that_start_with_a_letter_and_differ():
    people = [(camera, person) for camera in range(16) for person in (*range(600), 35, 10**6)]
    for salt in (0, 1, 2**64 - 1, None):
        named = BodyIds(salt)
        ids = {named.name(*one) for one in people}
        assert len(ids) == len(set(people))
        assert all(len(one) == 5 and one[0].isalpha() and one.isalnum() for one in ids)


def test_two_robots_give_different_ids():
    front, rear = ([BodyIds().name(0, person) for person in range(20)] for _ in range(2))
    assert not set(front) & set(rear)


def test_two_robots_in_one_domain_list_the_people_of_both(node):
    robots = [node, FakeNode(node)]
    front, rear = (Bodies(robot, ['']) for robot in robots)
    for _ in range(2):
        for bodies in (front, rear):
            bodies.publish('', standing(2), SIZE, header(), header())
    lists = [robot.topics['/humans/bodies/tracked'][-1].ids for robot in robots]
    assert lists[0] == lists[1]
    assert len(set(lists[0])) == 4
    # Whoever leaves one robot's picture leaves both lists, and nobody comes back by an echo.
    rear.publish('', standing(1), SIZE, header(), header())
    front.publish('', standing(2), SIZE, header(), header())
    assert len(node.topics['/humans/bodies/tracked'][-1].ids) == 3
    rear.destroy()
    front.publish('', standing(2), SIZE, header(), header())
    assert len(node.topics['/humans/bodies/tracked'][-1].ids) == 2


def test_a_robot_that_is_silent_is_no_longer_listed(node, monkeypatch):
    now = [0.0]
    monkeypatch.setattr('unihpe_ros.ros.body_lists.time.monotonic', lambda: now[0])
    front, rear = Bodies(node, ['']), Bodies(FakeNode(node), [''])
    rear.publish('', standing(2), SIZE, header(), header())
    front.publish('', standing(1), SIZE, header(), header())
    assert len(node.topics['/humans/bodies/tracked'][-1].ids) == 3
    now[0] = 1.5
    front.publish('', standing(1), SIZE, header(), header())
    assert len(node.topics['/humans/bodies/tracked'][-1].ids) == 1


def test_topic_and_frames_can_be_told_apart(node):
    bodies = Bodies(node, [''], 'humans/bodies', 'robot1/', BodyIds(0))
    bodies.publish('', standing(1), SIZE, header(), header('map'))
    assert {'humans/bodies/tracked', f'humans/bodies/{SEVEN}/roi'} <= set(node.topics)
    assert Broadcaster.sent[0].child_frame_id == f'robot1/body_{SEVEN}'


def test_bodies_come_and_go(node):
    bodies = Bodies(node, ['front', 'rear'], ids=BodyIds(0))
    bodies.publish('front', standing(2), SIZE, header(), header())
    bodies.publish('rear', standing(1), SIZE, header(), header())
    tracked = node.topics['/humans/bodies/tracked']
    assert tracked[-1].ids == sorted([SEVEN, EIGHT, SEVEN_BEHIND])
    assert f'/humans/bodies/{EIGHT}/skeleton2d' in node.topics
    bodies.publish('front', standing(1), SIZE, header(), header())
    assert tracked[-1].ids == sorted([SEVEN, SEVEN_BEHIND])
    assert f'/humans/bodies/{EIGHT}/skeleton2d' not in node.topics
    bodies.destroy()
    assert node.topics == {}


def test_points_and_regions_are_shares_of_the_image(node):
    poses = people(1).to(ROS4HRI_18)
    nose, wrist = (ROS4HRI_18.index(name) for name in ('nose', 'left_wrist'))
    poses.keypoints_2d[0, nose], poses.keypoints_2d[0, wrist] = (15.5, 11.5), (70, 20)
    poses.scores[0, [nose, wrist]] = 0.75
    poses = replace(poses, boxes=np.array([[-10, 11.5, 31.5, 23.5]], np.float32))
    Bodies(node, [''], ids=BodyIds(0)).publish('', poses, SIZE, header(), header())
    skeleton = node.topics[f'/humans/bodies/{SEVEN}/skeleton2d'][0]
    assert skeleton.header.frame_id == FRAME_ID
    assert skeleton.skeleton[Skeleton.NOSE] == Point(0.25, 0.25, 0.75)
    assert skeleton.skeleton[Skeleton.LEFT_WRIST] == Point()  # It is not in the image.
    # A missing keypoint is not a NaN.
    assert all(point.x == point.x for point in skeleton.skeleton)
    region = node.topics[f'/humans/bodies/{SEVEN}/roi'][0]
    assert (region.xmin, region.ymin, region.xmax, region.ymax) == (0, 0.25, 0.5, 0.5)
    assert 0 < region.c < 1


def test_the_frame_of_a_body_looks_forward_and_up(node):
    Bodies(node, [''], ids=BodyIds(0)).publish('', standing(1), SIZE, header(), header('map'))
    message = Broadcaster.sent[0]
    assert (message.header.frame_id, message.child_frame_id) == ('map', f'body_{SEVEN}')
    place, turn = message.transform.translation, message.transform.rotation
    np.testing.assert_allclose([place.x, place.y, place.z], [1, 0, 3], atol=1e-6)
    axes = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
    # Towards the camera, to the person's left, and against y, which points down.
    np.testing.assert_allclose(axes.T, [[0, 0, -1], [1, 0, 0], [0, -1, 0]], atol=1e-6)


def test_without_hips_or_a_place_in_the_room_there_is_no_frame(node):
    unknown = standing(1)
    unknown.keypoints_3d[:, ROS4HRI_18.index('neck')] = np.nan
    bodies = Bodies(node, [''], ids=BodyIds(0))
    bodies.publish('', unknown, SIZE, header(), header())
    bodies.publish('', replace(standing(1), root_mode=RootMode.RELATIVE), SIZE, header(), header())
    assert Broadcaster.sent == []
    assert body_frame(np.zeros((18, 3))) is None


def test_without_hri_msgs_it_is_said_what_needs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'hri_msgs', None)
    monkeypatch.setitem(sys.modules, 'hri_msgs.msg', None)
    with pytest.raises(MissingPackageError, match='ros4hri is true: hri_msgs can not be imported'):
        Bodies(FakeNode(), [''])
