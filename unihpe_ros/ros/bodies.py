"""Publish people as ROS4HRI bodies (REP-155): /humans/bodies and TF frames body_<id>."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
import secrets
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.skeleton import ROS4HRI_18
from unihpe_ros.ros.body_lists import BodyLists
from unihpe_ros.ros.optional import require
from unihpe_ros.ros.poses2d import hri_indices

_DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'
# A letter and four digits: 2^9 * 3^8 * 13 of them.
_IDS = 26 * len(_DIGITS) ** 4
_CAMERAS = 16
_NECK, _LEFT_HIP, _RIGHT_HIP = (
    ROS4HRI_18.index(name) for name in ('neck', 'left_hip', 'right_hip')
)


class BodyIds:
    """
    The five characters by which REP-155 knows people; they start with a letter.

    Two people of a node never have the same, and two of several nodes only by a chance of one in
    44 million for each pair: there is no need for robots to agree.

    Parameters
    ----------
    salt : int, optional
        Sets this node's ids apart from those of others; random if it is not given.

    """

    def __init__(self, salt: int | None = None) -> None:
        salt = secrets.randbits(64) if salt is None else salt
        high, self._shift = divmod(salt, _IDS)
        # Odd, and no multiple of 3 or 13: then each number is met once, in an order of its own.
        self._step = next(n for n in count(high % _IDS | 1, 2) if n % 3 and n % 13)

    def name(self, camera: int, person: int) -> str:
        """
        Return the id of a person.

        Parameters
        ----------
        camera : int
            Which of the node's cameras sees them, below 16: ids of two cameras differ.
        person : int
            The id among that camera's people.

        """
        rest = ((person * _CAMERAS + camera) * self._step + self._shift) % _IDS
        letters = ''
        for _ in range(4):
            rest, digit = divmod(rest, len(_DIGITS))
            letters = _DIGITS[digit] + letters
        return chr(ord('a') + rest) + letters


class Bodies:
    """
    Publishes the bodies that all cameras of a node see.

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
        Names them; by chance if it is not given.

    Raises
    ------
    MissingPackageError
        If hri_msgs or tf2_ros can't be imported.

    """

    def __init__(
        self,
        node: Node,
        cameras: Sequence[str],
        topic: str = '/humans/bodies',
        frame_prefix: str = '',
        ids: BodyIds | None = None,
    ) -> None:
        self._node = node
        self._hri = require('hri_msgs.msg', 'ros4hri is true')
        self._broadcaster = require('tf2_ros', 'ros4hri is true').TransformBroadcaster(node)
        self._stamped = require('geometry_msgs.msg', 'ros4hri is true').TransformStamped
        self._order = list(cameras)
        self._topic, self._frame_prefix = topic.rstrip('/'), frame_prefix
        self._ids = ids or BodyIds()
        self._tracked = BodyLists(node, self._hri.IdsList, self._topic)
        self._bodies: dict[str, dict[str, _Body]] = {name: {} for name in cameras}

    def publish(
        self, camera: str, poses: Poses, size: tuple[int, int], header: Header, frame: Header
    ) -> None:
        """
        Publish the people of one image.

        Parameters
        ----------
        camera : str
            Who took it.
        poses : Poses
            N people, whose 3D is in the frame of `frame`.
        size : tuple[int, int]
            (w, h) of the image, px.
        header : Header
            The image's.
        frame : Header
            That of the 3D.

        """
        poses = poses.to(ROS4HRI_18)
        number = self._order.index(camera)
        names = [self._ids.name(number, person) for person in poses.track_ids.tolist()]
        known = self._bodies[camera]
        for name in set(known) - set(names):
            known.pop(name).destroy()
        for row, name in enumerate(names):
            if name not in known:
                known[name] = _Body(self._node, self._hri, f'{self._topic}/{name}')
            known[name].publish(poses, row, size, header)
        self._tracked.publish(header, (i for bodies in self._bodies.values() for i in bodies))
        if poses.root_mode is not RootMode.RELATIVE:
            self._broadcast(names, poses.keypoints_3d, frame)

    def _broadcast(self, names: Sequence[str], points: NDArray[np.float32], frame: Header) -> None:
        messages = []
        for name, keypoints in zip(names, points.astype(np.float64), strict=True):
            placed = body_frame(keypoints)
            if placed is None:
                continue
            message = self._stamped(
                header=frame, child_frame_id=f'{self._frame_prefix}body_{name}'
            )
            shift, turn = message.transform.translation, message.transform.rotation
            shift.x, shift.y, shift.z = placed[0].tolist()
            turn.x, turn.y, turn.z, turn.w = placed[1].tolist()
            messages.append(message)
        if messages:
            self._broadcaster.sendTransform(messages)

    def destroy(self) -> None:
        """Remove the topics."""
        for bodies in self._bodies.values():
            for body in bodies.values():
                body.destroy()
            bodies.clear()
        self._tracked.destroy()
        # A broadcaster cannot be destroyed: it would leave a publisher for each configuration.
        self._node.destroy_publisher(self._broadcaster.pub_tf)


def body_frame(keypoints: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...] | None:
    """
    Return where a body is: x forward, y to its left, z up its back, from between the hips.

    Parameters
    ----------
    keypoints : NDArray[np.float64]
        ``(18, 3)`` of ROS4HRI_18, m.

    Returns
    -------
    tuple[NDArray[np.float64], NDArray[np.float64]] or None
        ``(3,)`` m and ``(4,)`` quaternion x y z w; None if hips or neck are unknown.

    """
    left, right, neck = keypoints[_LEFT_HIP], keypoints[_RIGHT_HIP], keypoints[_NECK]
    origin = (left + right) / 2
    up = neck - origin
    forward = np.cross(left - right, up)
    lengths = np.linalg.norm(up), np.linalg.norm(forward)
    # NaN is not above zero either.
    if not (lengths[0] > 1e-6 and lengths[1] > 1e-6):
        return None
    z, x = up / lengths[0], forward / lengths[1]
    turn = Rotation.from_matrix(np.stack([x, np.cross(z, x), z], -1))
    return origin, turn.as_quat()


class _Body:
    """The topics of one person."""

    def __init__(self, node: Node, hri: Any, topic: str) -> None:
        self._node, self._hri = node, hri
        self._roi: Publisher = node.create_publisher(
            hri.NormalizedRegionOfInterest2D, f'{topic}/roi', 1
        )
        self._skeleton: Publisher = node.create_publisher(hri.Skeleton2D, f'{topic}/skeleton2d', 1)
        self._indices = hri_indices(hri.Skeleton2D).tolist()

    def publish(self, poses: Poses, row: int, size: tuple[int, int], header: Header) -> None:
        if self._roi.get_subscription_count():
            x0, y0, x1, y1 = _shares(poses.boxes[row].reshape(2, 2), size).clip(0, 1).ravel()
            region = self._hri.NormalizedRegionOfInterest2D(header=header)
            region.xmin, region.ymin = float(x0), float(y0)
            region.xmax, region.ymax = float(x1), float(y1)
            region.c = float(poses.scores[row].mean())
            self._roi.publish(region)
        if self._skeleton.get_subscription_count():
            points = _shares(poses.keypoints_2d[row], size)
            self._skeleton.publish(self._skeleton_of(points, poses.scores[row], header))

    def _skeleton_of(
        self, shares: NDArray[np.float32], scores: NDArray[np.float32], header: Header
    ) -> Any:
        # Outside of the image REP-155 has no place: such a point is not seen.
        inside = (np.abs(shares - 0.5) <= 0.5).all(-1)
        shares, scores = np.where(inside[:, None], shares, 0), np.where(inside, scores, 0)
        points = [self._hri.NormalizedPointOfInterest2D() for _ in self._indices]
        values = zip(self._indices, shares.tolist(), scores.tolist(), strict=True)
        for index, (x, y), score in values:
            points[index].x, points[index].y, points[index].c = x, y, score
        return self._hri.Skeleton2D(header=header, skeleton=points)

    def destroy(self) -> None:
        for publisher in (self._roi, self._skeleton):
            self._node.destroy_publisher(publisher)


def _shares(points: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return ((points + 0.5) / np.array(size)).astype(np.float32)
