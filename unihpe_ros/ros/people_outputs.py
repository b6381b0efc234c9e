"""The topics of whole people: their motion and posture, and where they point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from geometry_msgs.msg import Pose, PoseArray
import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecyclePublisher
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.kinematics.pointing import pointing_rays, Ray
from unihpe_ros.kinematics.posture import Posture
from unihpe_ros.ros.clouds import to_message
from unihpe_ros.ros.optional_packages import MissingPackageError, require
from unihpe_ros.ros.people_messages import to_detections, to_people
from unihpe_ros.ros.people_states import PeopleStates, Place, to_people_cloud

# A point of the topic pointing_target: where a ray meets the ground.
TARGET = np.dtype([('x', '<f4'), ('y', '<f4'), ('z', '<f4'), ('std', '<f4'), ('person_id', '<u4')])

# Package, message and topic of other packages' messages, and the function that makes each.
_OTHERS: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    ('vision_msgs', 'Detection3DArray', 'people_detections', to_detections),
    ('people_msgs', 'People', 'people_msgs', to_people),
)


class PeopleOutputs:
    """
    Publishers of people's states for one camera; topics without a subscriber cost nothing.

    Parameters
    ----------
    create : Callable[[type, str], LifecyclePublisher]
        Makes a publisher of a message type and a topic.

    """

    def __init__(self, create: Callable[[type, str], LifecyclePublisher]) -> None:
        self._states = PeopleStates()
        self._people = create(PointCloud2, 'people')
        self._pointing = create(PoseArray, 'pointing')
        self._targets = create(PointCloud2, 'pointing_target')
        self._others: list[tuple[LifecyclePublisher, Callable[..., Any], Any]] = []
        for package, kind, topic, write in _OTHERS:
            try:
                messages = require(f'{package}.msg', topic)
            except MissingPackageError:
                continue
            self._others.append((create(getattr(messages, kind), topic), write, messages))

    def publish(
        self,
        poses: Poses,
        header: Header,
        place: Place,
        *,
        needs_postures: bool,
        needs_motion: bool,
    ) -> tuple[list[Posture], NDArray[np.void] | None]:
        """
        Publish people, and return their postures and motion.

        Parameters
        ----------
        poses : Poses
            N people in the UNION skeleton.
        header : Header
            Frame and stamp of their 3D.
        place : Place
            From where they are seen.
        needs_postures, needs_motion : bool
            Whether they are needed even if these topics have no subscriber.

        Returns
        -------
        postures : list[Posture]
            N postures; empty if they are not needed.
        motion : NDArray[np.void], optional
            ``(N,)`` of `unihpe_ros.ros.people_states.PERSON`, if it is needed.

        """
        others = [other for other in self._others if _wanted(other[0])]
        known: list[Posture] = []
        points: NDArray[np.void] | None = None
        has_listener = bool(others) or _wanted(self._people)
        if needs_postures or needs_motion or has_listener:
            known = self._states.postures(poses, place)
        if needs_motion or has_listener:
            points = self._states.points(poses, place, known)
            if _wanted(self._people):
                self._people.publish(to_people_cloud(points, header))
            for publisher, write, messages in others:
                publisher.publish(write(points, header, place, messages))
        if _wanted(self._pointing) or _wanted(self._targets):
            self._point(poses, header, place)
        return known, points

    def _point(self, poses: Poses, header: Header, place: Place) -> None:
        rays = pointing_rays(poses.keypoints_3d)
        self._pointing.publish(PoseArray(header=header, poses=[_pose(ray) for ray in rays]))
        targets = np.zeros(len(rays), TARGET)
        targets['person_id'] = poses.track_ids[[ray.person for ray in rays]]
        has_ground = place.has_ground and poses.root_mode is not RootMode.RELATIVE
        for target, ray in zip(targets, rays, strict=True):
            end, sigma = ray.on_ground(place.up) if has_ground else (np.full(3, np.nan), np.nan)
            target['x'], target['y'], target['z'] = end
            target['std'] = sigma
        self._targets.publish(to_message(targets[None], header, bool(has_ground and len(rays))))


def labels(ids: Sequence[int], known: Sequence[Posture]) -> dict[int, str]:
    """Return the posture of each person in a word; people of unknown posture are left out."""
    return {
        i: posture.name.lower()
        for i, posture in zip(ids, known, strict=bool(known))
        if posture is not Posture.UNKNOWN
    }


def _pose(ray: Ray) -> Pose:
    """Return a pose at the wrist whose x points where the arm does."""
    aside = np.cross((0.0, 0.0, 1.0), ray.direction)
    if np.linalg.norm(aside) < 1e-3:
        aside = np.array([0.0, 1.0, 0.0])
    y = aside / np.linalg.norm(aside)
    axes: NDArray[np.float64] = np.stack([ray.direction, y, np.cross(ray.direction, y)], -1)
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = ray.origin.tolist()
    turned = Rotation.from_matrix(axes).as_quat().tolist()
    pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w = turned
    return pose


def _wanted(publisher: LifecyclePublisher) -> bool:
    return publisher.get_subscription_count() > 0
