"""Reader of one camera in a recording of ROS 1 or ROS 2; needs no ROS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
import time
from types import SimpleNamespace
from typing import Any

from rosbags.interfaces import Connection
from rosbags.typesys.store import Typestore
from unihpe_ros.bags.bag_image import BagImage
from unihpe_ros.bags.damage import DAMAGE, damaged
from unihpe_ros.bags.file_kinds import BAG_SUFFIXES, is_bag_file
from unihpe_ros.bags.recording import Recording
from unihpe_ros.bags.topics import (
    BagError,
    camera_info_topic,
    choose_images,
    CLOUD_TYPE,
    TRUTH_TOPIC,
)
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.intensity import IntensityRange
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.repeated_stamps import RepeatedStamps
from unihpe_ros.ros.camera_info import read_calibration
from unihpe_ros.ros.clouds import from_cloud
from unihpe_ros.ros.images import BgrImage, DecodeError

_EXPECTED = f'a rosbag2 folder or a file ending in {", ".join(BAG_SUFFIXES)}'


class BagReader:
    """
    Reader of the images and the calibration of one camera of a recording.

    Parameters
    ----------
    path : Path
        Folder of a rosbag2, or one .mcap, .db3 or .bag file.
    topic : str
        Topic of the images; if empty, the one there is.
    rectified : bool
        The images are rectified.
    rotation : int
        By how many degrees the images are turned clockwise to be upright.
    name : str
        What to call it; if empty, as its file or folder.

    Attributes
    ----------
    topic : str
        Topic of the images.
    topics : dict[str, str]
        All topics of the recording to their types.
    count : int
        Number of images.
    camera_info : Any, optional
        The first one beside the images, its fields named as in ROS 2.
    camera : Camera, optional
        What it says; None if there is none that can be used.
    is_ros1 : bool
        Whether its messages are those of ROS 1.
    notes : list[str]
        What is missing: parts that are cut off, a calibration that can't be used.

    Raises
    ------
    BagError
        If it cannot be read, or has several image topics and none is chosen.

    """

    def __init__(
        self,
        path: Path,
        topic: str = '',
        *,
        rectified: bool = False,
        rotation: int = 0,
        name: str = '',
    ) -> None:
        self.path = path
        self.rotation = rotation
        # First of all: of links in a circle nothing else can be asked.
        if not path.exists():
            raise BagError(f'{path}: expected {_EXPECTED}; there is none')
        self.name = name or (path.stem if path.is_file() else path.resolve().name)
        if path.is_file() and not is_bag_file(path):
            raise BagError(f'{path}: expected {_EXPECTED}')
        self.notes: list[str] = []
        try:
            with Recording(self.path) as reader:
                self.is_ros1 = reader.is_ros1
                known = [(c.topic, c.msgtype, c.msgcount) for c in reader.connections]
                self._others = reader.others
                self._note(reader)
        except BagError:
            raise
        except DAMAGE as error:
            raise damaged(self.path, error) from error
        merged: dict[tuple[str, str], int] = {}
        for name, kind, count in known:
            merged[name, kind] = merged.get((name, kind), 0) + count
        found = [
            SimpleNamespace(topic=name, msgtype=kind, msgcount=count)
            for (name, kind), count in merged.items()
        ]
        self.topics = {item.topic: item.msgtype for item in found}
        try:
            self.topic = choose_images(path, found, topic, self._others)
        except BagError as error:
            # The missing topic may be in the lost part.
            raise BagError('; '.join([str(error), *self.notes])) from error
        self.count = next(item.msgcount for item in found if item.topic == self.topic)
        info_topic = camera_info_topic(found, self.topic)
        self.camera_info = self._read_camera_info(info_topic) if info_topic else None
        self._rectified = rectified
        self._fitted: dict[tuple[int, int], Camera | None] = {}
        self.camera = self._read_camera(info_topic)

    def camera_of(self, size: tuple[int, int]) -> Camera | None:
        """Return the calibration, scaled to images of (w, h) px; None without one."""
        if self.camera is None:
            return None
        if size not in self._fitted:
            fitted = read_calibration(self.camera_info, rectified=self._rectified, size=size)
            self.notes += [note for note in fitted.notes if note not in self.notes]
            self._fitted[size] = self._turned(fitted.camera)
        return self._fitted[size]

    def images(self) -> Iterator[BagImage]:
        """
        Read the images in order of time.

        Raises
        ------
        BagError
            If the recording is damaged; the message names file and place.

        """
        intensity, repeated = IntensityRange(), RepeatedStamps()
        for number, (received, data, msg, times) in enumerate(self._messages(self.topic)):
            if getattr(msg, 'encoding', '') == '16UC1':
                self._tell(f'{self.topic} is 16UC1: taken for infrared pictures, not for depth')
            stamp = _stamp(msg) or received
            if repeated.note(stamp):
                self._tell(
                    f'{self.topic}: images repeat their stamp: the time of recording is used'
                )
                stamp = received
            if number == 0:
                self._compare_frames(msg)
            yield BagImage(number, stamp, received, len(data), msg, *times, intensity)
        if intensity.problem:
            self._tell(f'{self.topic}: no contrast in the last image: {intensity.problem}')

    def stamps(self) -> list[int]:
        """Return the stamp of each image in order of time, ns."""
        return [image.stamp for image in self.images()]

    def frames(self) -> Iterator[tuple[int, BgrImage]]:
        """
        Read and decode the images in order of time, with their stamps, ns.

        Raises
        ------
        BagError
            If the recording, or an image in it, is damaged.

        """
        for image in self.images():
            try:
                yield image.stamp, image.decode()
            except DecodeError as error:
                raise BagError(f'{self.path}: {self.topic}: {error}') from error

    def truth(self, topic: str = '') -> dict[int, Poses] | None:
        """
        Read the true people by the stamp of their image, ns.

        Parameters
        ----------
        topic : str
            Topic of clouds as topic pose3d has them; if empty, /truth/pose3d if it is there.

        Returns
        -------
        dict[int, Poses], optional
            None if nothing is known of them.

        Raises
        ------
        BagError
            If the topic is not there, or holds something else.

        """
        wanted = topic or TRUTH_TOPIC
        if self.topics.get(wanted) != CLOUD_TYPE:
            if topic:
                clouds = [name for name, kind in self.topics.items() if kind == CLOUD_TYPE]
                raise BagError(
                    f'{self.path}: expected the true people on {topic} as {CLOUD_TYPE}; '
                    f'there are {", ".join(clouds) or "no topics of this type"}'
                )
            return None
        people = {}
        for received, _, msg, _ in self._messages(wanted):
            try:
                people[_stamp(msg) or received] = from_cloud(msg)
            except ValueError as error:
                raise BagError(f'{self.path}: {wanted}: {error}') from error
        return people

    def raw(self) -> Iterator[tuple[Typestore, Connection, int, bytes]]:
        """Read all messages as they are stored, in order of time, with the types they need."""
        try:
            with Recording(self.path) as reader:
                for connection, received, data in reader.messages():
                    yield reader.typestore, connection, received, bytes(data)
        except BagError:
            raise
        except DAMAGE as error:
            raise damaged(self.path, error) from error

    def _note(self, reader: Recording) -> None:
        known = {*self.notes}
        self.notes += [note for note in reader.notes if note not in known]

    def _tell(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _messages(self, topic: str) -> Iterator[tuple[int, bytes, Any, tuple[float, float]]]:
        """Yield time of reception (ns), bytes, message, and s to read and to parse it."""
        number = 0
        try:
            with Recording(self.path) as reader:
                chosen = [c for c in reader.connections if c.topic == topic]
                messages = reader.messages(chosen)
                while True:
                    begun = time.perf_counter()
                    item = next(messages, None)
                    if item is None:
                        self._note(reader)
                        return
                    connection, received, data = item
                    read = time.perf_counter()
                    msg = reader.deserialize(data, connection.msgtype)
                    times = (read - begun, time.perf_counter() - read)
                    yield received, data, msg, times
                    number += 1
        except BagError:
            raise
        except DAMAGE as error:
            raise damaged(self.path, error, f'message {number} of {topic}') from error

    def _compare_frames(self, image: Any) -> None:
        told, frame = (
            getattr(self.camera_info, 'header', image.header).frame_id,
            image.header.frame_id,
        )
        if told and frame and told != frame:
            self._tell(
                f'camera_info may be of another camera: its frame is {told!r}, that of the images '
                f'{frame!r}; if so, places are wrong'
            )

    def _read_camera_info(self, topic: str) -> Any:
        msg = next(self._messages(topic))[2]
        # ROS 1 writes the matrices in capitals.
        fields = {name.lower(): getattr(msg, name) for name in msg.__dataclass_fields__}
        return SimpleNamespace(**fields)

    def _read_camera(self, topic: str) -> Camera | None:
        info = self.camera_info
        if info is None or not (any(info.p) or any(info.k)):
            return None
        calibration = read_calibration(info, rectified=self._rectified)
        if calibration.camera is None:
            self.notes.append(
                f'{topic} is not used: {calibration.notes[0]}; a field of view is assumed instead'
            )
        else:
            self.notes += calibration.notes
        return self._turned(calibration.camera)

    def _turned(self, camera: Camera | None) -> Camera | None:
        return None if camera is None else replace(camera, rotation=self.rotation)


def _stamp(msg: Any) -> int:
    stamp = msg.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
