"""People as messages: their cloud, rays of pointing arms, and messages of other packages."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

from geometry_msgs.msg import Point, Pose, Vector3
import numpy as np
from posed_people import angles_of, keypoints
import pytest
from ros_fixtures import people
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from unihpe_ros.core.pose import KeypointFlag, RootMode
from unihpe_ros.kinematics.posture import Posture
from unihpe_ros.ros.people_messages import to_detections, to_people
from unihpe_ros.ros.people_outputs import labels, PeopleOutputs
from unihpe_ros.ros.people_states import PeopleStates, PERSON, place_of
from unihpe_ros.ros.transforms import IDENTITY, Transform

HEADER = Header(frame_id='map')
QUIET = {'needs_postures': False, 'needs_motion': False}
# A camera 1.2 m over the ground that looks along x.
LOOKING = Transform(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), np.array([0, 0, 1.2]))


def standing(place=(3.0, 0.0, 0.86), root_mode=RootMode.PROJECTIVE, **angles):
    """Make one person, id 7, who looks along x in a frame whose z is up."""
    points = keypoints(angles_of(**angles)) + place
    return replace(people(1, root_mode=root_mode), keypoints_3d=points.astype(np.float32))


def place(stamp=1.0):
    return place_of(stamp, LOOKING, 'map')


@dataclass
class Outputs:
    """Stands for the publishers of a node; listens to some topics."""

    heard: tuple
    sent: dict = field(default_factory=dict)

    def create(self, kind, topic):
        del kind
        return SimpleNamespace(
            get_subscription_count=lambda: int(topic in self.heard),
            publish=lambda message: self.sent.setdefault(topic, []).append(message),
        )


def test_people_have_places_velocities_and_headings():
    states = PeopleStates()
    for stamp in np.arange(0, 2, 0.1):
        poses = standing((3 - 0.5 * stamp, 0, 0.86))
        (point,) = states.points(poses, place(1 + stamp), [Posture.STANDING])
    assert point['person_id'] == 7
    assert point['x'] == pytest.approx(3 - 0.5 * stamp, abs=0.05)
    assert point['vx'] == pytest.approx(-0.5, abs=0.1)
    assert point['heading'] == pytest.approx(0, abs=1e-3)
    assert point['posture'] == Posture.STANDING
    assert point['flags'] & KeypointFlag.METRIC_ROOT
    assert 0 < point['std_y'] < point['std_x'] < 0.3


def test_velocities_are_of_the_ground_while_a_camera_drives():
    """A camera that turns and drives past somebody who stands."""
    states = {'known': PeopleStates(), 'unknown': PeopleStates()}
    world = standing().keypoints_3d
    for stamp in np.arange(0, 2, 0.1):
        drive = Rotation.from_euler('z', 0.2 * stamp).as_matrix()
        matrix = Transform(drive @ LOOKING.rotation, np.array([0.5 * stamp, 0, 1.2])).matrix
        seen = (world - matrix[:3, 3]) @ matrix[:3, :3]
        poses = replace(standing(), keypoints_3d=seen.astype(np.float32))
        speeds = {}
        for name, one in states.items():
            pose = matrix if name == 'known' else None
            where = place_of(1 + stamp, IDENTITY, '', world_from_camera=pose)
            (point,) = one.points(poses, where, [])
            speeds[name] = np.linalg.norm([point['vx'], point['vy'], point['vz']])
    assert speeds['known'] < 0.02
    assert speeds['unknown'] > 0.4


def test_a_heading_turns_to_the_left_in_frames_of_tf_and_of_the_camera():
    poses, states = standing(), PeopleStates()
    turned = poses.keypoints_3d @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32).T
    poses = replace(poses, keypoints_3d=turned)
    assert states.points(poses, place(), [])[0]['heading'] == pytest.approx(np.pi / 2, abs=1e-3)
    seen = replace(poses, keypoints_3d=turned @ LOOKING.rotation.astype(np.float32))
    (point,) = PeopleStates().points(seen, place_of(1.0, IDENTITY, ''), [])
    assert point['heading'] == pytest.approx(np.pi / 2, abs=1e-3)


def test_up_follows_the_picture_in_the_cameras_frame_and_gravity_in_others():
    np.testing.assert_allclose(place_of(1, IDENTITY, '').up, (0, -1, 0))
    np.testing.assert_allclose(place_of(1, IDENTITY, '', 90).up, (-1, 0, 0))
    np.testing.assert_allclose(place_of(1, LOOKING, 'other_optical_frame').up, (0, 0, 1))
    np.testing.assert_allclose(place().up, (0, 0, 1))
    assert place().has_ground
    assert not place_of(1, IDENTITY, '').has_ground


def test_without_a_place_in_the_room_there_is_none():
    poses = standing(root_mode=RootMode.RELATIVE)
    (point,) = PeopleStates().points(poses, place(), [])
    assert np.isnan([point[name] for name in ('x', 'vz', 'std_x')]).all()


def test_what_nobody_listens_to_is_not_sent_nor_computed(monkeypatch):
    monkeypatch.setattr('unihpe_ros.ros.people_states.postures', None)
    outputs = Outputs(())
    known, motion = PeopleOutputs(outputs.create).publish(standing(), HEADER, place(), **QUIET)
    assert (known, motion) == ([], None)
    assert outputs.sent == {}


def test_motion_is_told_to_who_needs_it_without_a_listener():
    both = PeopleOutputs(Outputs(()).create)
    needs = QUIET | {'needs_motion': True}
    known, motion = both.publish(standing(), HEADER, place(), **needs)
    assert known == [Posture.STANDING]
    assert motion['person_id'].tolist() == [7]


def test_postures_are_told_to_others_and_in_the_cloud():
    outputs = Outputs(('people',))
    seated = standing(l_r_hip=1.5, r_r_hip=1.5, l_knee=-1.5, r_knee=-1.5)
    both = PeopleOutputs(outputs.create)
    assert both.publish(seated, HEADER, place(), **QUIET)[0] == [Posture.SITTING]
    (cloud,) = outputs.sent['people']
    assert (cloud.height, cloud.width, cloud.point_step) == (1, 1, PERSON.itemsize)
    assert [one.name for one in cloud.fields] == list(PERSON.names)
    read = np.frombuffer(bytes(cloud.data), PERSON)
    assert read['posture'] == Posture.SITTING
    assert labels([7], [Posture.SITTING]) == {7: 'sitting'}
    assert labels([7, 8], [Posture.UNKNOWN, Posture.FALLEN]) == {8: 'fallen'}
    assert labels([7], []) == {}


def test_a_pointing_arm_is_a_pose_at_the_wrist_and_a_place_on_the_ground():
    outputs = Outputs(('pointing',))
    poses = standing(r_y_shoulder=np.pi / 2, r_p_shoulder=1.3)
    PeopleOutputs(outputs.create).publish(poses, HEADER, place(), **QUIET)
    (pose,) = outputs.sent['pointing'][0].poses
    assert pose.position.x > 3.4
    turn = pose.orientation
    # Turned about y, the arm falls.
    assert turn.y > 0.1
    (target,) = np.frombuffer(
        bytes(outputs.sent['pointing_target'][0].data),
        [('x', 'f4'), ('y', 'f4'), ('z', 'f4'), ('std', 'f4'), ('person_id', 'u4')],
    )
    assert target['z'] == pytest.approx(0, abs=1e-5)
    assert target['x'] > 4.5
    assert target['std'] > 0.3
    assert target['person_id'] == 7
    in_camera = place_of(1.0, IDENTITY, '')
    PeopleOutputs(outputs.create).publish(poses, HEADER, in_camera, **QUIET)
    assert np.isnan(np.frombuffer(bytes(outputs.sent['pointing_target'][1].data), 'f4')[0])


def some_points():
    points = np.zeros(2, PERSON)
    points['person_id'], points['stature'] = (7, 8), 1.8
    points['x'] = (3, np.nan)
    points['vx'], points['std_x'], points['posture'] = 0.5, 0.2, Posture.FALLEN
    points['flags'] = KeypointFlag.OBSERVED
    points['heading'] = np.pi / 2
    return points


def test_boxes_of_vision_msgs_stand_upright_and_hold_covariances():
    def hypothesis():
        return SimpleNamespace(
            hypothesis=SimpleNamespace(class_id='', score=0.0),
            pose=SimpleNamespace(pose=Pose(), covariance=[]),
        )

    def detection(header, id):  # noqa: A002 - vision_msgs calls it so.
        box = SimpleNamespace(center=Pose(), size=Vector3())
        return SimpleNamespace(header=header, id=id, bbox=box, results=[])

    stand_in = SimpleNamespace(
        Detection3DArray=lambda header: SimpleNamespace(header=header, detections=[]),
        Detection3D=detection,
        ObjectHypothesisWithPose=hypothesis,
    )
    message = to_detections(some_points(), HEADER, place(), stand_in)
    (found,) = message.detections
    assert found.id == '7'
    assert found.bbox.size.z == pytest.approx(1.8)
    assert found.bbox.center.position.x == 3
    assert found.bbox.center.orientation.z == pytest.approx(np.sin(np.pi / 4))
    assert found.results[0].pose.covariance[0] == pytest.approx(0.04)


def test_people_msgs_hold_velocity_and_posture():
    stand_in = SimpleNamespace(
        People=lambda header: SimpleNamespace(header=header, people=[]),
        Person=lambda name: SimpleNamespace(name=name, position=Point(), velocity=Point()),
    )
    (person,) = to_people(some_points(), HEADER, place(), stand_in).people
    assert (person.name, person.position.x, person.velocity.x) == ('7', 3, 0.5)
    assert dict(zip(person.tagnames, person.tags, strict=True)) == {'posture': 'fallen'}
    assert person.reliability == 1.0
