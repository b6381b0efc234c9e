"""A recording of the node's topics pose2d and pose3d as one MCAP file, made without ROS."""

from __future__ import annotations

from pathlib import Path
import tempfile
from typing import Any

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores
from unihpe_ros.bags.topics import CLOUD_TYPE, FRAME_ID
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.ros.clouds import cloud_points, field_layout, POSE2D, POSE3D
from unihpe_ros.run.outputs.people_file import FramePeople, PeopleFile

TOPICS = {'/unihpe/pose2d': POSE2D, '/unihpe/pose3d': POSE3D}
# Version of metadata.yaml: the oldest that rosbags writes, for older readers.
_VERSION = 8


def write_mcap(path: Path, people: PeopleFile, skeleton: Skeleton) -> None:
    """Write the clouds of all frames, stamped as their frames."""
    types = get_typestore(Stores.ROS2_HUMBLE)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix='.mcap_') as folder:
        bag = Path(folder) / 'bag'
        with Writer(bag, version=_VERSION, storage_plugin=StoragePlugin.MCAP) as writer:
            connections = {
                topic: writer.add_connection(topic, CLOUD_TYPE, typestore=types)
                for topic in TOPICS
            }
            for frame in people.frames():
                poses = frame.poses.to(skeleton)
                for topic, dtype in TOPICS.items():
                    message = _cloud(types.types, frame, poses, dtype)
                    data = types.serialize_cdr(message, CLOUD_TYPE)
                    writer.write(connections[topic], frame.stamp, data)
        next(bag.glob('*.mcap')).replace(path)


def _cloud(types: Any, frame: FramePeople, poses: Poses, dtype: np.dtype[np.void]) -> Any:
    points = cloud_points(poses, dtype)
    seconds, nanoseconds = divmod(frame.stamp, 1_000_000_000)
    stamp = types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
    field = types['sensor_msgs/msg/PointField']
    spatial = poses.keypoints_3d if dtype == POSE3D else poses.keypoints_2d
    return types[CLOUD_TYPE](
        header=types['std_msgs/msg/Header'](stamp=stamp, frame_id=FRAME_ID),
        height=points.shape[0],
        width=points.shape[1],
        fields=[
            field(name=name, offset=offset, datatype=datatype, count=1)
            for name, offset, datatype in field_layout(dtype)
        ],
        is_bigendian=False,
        point_step=dtype.itemsize,
        row_step=dtype.itemsize * points.shape[1],
        data=np.frombuffer(points.tobytes(), np.uint8),
        is_dense=bool(np.isfinite(spatial).all()),
    )
