"""Publish people as bodies: ROS4HRI's topics (REP-155), joint states, and TF of every joint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.skeleton import ROS4HRI_18
from unihpe_ros.kinematics.human_model import BODY_SIZES
from unihpe_ros.kinematics.joint_angles import body_angles
from unihpe_ros.ros.body_frames import BodyFrames
from unihpe_ros.ros.body_ids import BodyIds
from unihpe_ros.ros.body_lists import BodyLists
from unihpe_ros.ros.hri_topics import BodyContext, HriTopics
from unihpe_ros.ros.optional_packages import require

__all__ = ['Bodies', 'BodyContext']


class Bodies:
    """
    Publisher of the bodies seen by all cameras of a node.

    Parameters
    ----------
    node : Node
        Publishes.
    cameras : Sequence[str]
        Names of the cameras.
    topic : str
        Topic under which they are.
    frame_prefix : str
        Text before the names of their frames.
    ids : BodyIds, optional
        Makes their names; random ones if not given.
    hri : bool
        Whether to publish the topics that need hri_msgs too.

    Raises
    ------
    MissingPackageError
        If tf2_ros, or hri_msgs where it is needed, can't be imported.

    """

    def __init__(
        self,
        node: Node,
        cameras: Sequence[str],
        topic: str = '/humans/bodies',
        frame_prefix: str = '',
        ids: BodyIds | None = None,
        *,
        hri: bool = True,
    ) -> None:
        purpose = 'ros4hri is true' if hri else 'bodies_tf is true'
        self._node = node
        self._hri = require('hri_msgs.msg', purpose) if hri else None
        self._broadcaster = require('tf2_ros', purpose).TransformBroadcaster(node)
        self._order = list(cameras)
        self._topic, self._frame_prefix = topic.rstrip('/'), frame_prefix
        self._ids = ids or BodyIds()
        self._tracked: BodyLists | None = None
        if self._hri is not None:
            self._tracked = BodyLists(node, self._hri.IdsList, self._topic)
        self._bodies: dict[str, dict[str, _Body]] = {name: {} for name in cameras}

    def draws(self, camera: str) -> bool:
        """Whether the picture of any person of a camera has a subscriber."""
        return any(body.draws for body in self._bodies[camera].values())

    def needs_postures(self, camera: str) -> bool:
        """Whether the posture of any person of a camera has a subscriber."""
        return any(body.needs_postures for body in self._bodies[camera].values())

    def needs_gestures(self, camera: str) -> bool:
        """Whether the gesture of any person of a camera has a subscriber."""
        return any(body.needs_gestures for body in self._bodies[camera].values())

    def publish(self, camera: str, poses: Poses, context: BodyContext) -> None:
        """
        Publish the people of one image.

        Parameters
        ----------
        camera : str
            Name of the camera.
        poses : Poses
            N people in the UNION skeleton.
        context : BodyContext
            The image, and the postures and gestures of these people.

        """
        bodies = self._present(camera, poses)
        if self._tracked is not None:
            everybody = (name for known in self._bodies.values() for name in known)
            self._tracked.publish(context.header, everybody)
            shown = poses.to(ROS4HRI_18)
            for row, body in enumerate(bodies):
                body.publish(shown, row, context)
        is_placed = poses.root_mode is not RootMode.RELATIVE
        has_listener = is_placed and self._broadcaster.pub_tf.get_subscription_count()
        if bodies and (has_listener or any(body.frames.is_heard for body in bodies)):
            self._publish_joints(bodies, poses, context.frame, is_placed)

    def _present(self, camera: str, poses: Poses) -> list[_Body]:
        """Return the bodies of the present people; remove those of people who have left."""
        number, known = self._order.index(camera), self._bodies[camera]
        names = [self._ids.name(number, person) for person in poses.track_ids.tolist()]
        for name in set(known) - set(names):
            known.pop(name).destroy()
        for name in names:
            if name not in known:
                known[name] = _Body(self._node, self._hri, self._topic, name, self._frame_prefix)
        return [known[name] for name in names]

    def _publish_joints(
        self, bodies: Sequence[_Body], poses: Poses, frame: Header, is_placed: bool
    ) -> None:
        held = body_angles(poses.keypoints_3d)
        sizes = np.stack([held.sizes[name] for name in BODY_SIZES], -1)
        is_known = np.asarray(
            np.isfinite(held.rotations).all((1, 2)) & np.isfinite(held.origins).all(1)
        )
        upright = np.where(is_known[:, None, None], held.rotations, np.eye(3))
        turns = Rotation.from_matrix(upright).as_quat()
        messages: list[Any] = []
        for row, body in enumerate(bodies):
            body.frames.publish_states(held.angles[row], sizes[row], frame)
            if is_placed and is_known[row]:
                messages += body.frames.transforms(held.origins[row], turns[row], frame)
        if messages:
            self._broadcaster.sendTransform(messages)

    def destroy(self) -> None:
        """Remove the topics."""
        for bodies in self._bodies.values():
            for body in bodies.values():
                body.destroy()
            bodies.clear()
        if self._tracked is not None:
            self._tracked.destroy()
        # A broadcaster cannot be destroyed: it would leave a publisher for each configuration.
        self._node.destroy_publisher(self._broadcaster.pub_tf)


class _Body:
    """The topics and frames of one person."""

    def __init__(self, node: Node, hri: Any, topic: str, name: str, frame_prefix: str) -> None:
        topic = f'{topic}/{name}'
        self._topics = None if hri is None else HriTopics(node, hri, topic)
        self.frames = BodyFrames(node, topic, name, frame_prefix, describe=hri is not None)

    @property
    def draws(self) -> bool:
        return self._topics is not None and self._topics.draws

    @property
    def needs_postures(self) -> bool:
        return self._topics is not None and self._topics.needs_postures

    @property
    def needs_gestures(self) -> bool:
        return self._topics is not None and self._topics.needs_gestures

    def publish(self, poses: Poses, row: int, context: BodyContext) -> None:
        if self._topics is not None:
            self._topics.publish(poses, row, context)

    def destroy(self) -> None:
        if self._topics is not None:
            self._topics.destroy()
        self.frames.destroy()
