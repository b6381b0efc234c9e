"""Recordings of one camera: rosbag2, with the true people beside the images where known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import struct
from typing import Any

from rclpy.serialization import deserialize_message
from rosbags.rosbag2 import Reader, ReaderError
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from unihpe_ros.core.pose import Poses
from unihpe_ros.ros.bag_topics import (
    BagError,
    CAMERA_INFO_TOPIC,
    camera_info_topic,
    choose_images,
    CLOUD_TYPE,
    IMAGE_TOPIC,
    TRUTH_TOPIC,
)
from unihpe_ros.ros.clouds import from_cloud
from unihpe_ros.ros.compressed import decode_compressed
from unihpe_ros.ros.images import BgrImage, decode_image, DecodeError

__all__ = [
    'CAMERA_INFO_TOPIC',
    'IMAGE_TOPIC',
    'TRUTH_TOPIC',
    'BagError',
    'BagFrame',
    'Recording',
    'open_recording',
]

_DECODERS = {
    'sensor_msgs/msg/Image': (Image, decode_image),
    'sensor_msgs/msg/CompressedImage': (CompressedImage, decode_compressed),
}
# What rosbags and the messages' decoders raise for files that are cut off or damaged.
_DAMAGE = (ReaderError, OSError, RuntimeError, struct.error, AssertionError, KeyError, TypeError)


@dataclass(frozen=True)
class BagFrame:
    """
    One image of a recording.

    Parameters
    ----------
    stamp : int
        When it was taken by its header (by the recorder's clock if that is empty), ns.
    image : BgrImage
        ``(H, W, 3)`` BGR.

    """

    stamp: int
    image: BgrImage


@dataclass(frozen=True)
class Recording:
    """
    What a bag holds of one camera; images are read when they are asked for.

    Parameters
    ----------
    path : Path
        The bag.
    image_topic : str
        Where the images are.
    count : int
        Number of images.
    camera_info : CameraInfo, optional
        The first one beside the images.
    has_truth : bool
        Whether the true people are known.

    """

    path: Path
    image_topic: str
    count: int
    camera_info: CameraInfo | None
    has_truth: bool

    def frames(self) -> Iterator[BagFrame]:
        """
        Read and decode the images in order of time.

        Raises
        ------
        BagError
            If the bag is damaged.

        """
        for kind, received, data in _messages(self.path, self.image_topic):
            message_type, decode = _DECODERS[kind]
            msg = _deserialized(self.path, data, message_type)
            try:
                yield BagFrame(_stamp(msg) or received, decode(msg))
            except DecodeError as error:
                raise BagError(f'{self.path}: {self.image_topic}: {error}') from error

    def stamps(self) -> list[int]:
        """Return the stamp of each image in order of time, ns, as `frames` gives it."""
        messages = _messages(self.path, self.image_topic)
        return [
            _stamp(_deserialized(self.path, data, _DECODERS[kind][0])) or received
            for kind, received, data in messages
        ]

    def truth(self) -> dict[int, Poses]:
        """
        Read the true people by the stamp of their image, ns; empty if they are not known.

        Raises
        ------
        BagError
            If the bag is damaged.

        """
        people = {}
        for _, received, data in _messages(self.path, TRUTH_TOPIC) if self.has_truth else ():
            msg = _deserialized(self.path, data, PointCloud2)
            try:
                people[_stamp(msg) or received] = from_cloud(msg)
            except ValueError as error:
                raise BagError(f'{self.path}: {TRUTH_TOPIC}: {error}') from error
        return people


def open_recording(path: Path, image_topic: str = '') -> Recording:
    """
    Find out what a bag holds.

    Parameters
    ----------
    path : Path
        Folder of a rosbag2 (mcap or sqlite3), or one .mcap file.
    image_topic : str
        Topic of sensor_msgs/Image or CompressedImage; if empty, the one there is.

    Raises
    ------
    BagError
        If it is no complete rosbag2, or holds no images, or those of several cameras and none
        is chosen.

    """
    try:
        with Reader(path) as reader:
            connections = list(reader.connections)
    except FileNotFoundError as error:
        raise BagError(f'{path}: expected a rosbag2 folder or an .mcap file; {error}') from error
    except _DAMAGE as error:
        raise BagError(f'{path}: expected a complete rosbag2; {error}') from error
    topic = choose_images(path, connections, image_topic)
    count = next(c.msgcount for c in connections if c.topic == topic)
    info_topic = camera_info_topic(connections, topic)
    camera_info = None
    if info_topic:
        _, _, data = next(_messages(path, info_topic))
        camera_info = _deserialized(path, data, CameraInfo)
    truths = [c for c in connections if (c.topic, c.msgtype) == (TRUTH_TOPIC, CLOUD_TYPE)]
    return Recording(path, topic, count, camera_info, bool(truths))


def _messages(path: Path, topic: str) -> Iterator[tuple[str, int, bytes]]:
    """Yield type, time of reception (ns) and bytes of a topic's messages."""
    try:
        with Reader(path) as reader:
            chosen = [c for c in reader.connections if c.topic == topic]
            for connection, received, data in reader.messages(chosen):
                yield connection.msgtype, received, bytes(data)
    except _DAMAGE as error:
        raise BagError(f'{path}: {topic} can not be read to its end; {error}') from error


def _deserialized(path: Path, data: bytes, message_type: type) -> Any:
    try:
        return deserialize_message(data, message_type)
    except RuntimeError as error:
        raise BagError(f'{path}: a broken {message_type.__name__}; {error}') from error


def _stamp(msg: Image | CompressedImage | PointCloud2) -> int:
    stamp = msg.header.stamp
    return int(stamp.sec * 1_000_000_000 + stamp.nanosec)
