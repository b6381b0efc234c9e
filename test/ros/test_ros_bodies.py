"""ROS4HRI: ids, shares of the image, frames; with stand-ins, since hri_msgs has no wheels."""

from dataclasses import replace
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

from hri_stand_ins import BodyPosture, Broadcaster, FakeNode, Gesture, Ids, Point, Region, Skeleton
import numpy as np
import pytest
from ros_fixtures import FRAME_ID, people
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.gestures import NO_GESTURE, SeenGesture
from unihpe_ros.kinematics.human_model import ANGLES, forward_kinematics, JOINTS, LINKS
from unihpe_ros.kinematics.posture import Posture
from unihpe_ros.ros.bodies import Bodies, BodyContext
from unihpe_ros.ros.body_ids import BodyIds
from unihpe_ros.ros.optional_packages import MissingPackageError

SIZE = (64, 48)
SEVEN, EIGHT, SEVEN_BEHIND = (BodyIds(0).name(*one) for one in ((0, 7), (0, 8), (1, 7)))


@pytest.fixture
def node(monkeypatch):
    hri = SimpleNamespace(
        IdsList=Ids,
        NormalizedRegionOfInterest2D=Region,
        NormalizedPointOfInterest2D=Point,
        Skeleton2D=Skeleton,
        BodyPosture=BodyPosture,
        Gesture=Gesture,
    )
    monkeypatch.setitem(sys.modules, 'hri_msgs', SimpleNamespace(msg=hri))
    monkeypatch.setitem(sys.modules, 'hri_msgs.msg', hri)
    monkeypatch.setitem(sys.modules, 'tf2_ros', SimpleNamespace(TransformBroadcaster=Broadcaster))
    return FakeNode()


def standing(count: int, **angles):
    """Make people who stand at (1, 0, 3) m and look into the camera, but for these angles."""
    poses = people(count)
    poses.keypoints_3d[:] = np.nan
    held = np.array([[angles.get(name, 0.0) for name in ANGLES]])
    places = forward_kinematics(held)[1][0]
    # x towards the camera, y to its right, z against y, which points down.
    in_camera = places @ np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]]) + (1, 0, 3)
    for keypoint, link in (
        ('shoulder_joint', 'y_shoulder'),
        ('elbow', 'elbow'),
        ('wrist', 'wrist'),
        ('hip_joint', 'y_hip'),
        ('knee', 'knee'),
        ('ankle', 'ankle'),
    ):
        for side in ('left', 'right'):
            place = in_camera[LINKS.index(f'{side[0]}_{link}')]
            poses.keypoints_3d[:, UNION.index(f'{side}_{keypoint}')] = place
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


def test_two_robots_in_one_domain_list_the_people_of_both(node, monkeypatch):
    # A busy machine may take longer than a list is believed.
    monkeypatch.setattr('unihpe_ros.ros.body_lists.time.monotonic', lambda: 0.0)
    robots = [node, FakeNode(node)]
    front, rear = (Bodies(robot, ['']) for robot in robots)
    for _ in range(2):
        for bodies in (front, rear):
            bodies.publish('', standing(2), BodyContext(SIZE, header(), header()))
    lists = [robot.topics['/humans/bodies/tracked'][-1].ids for robot in robots]
    assert lists[0] == lists[1]
    assert len(set(lists[0])) == 4
    # Whoever leaves one robot's picture leaves both lists, and nobody comes back by an echo.
    rear.publish('', standing(1), BodyContext(SIZE, header(), header()))
    front.publish('', standing(2), BodyContext(SIZE, header(), header()))
    assert len(node.topics['/humans/bodies/tracked'][-1].ids) == 3
    rear.destroy()
    front.publish('', standing(2), BodyContext(SIZE, header(), header()))
    assert len(node.topics['/humans/bodies/tracked'][-1].ids) == 2


def test_a_robot_that_is_silent_is_no_longer_listed(node, monkeypatch):
    now = [0.0]
    monkeypatch.setattr('unihpe_ros.ros.body_lists.time.monotonic', lambda: now[0])
    front, rear = Bodies(node, ['']), Bodies(FakeNode(node), [''])
    rear.publish('', standing(2), BodyContext(SIZE, header(), header()))
    front.publish('', standing(1), BodyContext(SIZE, header(), header()))
    assert len(node.topics['/humans/bodies/tracked'][-1].ids) == 3
    now[0] = 1.5
    front.publish('', standing(1), BodyContext(SIZE, header(), header()))
    assert len(node.topics['/humans/bodies/tracked'][-1].ids) == 1


