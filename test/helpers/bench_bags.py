"""Tiny recordings of every kind that rosbags writes, with people as tiny_model knows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rclpy.serialization import serialize_message
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer as Writer2
from rosbags.typesys import get_typestore, Stores
from std_msgs.msg import Header
from tiny_bag import CAMERA, START, truth_at, walker
from tiny_model import paint_person
from unihpe_ros.ros.clouds import to_cloud

STEP = round(1e9 / 30)
# Kind of recording to (storage, compression).
KINDS: dict[str, tuple[StoragePlugin | str, Any]] = {
    'mcap': (StoragePlugin.MCAP, None),
    'mcap zstd': (StoragePlugin.MCAP, CompressionMode.MESSAGE),
    'mcap zstd chunks': (StoragePlugin.MCAP, CompressionMode.STORAGE),
    'sqlite3': (StoragePlugin.SQLITE3, None),
    'sqlite3 zstd': (StoragePlugin.SQLITE3, CompressionMode.FILE),
    'ros1': ('ros1', None),
    'ros1 lz4': ('ros1', Writer1.CompressionFormat.LZ4),
    'ros1 bz2': ('ros1', Writer1.CompressionFormat.BZ2),
}


def picture_at(number: int, size: tuple[int, int] = (640, 480)) -> np.ndarray:
    _, boxes = truth_at(walker(number / 30))
    image = np.zeros((480, 640, 3), np.uint8)
    for box in boxes:
        paint_person(image, box)
    return cv2.resize(image, size)


def stamp_of(number: int) -> int:
    return START + number * STEP


def write_bag(
    path: Path,
    frames: int = 4,
    *,
    kind: str = 'mcap',
    raw: bool = False,
    cameras: tuple[str, ...] = ('/camera',),
    truth: bool = True,
) -> Path:
    """Write images (raw or PNG), camera_info and the true people; return the file or folder."""
    storage, compression = KINDS[kind]
    ros1 = storage == 'ros1'
    if ros1:
        path = path.with_name(f'{path.name}.bag')
        writer: Any = Writer1(path)
        if compression is not None:
            writer.set_compression(compression)
        types = get_typestore(Stores.ROS1_NOETIC)
    else:
        writer = Writer2(path, version=8, storage_plugin=storage)
        if compression is not None:
            writer.set_compression(compression, CompressionFormat.ZSTD)
        types = get_typestore(Stores.ROS2_HUMBLE)
    with writer:
        ours = Messages(writer, types, ros1=ros1)
        for number in range(frames):
            for camera in cameras:
                ours.write_image(camera, number, raw=raw)
            if truth:
                ours.write_truth(number)
    return path


class Messages:
    """Writes messages of either generation of ROS."""

    def __init__(self, writer: Any, types: Any, *, ros1: bool) -> None:
        self.writer, self.types, self.ros1 = writer, types, ros1
        self.connections: dict[str, Any] = {}

    def make(self, kind: str, /, **fields: Any) -> Any:
        return self.types.types[kind](**fields)

    def header(self, number: int) -> Any:
        seconds, nanoseconds = divmod(stamp_of(number), 1_000_000_000)
        stamp = self.make('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
        extra = {'seq': number} if self.ros1 else {}
        return self.make('std_msgs/msg/Header', stamp=stamp, frame_id='lens', **extra)

    def write(self, topic: str, number: int, msg: Any, late_ns: int = 0) -> None:
        kind = msg.__msgtype__
        if topic not in self.connections:
            self.connections[topic] = self.writer.add_connection(topic, kind, typestore=self.types)
        encode = self.types.serialize_ros1 if self.ros1 else self.types.serialize_cdr
        self.writer.write(self.connections[topic], stamp_of(number) + late_ns, encode(msg, kind))

    def write_image(self, camera: str, number: int, *, raw: bool) -> None:
        self.write(f'{camera}/camera_info', number, self.camera_info(number))
        image = picture_at(number)
        if raw:
            msg = self.make(
                'sensor_msgs/msg/Image', header=self.header(number), height=480, width=640,
                encoding='bgr8', is_bigendian=0, step=1920, data=image.ravel(),
            )  # fmt: skip
            self.write(f'{camera}/image_raw', number, msg)
            return
        data = cv2.imencode('.png', image)[1]
        msg = self.make(
            'sensor_msgs/msg/CompressedImage', header=self.header(number), format='png', data=data
        )
        self.write(f'{camera}/image_raw/compressed', number, msg)

    def camera_info(self, number: int) -> Any:
        region = self.make(
            'sensor_msgs/msg/RegionOfInterest',
            x_offset=0, y_offset=0, height=0, width=0, do_rectify=False,
        )  # fmt: skip
        matrices = {
            'd': np.zeros(5),
            'k': CAMERA.K.ravel(),
            'r': np.eye(3).ravel(),
            'p': np.column_stack([CAMERA.K, np.zeros(3)]).ravel(),
        }
        if self.ros1:
            matrices = {name.upper(): values for name, values in matrices.items()}
        return self.make(
            'sensor_msgs/msg/CameraInfo', header=self.header(number), height=480, width=640,
            distortion_model='plumb_bob', binning_x=0, binning_y=0, roi=region, **matrices,
        )  # fmt: skip

    def write_truth(self, number: int) -> None:
        people, _ = truth_at(walker(number / 30))
        header = self.header(number)
        cloud = to_cloud(people, Header(frame_id='lens'))
        types = get_typestore(Stores.ROS2_HUMBLE)
        kind = 'sensor_msgs/msg/PointCloud2'
        plain: Any = types.deserialize_cdr(serialize_message(cloud), kind)
        fields = [
            self.make(
                'sensor_msgs/msg/PointField',
                name=one.name, offset=one.offset, datatype=one.datatype, count=one.count,
            )
            for one in plain.fields
        ]  # fmt: skip
        names = ('height', 'width', 'is_bigendian', 'point_step', 'row_step', 'data', 'is_dense')
        values = {name: getattr(plain, name) for name in names}
        self.write(
            '/truth/pose3d', number, self.make(kind, header=header, fields=fields, **values)
        )


def data_file(bag: Path) -> Path:
    """Return the file of a recording that holds the messages."""
    if bag.is_file():
        return bag
    return next(file for file in bag.iterdir() if file.name != 'metadata.yaml')
