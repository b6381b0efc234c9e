"""Choice of the image and camera_info topics of a recording; needs no ROS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

# The topics of a recording that we write; others are found by type.
IMAGE_TOPIC = '/camera/image_raw/compressed'
CAMERA_INFO_TOPIC = '/camera/camera_info'
TRUTH_TOPIC = '/truth/pose3d'
TF_TOPIC = '/tf'
FRAME_ID = 'camera_optical_frame'
# Frame of the poses of a moving camera.
WORLD_FRAME_ID = 'odom'

IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
CLOUD_TYPE = 'sensor_msgs/msg/PointCloud2'
TF_TYPE = 'tf2_msgs/msg/TFMessage'


class BagError(ValueError):
    """A recording that can't be read, or does not hold what is asked for."""


class Topic(Protocol):
    """Name and type of a topic, as a connection of rosbags has them."""

    topic: str
    msgtype: str
    msgcount: int


def choose_images(
    path: Path, topics: Iterable[Topic], wanted: str = '', others: Mapping[str, str] | None = None
) -> str:
    """
    Return the topic of the images.

    Parameters
    ----------
    path : Path
        The bag, for the message.
    topics : Iterable[Topic]
        What it holds.
    wanted : str
        The topic that is asked for; if empty, the one there is.
    others : Mapping[str, str], optional
        Topics that cannot be read, to their encoding, for the message.

    Raises
    ------
    BagError
        If there are no images, or those of several cameras and none is chosen.

    """
    topics = list(topics)
    images = {c.topic: c for c in topics if c.msgtype in IMAGE_TYPES and c.msgcount}
    if wanted in images:
        return wanted
    if wanted:
        raise BagError(
            f'{path}: no images on {wanted}; there are {", ".join(images) or "none at all"}'
        )
    if len(images) == 1 or IMAGE_TOPIC in images:
        return IMAGE_TOPIC if IMAGE_TOPIC in images else next(iter(images))
    if images:
        raise BagError(f'{path}: several image topics; choose one: {", ".join(images)}')
    foreign = [f'{name} ({encoding})' for name, encoding in (others or {}).items()]
    names = ', '.join(sorted([*(c.topic for c in topics), *foreign])) or 'no topics'
    raise BagError(f'{path}: expected a topic of {" or ".join(IMAGE_TYPES)}; it holds {names}')


def camera_info_topic(topics: Iterable[Topic], image_topic: str) -> str:
    """Return the camera_info in the images' namespace, '' if there is none."""
    infos = {c.topic for c in topics if c.msgtype == CAMERA_INFO_TYPE and c.msgcount}
    namespace = image_topic
    # A camera's topics are <camera>/image..., with the transport's name after a slash.
    while namespace := namespace.rpartition('/')[0]:
        if f'{namespace}/camera_info' in infos:
            return f'{namespace}/camera_info'
    return ''