def test_topic_and_frames_can_be_told_apart(node):
    bodies = Bodies(node, [''], 'humans/bodies', 'robot1/', BodyIds(0))
    bodies.publish('', standing(1), BodyContext(SIZE, header(), header('map')))
    assert {'humans/bodies/tracked', f'humans/bodies/{SEVEN}/roi'} <= set(node.topics)
    assert Broadcaster.sent[0].child_frame_id == f'robot1/body_{SEVEN}'


def test_bodies_come_and_go(node):
    bodies = Bodies(node, ['front', 'rear'], ids=BodyIds(0))
    bodies.publish('front', standing(2), BodyContext(SIZE, header(), header()))
    bodies.publish('rear', standing(1), BodyContext(SIZE, header(), header()))
    tracked = node.topics['/humans/bodies/tracked']
    assert tracked[-1].ids == sorted([SEVEN, EIGHT, SEVEN_BEHIND])
    assert f'/humans/bodies/{EIGHT}/skeleton2d' in node.topics
    bodies.publish('front', standing(1), BodyContext(SIZE, header(), header()))
    assert tracked[-1].ids == sorted([SEVEN, SEVEN_BEHIND])
    assert f'/humans/bodies/{EIGHT}/skeleton2d' not in node.topics
    bodies.destroy()
    assert node.topics == {}


def test_points_and_regions_are_shares_of_the_image(node):
    poses = people(1)
    nose, wrist = (UNION.index(name) for name in ('nose', 'left_wrist'))
    poses.keypoints_2d[0, nose], poses.keypoints_2d[0, wrist] = (15.5, 11.5), (70, 20)
    poses.scores[0, [nose, wrist]] = 0.75
    poses = replace(poses, boxes=np.array([[-10, 11.5, 31.5, 23.5]], np.float32))
    Bodies(node, [''], ids=BodyIds(0)).publish('', poses, BodyContext(SIZE, header(), header()))
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
    Bodies(node, [''], ids=BodyIds(0)).publish(
        '', standing(1), BodyContext(SIZE, header(), header('map'))
    )
    message = Broadcaster.named(f'body_{SEVEN}')
    assert message.header.frame_id == 'map'
    place, turn = message.transform.translation, message.transform.rotation
    np.testing.assert_allclose([place.x, place.y, place.z], [1, 0, 3], atol=1e-6)
    axes = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
    # Towards the camera, to the person's left, and against y, which points down.
    np.testing.assert_allclose(axes.T, [[0, 0, -1], [1, 0, 0], [0, -1, 0]], atol=1e-6)


def test_without_hips_or_a_place_in_the_room_there_is_no_frame(node):
    unknown = standing(1)
    unknown.keypoints_3d[:, UNION.index('left_hip_joint')] = np.nan
    bodies = Bodies(node, [''], ids=BodyIds(0))
    bodies.publish('', unknown, BodyContext(SIZE, header(), header()))
    bodies.publish(
        '',
        replace(standing(1), root_mode=RootMode.RELATIVE),
        BodyContext(SIZE, header(), header()),
    )
    assert Broadcaster.sent == []


def test_the_frames_of_a_person_are_a_tree_whose_joints_turn_as_the_person_does(node):
    bodies = Bodies(node, [''], frame_prefix='robot1/', ids=BodyIds(0), hri=False)
    bodies.publish(
        '',
        standing(1, l_elbow=1.2, r_r_hip=1.5, r_knee=-1.4),
        BodyContext(SIZE, header(), header()),
    )
    assert len(Broadcaster.sent) == 1 + len(JOINTS)
    for joint in JOINTS:
        message = Broadcaster.named(f'robot1/{joint.link}_{SEVEN}')
        assert message.header.frame_id == f'robot1/{joint.parent}_{SEVEN}'
    turn = Broadcaster.named(f'robot1/r_hip_{SEVEN}').transform.rotation
    np.testing.assert_allclose(
        (turn.x, turn.y, turn.z, turn.w), (0, -np.sin(0.75), 0, np.cos(0.75)), atol=0.01
    )
    knee = Broadcaster.named(f'robot1/r_knee_{SEVEN}').transform.translation
    assert (knee.x, knee.y) == (0, 0)
    assert knee.z == pytest.approx(-0.41)


def test_without_hri_msgs_there_are_joint_states_of_what_is_known(node):
    poses = standing(2, l_elbow=1.2)
    poses.keypoints_3d[1, UNION.index('left_wrist')] = np.nan
    Bodies(node, [''], ids=BodyIds(0), hri=False).publish(
        '', poses, BodyContext(SIZE, header(), header('map'))
    )
    assert set(node.topics) == {
        '/tf',
        *(f'/humans/bodies/{one}/joint_states' for one in (SEVEN, EIGHT)),
    }
    state = node.topics[f'/humans/bodies/{SEVEN}/joint_states'][0]
    angles = dict(zip(state.name, state.position, strict=True))
    assert angles[f'l_elbow_{SEVEN}'] == pytest.approx(1.2, abs=1e-3)
    other = node.topics[f'/humans/bodies/{EIGHT}/joint_states'][0]
    # Of neither the face is known.
    assert len(state.name) == len(ANGLES) - 3
    assert set(state.name) - {f'l_elbow_{SEVEN}'} == {
        name.replace(EIGHT, SEVEN) for name in other.name
    }


