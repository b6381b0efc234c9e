"""Joints of one person as TF frames, as sensor_msgs/JointState and as a URDF."""

from __future__ import annotations

from array import array
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Header, String
from unihpe_ros.kinematics.human_model import ANGLES, BODY_SIZES, JOINTS, ROOT_LINK
from unihpe_ros.kinematics.urdf import human_urdf
from unihpe_ros.ros.optional_packages import require

Float64 = NDArray[np.float64]

# Largest number of observations in the mean of the sizes, and the change, m, after which the URDF
# is published anew.
_MEMORY, _NEW_SIZE = 100, 0.03
# The axis of each joint that turns, and 1, or -1 where it is against it.
_AXES = tuple(
    next((name, sign) for name, sign in zip('xyz', joint.axis, strict=True) if sign)
    for joint in JOINTS
    if not joint.is_fixed
)
_SIGNS = np.array([sign for _, sign in _AXES])


class BodyFrames:
    """
    Frames and joint states of one person.

    Parameters
    ----------
    node : Node
        Publishes.
    topic : str
        Topic under which those of the person are.
    name : str
        The person's id.
    frame_prefix : str
        Text before the names of frames.
    describe : bool
        Publish a URDF too, on `<topic>/urdf` and as the node's parameter
        `human_description_<id>`.

    """

    def __init__(
        self, node: Node, topic: str, name: str, frame_prefix: str, *, describe: bool
    ) -> None:
        self._node, self._name, self._prefix = node, name, frame_prefix
        self._states: Publisher = node.create_publisher(JointState, f'{topic}/joint_states', 1)
        self._urdf: Publisher | None = None
        if describe:
            latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
            self._urdf = node.create_publisher(String, f'{topic}/urdf', latched)
        self._stamped = require('geometry_msgs.msg', 'bodies are published').TransformStamped
        self._angles: Float64 = np.zeros(len(ANGLES))
        self._names: dict[bytes, list[str]] = {}
        self._looks = 0
        self._mean = list(BODY_SIZES.values())
        self._sizes = [0.0] * len(BODY_SIZES)
        self._root = self._stamped(child_frame_id=f'{frame_prefix}{ROOT_LINK}_{name}')
        self._links: list[Any] = []
        # The stamp that all links share, and what is turned for each angle.
        self._stamp = Header().stamp
        self._turns: list[tuple[Any, str]] = []

    @property
    def is_heard(self) -> bool:
        """Whether the joint states have a subscriber."""
        return bool(self._states.get_subscription_count())

    @property
    def _parameter(self) -> str:
        return f'human_description_{self._name}'

    def publish_states(self, angles: Float64, sizes: Float64, header: Header) -> None:
        """
        Publish the known joint states, and the URDF when it has changed.

        Parameters
        ----------
        angles : NDArray[np.float64]
            ``(22,)`` rad, in the order of `ANGLES`; NaN where unknown.
        sizes : NDArray[np.float64]
            ``(8,)`` m, in the order of `BODY_SIZES`; NaN where unknown.
        header : Header
            The image's.

        """
        known = np.isfinite(angles)
        self._angles = np.where(known, angles, self._angles)
        self._learn(sizes.tolist())
        if self.is_heard:
            key = known.tobytes()
            if key not in self._names:
                # What is unknown seldom changes.
                self._names = {key: [f'{ANGLES[k]}_{self._name}' for k in np.flatnonzero(known)]}
            position = array('d', angles[known].tobytes())
            message = JointState(header=header, name=self._names[key], position=position)
            self._states.publish(message)

    def transforms(self, origin: Float64, turn: Float64, header: Header) -> list[Any]:
        """
        Return the TF frames of the body and of all its links; the next call changes them.

        A joint that is not known now stays as it was known last.

        Parameters
        ----------
        origin : NDArray[np.float64]
            ``(3,)`` m, where the body is in the frame of the header.
        turn : NDArray[np.float64]
            ``(4,)`` its orientation there, quaternion x y z w.
        header : Header
            Frame and stamp.

        """
        self._root.header = header
        at, turned = self._root.transform.translation, self._root.transform.rotation
        at.x, at.y, at.z = origin.tolist()
        turned.x, turned.y, turned.z, turned.w = turn.tolist()
        self._stamp.sec, self._stamp.nanosec = header.stamp.sec, header.stamp.nanosec
        half = 0.5 * self._angles
        sines, cosines = (_SIGNS * np.sin(half)).tolist(), np.cos(half).tolist()
        # A joint turns about one axis: the two parts of the quaternion that stay 0 are left alone.
        for (rotation, axis), sine, cosine in zip(self._turns, sines, cosines, strict=True):
            setattr(rotation, axis, sine)
            rotation.w = cosine
        return [self._root, *self._links]

    def _learn(self, sizes: list[float]) -> None:
        """Update the mean sizes; publish a new URDF when they have changed."""
        self._looks = min(self._looks + 1, _MEMORY)
        self._mean = [
            mean + (size - mean) / self._looks if math.isfinite(size) else mean
            for mean, size in zip(self._mean, sizes, strict=True)
        ]
        changes = (abs(a - b) for a, b in zip(self._mean, self._sizes, strict=True))
        if max(changes) < _NEW_SIZE:
            return
        self._sizes = self._mean
        named = dict(zip(BODY_SIZES, self._sizes, strict=True))
        self._describe(named)
        if self._urdf is not None:
            text = human_urdf(self._name, named, self._prefix)
            self._urdf.publish(String(data=text))
            if self._node.has_parameter(self._parameter):
                self._node.undeclare_parameter(self._parameter)
            self._node.declare_parameter(self._parameter, text)

    def _describe(self, sizes: dict[str, float]) -> None:
        """Make the frames of the links of a person of such sizes."""
        self._links = []
        for joint in JOINTS:
            message = self._stamped(
                header=Header(frame_id=f'{self._prefix}{joint.parent}_{self._name}'),
                child_frame_id=f'{self._prefix}{joint.link}_{self._name}',
            )
            message.header.stamp = self._stamp
            shift = message.transform.translation
            shift.x, shift.y, shift.z = joint.step(sizes)
            message.transform.rotation.w = 1.0
            self._links.append(message)
        turning = [m for m, joint in zip(self._links, JOINTS, strict=True) if not joint.is_fixed]
        self._turns = [
            (message.transform.rotation, axis)
            for message, (axis, _) in zip(turning, _AXES, strict=True)
        ]

    def destroy(self) -> None:
        """Remove the topics and the parameter."""
        self._node.destroy_publisher(self._states)
        if self._urdf is not None:
            self._node.destroy_publisher(self._urdf)
            if self._node.has_parameter(self._parameter):
                self._node.undeclare_parameter(self._parameter)
