"""Recordings of ROS 1 and ROS 2 as a source of frames; no ROS is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unihpe_ros.bags.reader import BagReader
from unihpe_ros.core.geometry import Camera
from unihpe_ros.ros.images import DecodeError
from unihpe_ros.run.inputs.source import InputFrame, Source


class RecordedFrames(Source):
    """
    One camera of a rosbag2 (mcap, sqlite3) or a rosbag1.

    Parameters
    ----------
    path : Path
        Folder or file.
    topic : str
        Topic of the images; if empty, the one there is.
    rotation : int
        By how many degrees the images are turned clockwise to be upright.

    Raises
    ------
    BagError
        If it cannot be read, or it is not clear which images are meant.

    """

    def __init__(self, path: Path, topic: str = '', rotation: int = 0) -> None:
        self._reader = reader = BagReader(path, topic, rotation=rotation)
        super().__init__(str(path), count=reader.count, rotation=rotation)
        self.is_calibrated = reader.camera is not None
        self.rate = self._measure_rate()

    def frames(self, start: int = 0) -> Iterator[InputFrame]:
        """Read the images; one that cannot be decoded is left out and counted in a note."""
        broken, first = 0, ''
        for image in self._reader.images():
            if image.number < start:
                continue
            try:
                picture = image.decode()
            except DecodeError as error:
                broken, first = broken + 1, first or str(error)
                continue
            yield InputFrame(image.number, image.stamp, picture)
        self.notes += self._reader.notes
        if broken:
            self.notes.append(
                f'{broken} images cannot be decoded and are left out; first: {first}'
            )

    def camera_of(self, size: tuple[int, int]) -> Camera | None:
        """Return the calibration, scaled to the images as the node does it."""
        return self._reader.camera_of(size)

    def _measure_rate(self) -> float:
        """Return the images per second over the first second or so."""
        stamps: list[int] = []
        for image in self._reader.images():
            stamps.append(image.stamp)
            if stamps[-1] - stamps[0] > 1e9:
                break
        span = stamps[-1] - stamps[0] if stamps else 0
        return 1e9 * (len(stamps) - 1) / span if span > 0 else self.rate
