"""Write images as a video or as a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
import os
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.files import naming, replacing, write_whole

_BORDER = 4


def silence_opencv() -> None:
    """Stop OpenCV and FFmpeg from printing messages about videos; errors are raised instead."""
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    # Some builds of OpenCV 4 lack it.
    if hasattr(cv2.utils, 'logging'):
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def write_picture(path: Path, image: NDArray[np.uint8]) -> None:
    """
    Write a picture; an older one stays until the new one is complete.

    Parameters
    ----------
    path : Path
        Where to; its suffix says in which format.
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.

    Raises
    ------
    OSError
        If it can't be written.

    """
    # OpenCV's own writing to a file does not tell why it failed.
    _, content = cv2.imencode(path.suffix, image)
    with naming(path):
        write_whole(path, content.tobytes())


class VideoFile:
    """
    An .mp4 that appears when all of it is written, and not at all after an error.

    Parameters
    ----------
    path : Path
        Where to.
    rate : float
        Pictures per second.

    Raises
    ------
    OSError
        If it can't be written.

    """

    def __init__(self, path: Path, rate: float) -> None:
        self._path = path
        self._place = ExitStack()
        self._rate = rate
        self._writer: cv2.VideoWriter | None = None
        self._partial = path
        self._count = 0
        self._size = (0, 0)

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is None:
            return
        self._writer.release()
        if error is None and self._count != self._count_written():
            error = OSError(f'{self._path}: cannot be written whole; is the disk full?')
            self._place.__exit__(type(error), error, None)
            raise error
        self._place.__exit__(kind, error, trace)

    def write(self, image: NDArray[np.uint8]) -> None:
        """Add a ``(H, W, 3)`` BGR picture; one of another size is fitted into the first's."""
        if self._writer is None:
            self._size = (image.shape[1], image.shape[0])
            self._partial = self._place.enter_context(replacing(self._path))
            silence_opencv()
            code = cv2.VideoWriter.fourcc(*'mp4v')
            self._writer = cv2.VideoWriter(str(self._partial), code, self._rate, self._size)
            if not self._writer.isOpened():
                raise OSError(f'{self._path}: cannot be written')
        self._writer.write(_fitted(image, self._size))
        self._count += 1

    def _count_written(self) -> int:
        """Return how many images are in the file; OpenCV does not report failed writes."""
        capture = cv2.VideoCapture(str(self._partial))
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        return count


def _fitted(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture in (w, h) px, with black borders where its proportions are others."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    scale = min(size[0] / width, size[1] / height)
    w, h = max(int(width * scale), 1), max(int(height * scale), 1)
    x, y = (size[0] - w) // 2, (size[1] - h) // 2
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    canvas[y : y + h, x : x + w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
    return canvas


def contact_sheet(
    images: Sequence[NDArray[np.uint8]], columns: int, width: int
) -> NDArray[np.uint8]:
    """
    Put pictures of one size side by side, row by row.

    Parameters
    ----------
    images : Sequence[NDArray[np.uint8]]
        ``(H, W, 3)`` BGR, at least one.
    columns : int
        Pictures in a row.
    width : int
        Width of a picture on the sheet, px.

    """
    height = round(images[0].shape[0] * width / images[0].shape[1])
    rows = -(-len(images) // columns)
    step_y, step_x = height + _BORDER, width + _BORDER
    sheet = np.zeros((rows * step_y + _BORDER, columns * step_x + _BORDER, 3), np.uint8)
    for index, image in enumerate(images):
        y = _BORDER + index // columns * step_y
        x = _BORDER + index % columns * step_x
        sheet[y : y + height, x : x + width] = cv2.resize(
            image, (width, height), interpolation=cv2.INTER_AREA
        )
    return sheet