def test_a_persons_description_comes_and_goes_with_them(node):
    bodies = Bodies(node, [''], ids=BodyIds(0))
    bodies.publish('', standing(1), BodyContext(SIZE, header(), header()))
    (text,) = node.parameters.values()
    assert list(node.parameters) == [f'human_description_{SEVEN}']
    assert node.topics[f'/humans/bodies/{SEVEN}/urdf'][0].data == text
    robot = ElementTree.fromstring(text)
    assert [one.get('name') for one in robot.iter('link')] == [f'{link}_{SEVEN}' for link in LINKS]
    bodies.publish('', standing(1), BodyContext(SIZE, header(), header()))
    assert len(node.topics[f'/humans/bodies/{SEVEN}/urdf']) == 1
    bodies.publish('', standing(0), BodyContext(SIZE, header(), header()))
    assert node.parameters == {}
    assert f'/humans/bodies/{SEVEN}/joint_states' not in node.topics


def test_a_person_is_cropped_where_somebody_looks(node):
    poses = replace(people(1), boxes=np.array([[-10, 11, 31, 23]], np.float32))
    image = np.arange(SIZE[0] * SIZE[1] * 3, dtype=np.uint8).reshape(SIZE[1], SIZE[0], 3)
    bodies = Bodies(node, [''], ids=BodyIds(0))
    assert not bodies.draws('')
    bodies.publish('', poses, BodyContext(SIZE, header(), header(), image))
    assert bodies.draws('')
    (crop,) = node.topics[f'/humans/bodies/{SEVEN}/cropped']
    assert (crop.width, crop.height) == (32, 13)
    assert bytes(crop.data) == image[11:24, :32].tobytes()
    node.listeners = 0
    assert not bodies.draws('')


def test_postures_and_gestures_are_those_of_hri_msgs(node):
    bodies = Bodies(node, [''], ids=BodyIds(0))
    poses, known = standing(2), [Posture.KNEELING, Posture.FALLEN]
    # hri_msgs has no name for hands on the hips, nor for no gesture.
    seen = [SeenGesture('left_hand_raised', 0.2, 1.0), SeenGesture('hands_on_hips', 0.2, 1.0)]
    assert not bodies.needs_postures('')
    assert not bodies.needs_gestures('')
    looks = BodyContext(SIZE, header(), header(), postures=known, gestures=seen)
    bodies.publish('', poses, looks)
    assert bodies.needs_postures('')
    assert bodies.needs_gestures('')
    told = [node.topics[f'/humans/bodies/{one}/posture'][0].posture for one in (SEVEN, EIGHT)]
    assert told == [BodyPosture.CROUCHING, BodyPosture.LAYING]
    bodies.publish('', poses, replace(looks, gestures=[NO_GESTURE, NO_GESTURE]))
    told = [node.topics[f'/humans/bodies/{one}/gesture'] for one in (SEVEN, EIGHT)]
    expected = [[Gesture.LEFT_HAND_RAISED, Gesture.OTHER], [Gesture.OTHER, Gesture.OTHER]]
    assert [[message.gesture for message in one] for one in told] == expected
    bodies.publish('', poses, BodyContext(SIZE, header(), header()))
    assert len(node.topics[f'/humans/bodies/{SEVEN}/posture']) == 2
    assert len(node.topics[f'/humans/bodies/{SEVEN}/gesture']) == 2


def test_nothing_is_computed_while_nobody_listens(monkeypatch):
    calls = []
    monkeypatch.setattr('unihpe_ros.ros.bodies.body_angles', calls.append)
    monkeypatch.setitem(sys.modules, 'tf2_ros', SimpleNamespace(TransformBroadcaster=Broadcaster))
    deaf = FakeNode(listeners=0)
    Bodies(deaf, [''], hri=False).publish('', standing(1), BodyContext(SIZE, header(), header()))
    assert not calls
    assert not Broadcaster.sent


def test_without_hri_msgs_it_is_said_what_needs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'hri_msgs', None)
    monkeypatch.setitem(sys.modules, 'hri_msgs.msg', None)
    with pytest.raises(MissingPackageError, match='ros4hri is true: hri_msgs can not be imported'):
        Bodies(FakeNode(), [''])
