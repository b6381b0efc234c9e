"""Poses of a moving camera in a recording, as TF messages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys.store import Typestore
from scipy.spatial.transform import Rotation
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.topics import FRAME_ID, TF_TOPIC, TF_TYPE, WORLD_FRAME_ID


def pose_message(types: Typestore, stamp: int, world_from_camera: NDArray[np.float64]) -> Any:
    """
    Return the pose of the camera as a tf2_msgs/TFMessage.

    Parameters
    ----------
    types : Typestore
        Makes the message.
    stamp : int
        When, ns.
    world_from_camera : NDArray[np.float64]
        ``(4, 4)`` m.

    """

    def make(kind: str, *values: Any) -> Any:
        return types.types[kind](*values)

    time = make('builtin_interfaces/msg/Time', *divmod(stamp, 1_000_000_000))
    turned = Rotation.from_matrix(world_from_camera[:3, :3]).as_quat().tolist()
    transform = make(
        'geometry_msgs/msg/Transform',
        make('geometry_msgs/msg/Vector3', *world_from_camera[:3, 3].tolist()),
        make('geometry_msgs/msg/Quaternion', *turned),
    )
    header = make('std_msgs/msg/Header', time, WORLD_FRAME_ID)
    stamped = make('geometry_msgs/msg/TransformStamped', header, FRAME_ID, transform)
    return make(TF_TYPE, [stamped])


def read_camera_poses(recording: BagReader) -> dict[int, NDArray[np.float64]]:
    """
    Return the poses of the camera in a recording of `BagWriter`, by stamp, ns.

    Parameters
    ----------
    recording : BagReader
        The recording.

    Returns
    -------
    dict[int, NDArray[np.float64]]
        ``(4, 4)`` world_from_camera, m; empty if the recording has none.

    """
    poses: dict[int, NDArray[np.float64]] = {}
    if recording.topics.get(TF_TOPIC) != TF_TYPE:
        return poses
    for types, connection, _, data in recording.raw():
        if connection.topic != TF_TOPIC:
            continue
        for found in types.deserialize_cdr(data, TF_TYPE).transforms:  # type: ignore[attr-defined]
            if found.child_frame_id == FRAME_ID:
                stamp = found.header.stamp
                poses[stamp.sec * 1_000_000_000 + stamp.nanosec] = _matrix(found.transform)
    return poses


def _matrix(transform: Any) -> NDArray[np.float64]:
    """``(4, 4)`` From a geometry_msgs/Transform."""
    shift, turn = transform.translation, transform.rotation
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
    matrix[:3, 3] = shift.x, shift.y, shift.z
    return matrix
