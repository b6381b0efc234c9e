"""Thread that draws skeletons into frames and writes them as a video and as pictures."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
import queue
import threading
from types import TracebackType

from unihpe_ros.core.pose import Poses
from unihpe_ros.run.inputs.source import InputFrame
from unihpe_ros.visualisation.skeletons import draw_poses
from unihpe_ros.visualisation.video import VideoFile, write_picture

_WAITING = 4


class DrawingThread:
    """
    Thread that draws frames; a context manager, after which the files are complete.

    Parameters
    ----------
    video : Path, optional
        The .mp4 to write.
    pictures : Path, optional
        Folder for a picture of each frame.
    name : str
        Name of the pictures of frames without a name.
    rate : float
        Pictures per second of the video.

    """

    def __init__(self, video: Path | None, pictures: Path | None, name: str, rate: float) -> None:
        self._pictures, self._name, self._rate = pictures, name, rate
        self._files = ExitStack()
        self._video = self._files.enter_context(VideoFile(video, rate)) if video else None
        self._queue: queue.Queue[tuple[InputFrame, Poses] | None] = queue.Queue(_WAITING)
        self._error: Exception | None = None
        self._first: int | None = None
        self._written = 0
        self._thread = threading.Thread(target=self._work, name='drawing', daemon=True)

    def __enter__(self) -> DrawingThread:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._error is not None and error is None:
            self._files.__exit__(type(self._error), self._error, None)
            raise self._error
        self._files.__exit__(kind, error, trace)

    @property
    def is_wanted(self) -> bool:
        """Whether anything is drawn."""
        return self._video is not None or self._pictures is not None

    def add(self, frame: InputFrame, poses: Poses) -> None:
        """Queue a frame for drawing; raises the error of an earlier one."""
        if self._error is not None:
            raise self._error
        if self.is_wanted:
            self._queue.put((frame, poses))

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._draw(*item)
                except Exception as error:  # noqa: BLE001 Raised again by whoever adds frames.
                    self._error = error

    def _draw(self, frame: InputFrame, poses: Poses) -> None:
        image = draw_poses(frame.image, poses)
        if self._pictures is not None:
            name = Path(frame.name).stem if frame.name else f'{self._name}_{frame.number:06}'
            write_picture(self._pictures / f'{name}_people.png', image)
        if self._video is not None:
            self._first = frame.stamp if self._first is None else self._first
            # A video has a constant rate: a frame is repeated for those that were dropped after
            # it.
            due = 1 + round(1e-9 * (frame.stamp - self._first) * self._rate)
            for _ in range(due - self._written):
                self._video.write(image)
            self._written = max(self._written, due)
