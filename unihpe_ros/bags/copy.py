"""Copy of a recording, with the topics that the node would have published beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rclpy.serialization import serialize_message
from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores
from rosbags.typesys.store import Typestore
from std_msgs.msg import Header
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.topics import BagError
from unihpe_ros.bags.writer import check_place, new_bag
from unihpe_ros.core.pose import Poses
from unihpe_ros.ros.clouds import to_cloud, to_cloud_2d
from unihpe_ros.ros.markers import MarkerWriter

_NAMESPACE = '/unihpe'
_TYPES = {
    f'{_NAMESPACE}/pose2d': 'sensor_msgs/msg/PointCloud2',
    f'{_NAMESPACE}/pose3d': 'sensor_msgs/msg/PointCloud2',
    f'{_NAMESPACE}/markers': 'visualization_msgs/msg/MarkerArray',
}


def check_target(reader: BagReader, target: Path) -> None:
    """Raise BagError if a copy of this recording can't be written to a folder."""
    check_place(target)
    if target.resolve() == reader.path.resolve():
        raise BagError(f'{target}: expected another place than that of the recording itself')
    if reader.is_ros1:
        raise BagError(
            f'{reader.path}: expected a rosbag2 to add topics to, not one of ROS 1; '
            'rosbags-convert makes one of it'
        )
    twice = sorted(set(_TYPES) & set(reader.topics))
    if twice:
        raise BagError(f'{reader.path}: {", ".join(twice)} is in the recording already')


def copy_with_poses(
    reader: BagReader, target: Path, answers: Mapping[int, tuple[Poses, float]]
) -> int:
    """
    Write the recording again with topics pose2d, pose3d and markers.

    Existing messages keep their bytes and times. New messages have the header of their image, and
    their recording time is that of the image plus the processing time.

    Parameters
    ----------
    reader : BagReader
        The recording.
    target : Path
        Folder to write; it appears when it is complete, and replaces an older one.
    answers : Mapping[int, tuple[Poses, float]]
        People and seconds, by number of the image.

    Returns
    -------
    int
        Number of messages that were added.

    Raises
    ------
    BagError
        If the recording is damaged or the target is not free.

    """
    check_target(reader, target)
    with new_bag(target, _plugin(reader.path)) as writer:
        return _Copy(reader, writer, answers).run()


class _Copy:
    """One copy: its reader, writer and the messages that are still to be added."""

    def __init__(
        self, reader: BagReader, writer: Writer, answers: Mapping[int, tuple[Poses, float]]
    ) -> None:
        self._reader, self._writer, self._answers = reader, writer, answers
        types = get_typestore(Stores.ROS2_HUMBLE)
        self._ours = {
            topic: writer.add_connection(topic, kind, typestore=types)
            for topic, kind in _TYPES.items()
        }
        self._theirs: dict[tuple[str, str], Connection] = {}
        self._markers = MarkerWriter()
        self._due: deque[tuple[int, str, bytes]] = deque()
        self._last = 0
        self._made = 0

    def run(self) -> int:
        number = 0
        for types, connection, received, data in self._reader.raw():
            self._write_until(received)
            copy = self._copy_of(connection, types)
            if copy is not None:
                self._writer.write(copy, received, data)
            if connection.topic == self._reader.topic:
                if number in self._answers:
                    self._add(
                        number, received, _header(types.deserialize_cdr(data, connection.msgtype))
                    )
                number += 1
        self._write_until(None)
        return self._made

    def _copy_of(self, connection: Connection, types: Typestore) -> Connection | None:
        """Return the connection to write to; None if the type has no definition."""
        # Each file of a split recording has its own connections.
        key = (connection.topic, connection.msgtype)
        if key not in self._theirs:
            has_definition = connection.msgdef.data and connection.digest
            if not has_definition and connection.msgtype not in types.fielddefs:
                return None
            self._theirs[key] = self._writer.add_connection(
                connection.topic,
                connection.msgtype,
                msgdef=connection.msgdef.data or None,
                rihs01=connection.digest or None,
                typestore=types,
                offered_qos_profiles=connection.ext.offered_qos_profiles,
            )
        return self._theirs[key]

    def _add(self, number: int, received: int, header: Header) -> None:
        poses, seconds = self._answers[number]
        messages = (
            to_cloud_2d(poses, header),
            to_cloud(poses, header),
            self._markers.write(poses, header),
        )
        # Answers are published one after the other, in order.
        self._last = max(self._last, received + round(1e9 * seconds))
        for topic, msg in zip(_TYPES, messages, strict=True):
            self._due.append((self._last, topic, serialize_message(msg)))
            self._made += 1

    def _write_until(self, time: int | None) -> None:
        while self._due and (time is None or self._due[0][0] <= time):
            due, topic, data = self._due.popleft()
            self._writer.write(self._ours[topic], due, data)


def _header(image: Any) -> Header:
    header = Header(frame_id=image.header.frame_id)
    stamp = image.header.stamp
    header.stamp.sec, header.stamp.nanosec = int(stamp.sec), int(stamp.nanosec)
    return header


def _plugin(path: Path) -> StoragePlugin:
    files = [path] if path.is_file() else list(path.iterdir())
    is_sqlite3 = any('.db3' in file.suffixes for file in files)
    return StoragePlugin.SQLITE3 if is_sqlite3 else StoragePlugin.MCAP
