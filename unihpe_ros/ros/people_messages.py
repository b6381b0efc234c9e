"""People as messages of others: vision_msgs/Detection3DArray and people_msgs/People."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header
from unihpe_ros.kinematics.posture import Posture
from unihpe_ros.ros.people_states import Place

# Width and depth of a standing person, m.
_WIDTH, _DEPTH = 0.6, 0.4
_OBSERVED = 1


def to_detections(points: NDArray[np.void], header: Header, place: Place, vision_msgs: Any) -> Any:
    """
    Return vision_msgs/Detection3DArray: a box around each person, upright and turned by heading.

    Parameters
    ----------
    points : NDArray[np.void]
        ``(N,)`` of PERSON.
    header : Header
        Frame and stamp.
    place : Place
        What is up and ahead in that frame.
    vision_msgs : ModuleType
        vision_msgs.msg, or what stands for it.

    """
    message = vision_msgs.Detection3DArray(header=header)
    for point in points[np.isfinite(points['x'])]:
        found = vision_msgs.Detection3D(header=header, id=str(point['person_id']))
        hypothesis = vision_msgs.ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id, hypothesis.hypothesis.score = 'person', 1.0
        covariance = np.zeros((6, 6))
        covariance[range(3), range(3)] = [float(point[f'std_{axis}']) ** 2 for axis in 'xyz']
        hypothesis.pose.covariance = covariance.ravel().tolist()
        for pose in (hypothesis.pose.pose, found.bbox.center):
            pose.position.x, pose.position.y, pose.position.z = (
                float(point[axis]) for axis in 'xyz'
            )
            _turn(pose.orientation, place, float(point['heading']))
        size = found.bbox.size
        size.x, size.y, size.z = _DEPTH, _WIDTH, float(np.nan_to_num(point['stature'], nan=1.7))
        found.results = [hypothesis]
        message.detections = [*message.detections, found]
    return message


def _turn(orientation: Any, place: Place, heading: float) -> None:
    """Set the orientation of a box whose x is ahead and whose z is up."""
    from scipy.spatial.transform import Rotation

    upright = np.stack([place.ahead, np.cross(place.up, place.ahead), place.up], -1)
    angle = 0.0 if math.isnan(heading) else heading
    turned = Rotation.from_matrix(upright) * Rotation.from_rotvec([0, 0, angle])
    orientation.x, orientation.y, orientation.z, orientation.w = turned.as_quat().tolist()


def to_people(points: NDArray[np.void], header: Header, place: Place, people_msgs: Any) -> Any:
    """
    Return people_msgs/People, which nav2's social layers read.

    Parameters
    ----------
    points : NDArray[np.void]
        ``(N,)`` of PERSON.
    header : Header
        Frame and stamp.
    place : Place
        Not needed: velocities are in that frame.
    people_msgs : ModuleType
        people_msgs.msg, or what stands for it.

    """
    del place
    message = people_msgs.People(header=header)
    for point in points[np.isfinite(points['x'])]:
        person = people_msgs.Person(name=str(point['person_id']))
        for vector, names in ((person.position, 'xyz'), (person.velocity, ('vx', 'vy', 'vz'))):
            vector.x, vector.y, vector.z = (float(point[name]) for name in names)
        person.reliability = 1.0 if point['flags'] & _OBSERVED else 0.5
        person.tagnames = ['posture']
        person.tags = [Posture(int(point['posture'])).name.lower()]
        message.people = [*message.people, person]
    return message
