"""States of whole people: motion, heading, stature and posture."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math
import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.core.stature import stature
from unihpe_ros.kinematics.person_motion import PeopleMotion
from unihpe_ros.kinematics.posture import Posture, postures, PostureTracker
from unihpe_ros.kinematics.rotations import cross
from unihpe_ros.ros.clouds import to_message
from unihpe_ros.ros.transforms import Transform

if TYPE_CHECKING:
    from sensor_msgs.msg import PointCloud2
    from std_msgs.msg import Header

Float64 = NDArray[np.float64]

_PLACES = ('x', 'y', 'z', 'vx', 'vy', 'vz')
# A point of the topic people: one person.
PERSON = np.dtype(
    [
        *((name, '<f4') for name in _PLACES),
        *((f'std_{name}', '<f4') for name in _PLACES),
        ('heading', '<f4'),
        ('stature', '<f4'),
        ('person_id', '<u4'),
        ('posture', '<u2'),
        ('flags', '<u2'),
    ]
)
_ROOT = UNION.index('pelvis')
_LEFT_HIP, _RIGHT_HIP = UNION.indices('left_hip_joint', 'right_hip_joint')
# What is up in a picture that has to be turned clockwise by so many degrees.
_UP_IN_PICTURE = {
    0: np.array([0.0, -1.0, 0.0]),
    90: np.array([-1.0, 0.0, 0.0]),
    180: np.array([0.0, 1.0, 0.0]),
    270: np.array([1.0, 0.0, 0.0]),
}


@dataclass(frozen=True)
class Place:
    """
    Pose of the camera, up direction and time of one image.

    Parameters
    ----------
    stamp : float
        s.
    camera : NDArray[np.float64]
        ``(3,)`` where the camera is in the frame of the people, m.
    up : NDArray[np.float64]
        ``(3,)`` unit vector against gravity in that frame.
    ahead : NDArray[np.float64]
        ``(3,)`` the direction of heading 0, across `up`.
    has_ground : bool
        Whether the ground is where `up` is 0.
    frame_from_world : NDArray[np.float64], optional
        ``(4, 4)`` into the frame of the people from one that stays still, if that is known.

    """

    stamp: float
    camera: Float64
    up: Float64
    ahead: Float64
    has_ground: bool = False
    frame_from_world: Float64 | None = None


def place_of(
    stamp: float,
    transform: Transform,
    target: str,
    rotation: int = 0,
    world_from_camera: Float64 | None = None,
) -> Place:
    """
    Return the pose of the camera, the up direction and the time of an image.

    Parameters
    ----------
    stamp : float
        s; the time of this machine if it is 0.
    transform : Transform
        target_from_camera.
    target : str
        The frame of the people; empty if it is the camera's.
    rotation : int
        By how many degrees the picture is turned clockwise to be upright.
    world_from_camera : NDArray[np.float64], optional
        ``(4, 4)`` where the camera is in a frame that stays still.

    Returns
    -------
    Place
        In frames of TF, which follow REP-103, z is up and the ground at 0. In the camera's
        own, and in other optical ones, up is where the picture says.

    """
    stamp, frame = stamp or time.monotonic(), None
    if world_from_camera is not None:
        frame = transform.matrix @ np.linalg.inv(world_from_camera)
    has_ground = bool(target) and not target.endswith('optical_frame')
    ahead, up = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    if not has_ground:
        ahead, up = transform.rotation[:, 2], transform.rotation @ _UP_IN_PICTURE[rotation]
    return Place(stamp, transform.translation, up, ahead, has_ground, frame)


class PeopleStates:
    """States of one camera's people, computed when they are asked for."""

    def __init__(self) -> None:
        self._motion = PeopleMotion()
        self._postures = PostureTracker()

    def postures(self, poses: Poses, place: Place) -> list[Posture]:
        """
        Return the posture of each person; to be asked once for each image.

        Parameters
        ----------
        poses : Poses
            N people in the UNION skeleton.
        place : Place
            From where and when they are seen.

        """
        seen = postures(poses.keypoints_3d, place.up)
        if poses.root_mode is RootMode.RELATIVE:
            # All hips are at the origin.
            seen = [replace(one, height=math.nan) for one in seen]
        return self._postures.update(poses.track_ids.tolist(), seen, place.stamp)

    def points(self, poses: Poses, place: Place, known: list[Posture]) -> NDArray[np.void]:
        """
        Return the points of the topic people; to be asked once for each image.

        Parameters
        ----------
        poses : Poses
            N people in the UNION skeleton.
        place : Place
            From where and when they are seen.
        known : list[Posture]
            N postures.

        Returns
        -------
        NDArray[np.void]
            ``(N,)`` of PERSON; places are NaN without a place in the room.

        """
        points = np.zeros(len(poses), PERSON)
        points['person_id'] = poses.track_ids
        points['posture'] = known or Posture.UNKNOWN
        points['flags'] = np.bitwise_or.reduce(poses.flags, axis=1, initial=0)
        is_seen = (points['flags'] & KeypointFlag.OBSERVED) > 0
        roots = np.where(is_seen[:, None], poses.keypoints_3d[:, _ROOT], np.nan)
        if poses.root_mode is RootMode.RELATIVE:
            roots = np.full_like(roots, np.nan)
        by_depth = (points['flags'] & KeypointFlag.DEPTH_ROOT) > 0
        seen = (roots, place.stamp, place.camera, place.up, by_depth, place.frame_from_world)
        states, sigmas = self._motion.update(poses.track_ids.tolist(), *seen)
        for column, name in enumerate(_PLACES):
            points[name], points[f'std_{name}'] = states[:, column], sigmas[:, column]
        points['heading'] = _headings(poses.keypoints_3d, place)
        points['stature'] = stature(poses.keypoints_3d, UNION)
        return points


def _headings(keypoints: NDArray[np.floating], place: Place) -> Float64:
    """``(N,)`` Where the hips look, about `up` from `ahead`, rad."""
    left = (keypoints[:, _LEFT_HIP] - keypoints[:, _RIGHT_HIP]).astype(np.float64)
    # Where they look is left x up, of which the parts ahead and to the left of it are asked for.
    ahead = left @ cross(place.up, place.ahead)
    aside = left @ cross(place.up, cross(place.up, place.ahead))
    return np.asarray(np.arctan2(aside, ahead))


def to_people_cloud(points: NDArray[np.void], header: Header) -> PointCloud2:
    """
    Write people as the message of topic people: one row, a point per person.

    Parameters
    ----------
    points : NDArray[np.void]
        ``(N,)`` of PERSON.
    header : Header
        Frame and stamp.

    """
    return to_message(points[None], header, bool(np.isfinite(points['x']).all()))
