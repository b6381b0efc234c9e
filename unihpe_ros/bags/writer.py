"""Writer of a recording of one camera, as rosbag2 in mcap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores
from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2
from std_msgs.msg import Header
from unihpe_ros.bags.camera_tf import pose_message
from unihpe_ros.bags.topics import (
    BagError,
    CAMERA_INFO_TOPIC,
    FRAME_ID,
    IMAGE_TOPIC,
    TF_TOPIC,
    TF_TYPE,
    TRUTH_TOPIC,
)
from unihpe_ros.core.files import replacing_folder
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import Poses
from unihpe_ros.ros.camera_info import to_camera_info
from unihpe_ros.ros.clouds import to_cloud
from unihpe_ros.ros.images import BgrImage

# Version of metadata.yaml: the oldest that rosbags writes, for older readers.
_VERSION = 8
_TYPES = {
    IMAGE_TOPIC: 'sensor_msgs/msg/CompressedImage',
    CAMERA_INFO_TOPIC: 'sensor_msgs/msg/CameraInfo',
    TRUTH_TOPIC: 'sensor_msgs/msg/PointCloud2',
    TF_TOPIC: TF_TYPE,
}


def check_place(path: Path) -> None:
    """Raise BagError if something that is no bag lies where a bag is to be written."""
    if path.exists() and not (path / 'metadata.yaml').is_file():
        raise BagError(f'{path}: exists and is no rosbag2; it is not overwritten')


@contextmanager
def new_bag(path: Path, storage: StoragePlugin) -> Iterator[Writer]:
    """Context manager that yields a new bag; it appears when the block ends without an error."""
    with (
        replacing_folder(path) as partial,
        Writer(partial, version=_VERSION, storage_plugin=storage) as writer,
    ):
        yield writer


class BagWriter:
    """
    Writes JPEG images of one camera; where known, its intrinsics and pose and the true people.

    A context manager: the bag appears at `path` when it is complete, and replaces an older one;
    after an error it does not appear.

    Parameters
    ----------
    path : Path
        Folder of the bag.
    quality : int
        JPEG quality, 1 to 100.

    Raises
    ------
    BagError
        If something that is no bag lies at `path`.

    """

    def __init__(self, path: Path, quality: int = 90) -> None:
        check_place(path)
        self._path = path
        self._quality = quality
        self._bag = ExitStack()
        self._types = get_typestore(Stores.ROS2_HUMBLE)
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> BagWriter:
        self._writer = self._bag.enter_context(new_bag(self._path, StoragePlugin.MCAP))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bag.__exit__(kind, error, trace)

    def write(
        self,
        stamp: int,
        image: BgrImage,
        camera: Camera | None = None,
        truth: Poses | None = None,
        world_from_camera: NDArray[np.float64] | None = None,
    ) -> None:
        """
        Add one image.

        Parameters
        ----------
        stamp : int
            When it was taken, ns.
        image : BgrImage
            ``(H, W, 3)`` BGR.
        camera : Camera, optional
            Its intrinsics.
        truth : Poses, optional
            The true people; keypoints in sight are flagged OBSERVED.
        world_from_camera : NDArray[np.float64], optional
            ``(4, 4)`` pose of the camera in a frame that stays still, m.

        """
        header = Header(frame_id=FRAME_ID)
        header.stamp.sec, header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        if camera is not None:
            self._add(CAMERA_INFO_TOPIC, stamp, to_camera_info(camera, header))
        msg = CompressedImage(header=header, format='bgr8; jpeg compressed bgr8')
        options = [cv2.IMWRITE_JPEG_QUALITY, self._quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        _, jpeg = cv2.imencode('.jpg', image, options)
        msg.data = jpeg.tobytes()
        self._add(IMAGE_TOPIC, stamp, msg)
        if truth is not None:
            self._add(TRUTH_TOPIC, stamp, to_cloud(truth, header))
        if world_from_camera is not None:
            pose = pose_message(self._types, stamp, world_from_camera)
            self._write(TF_TOPIC, stamp, pose)

    def _add(
        self, topic: str, stamp: int, msg: CameraInfo | CompressedImage | PointCloud2
    ) -> None:
        # Fast CDR does not set padding bytes; they are cleared, so that the same images make the
        # same file.
        self._write(
            topic, stamp, self._types.deserialize_cdr(serialize_message(msg), _TYPES[topic])
        )

    def _write(self, topic: str, stamp: int, msg: Any) -> None:
        kind = _TYPES[topic]
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                topic, kind, typestore=self._types
            )
        self._writer.write(self._connections[topic], stamp, self._types.serialize_cdr(msg, kind))
