"""Transform 3D keypoints into another TF frame, at the image's time stamp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from unihpe_ros.ros.optional_packages import require


class TransformError(RuntimeError):
    """TF has no transform for the time of an image."""


@dataclass(frozen=True)
class Transform:
    """
    Transform from the camera's frame into another: target_from_camera.

    Parameters
    ----------
    rotation : NDArray[np.float64]
        ``(3, 3)``.
    translation : NDArray[np.float64]
        ``(3,)`` m.

    """

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    @property
    def up(self) -> NDArray[np.float64]:
        """``(3,)`` Direction that is up in the image, in the target's frame."""
        return -self.rotation[:, 1]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """``(4, 4)`` The same as one matrix."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.rotation, self.translation
        return matrix

    def apply(self, points: NDArray[np.float32], *, turn_only: bool) -> NDArray[np.float32]:
        """Return ``(..., 3)`` points of the camera's frame in the target's."""
        shift = 0.0 if turn_only else self.translation
        return (points @ self.rotation.T + shift).astype(np.float32)


IDENTITY = Transform(np.eye(3), np.zeros(3))


class Transforms:
    """
    Transforms from camera frames into other frames, looked up in TF.

    Parameters
    ----------
    node : Node
        Listens to TF.
    wish : str
        Purpose of the lookup, for the error if tf2_ros is missing.

    Raises
    ------
    MissingPackageError
        If tf2_ros can't be imported.

    """

    def __init__(self, node: Node, wish: str) -> None:
        self._tf2 = require('tf2_ros', wish)
        self._buffer = self._tf2.Buffer()
        self._listener = self._tf2.TransformListener(self._buffer, node)

    def at(self, target: str, header: Header, timeout: float) -> Transform:
        """
        Return the transform from the camera's frame at the time of an image.

        Parameters
        ----------
        target : str
            The frame to transform into.
        header : Header
            The image's.
        timeout : float
            Longest wait for a transform that is not available yet, s.

        Raises
        ------
        TransformError
            If TF does not have it, or the image has no stamp: the latest transform would be right
            only for a camera that does not move.

        """
        source = header.frame_id
        if source == target:
            # The same frame: no lookup, and no stamp is needed.
            return IDENTITY
        if not (header.stamp.sec or header.stamp.nanosec):
            raise TransformError(
                f'no transform from {source!r} to {target!r}: the image has no stamp'
            )
        try:
            found = self._buffer.lookup_transform(
                target, source, Time.from_msg(header.stamp), Duration(seconds=timeout)
            ).transform
        except self._tf2.TransformException as error:
            raise TransformError(
                f'no transform from {source!r} to {target!r} at the time of the image within '
                f'{timeout:.2f} s: {error}'
            ) from error
        turn, shift = found.rotation, found.translation
        rotation = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
        return Transform(rotation, np.array([shift.x, shift.y, shift.z]))

    def forget(self) -> None:
        """
        Clear the buffer when time jumps back; static transforms stay.

        The buffer keeps the newest transforms and refuses older ones.

        """
        self._buffer.clear()

    def close(self) -> None:
        """Stop listening."""
        self._listener.unregister()
