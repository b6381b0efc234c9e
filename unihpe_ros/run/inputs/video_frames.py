"""Video files, as OpenCV and its FFmpeg read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
from unihpe_ros.run.inputs.source import DEFAULT_RATE, frame_stamp, InputError, InputFrame, Source
from unihpe_ros.visualisation.video import silence_opencv

# A higher rate is the time base of the container, not the frame rate.
_HIGHEST_RATE = 1000.0
# The number of frames in a container is an estimate: only a larger missing share is reported.
_SHORT = 0.98


def open_capture(target: str | int, backend: int = cv2.CAP_ANY) -> cv2.VideoCapture:
    """Open a video, a stream or a webcam, without messages of OpenCV and FFmpeg."""
    silence_opencv()
    return cv2.VideoCapture(target, backend)


class Video(Source):
    """
    A video file.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        If OpenCV cannot read it.

    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        capture = open_capture(str(path))
        if not (capture.isOpened() and capture.grab()):
            raise InputError(
                f'{path}: expected a video that OpenCV can read; it is damaged or of a codec '
                f'that OpenCV lacks (ffmpeg -i {path.name} -c:v libx264 readable.mp4 makes one)'
            )
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.rate = rate if 0 < rate < _HIGHEST_RATE else DEFAULT_RATE
        self.count = int(count) if count > 0 else None
        capture.release()

    def frames(self, start: int = 0) -> Iterator[InputFrame]:
        """Read the frames in order; a video whose end is damaged ends there, with a note."""
        capture = open_capture(self.text)
        number, stamp = 0, -1
        try:
            # Seeking is inexact in most containers; grabbing and dropping frames is exact and
            # cheap.
            while capture.grab():
                shown = round(1e6 * capture.get(cv2.CAP_PROP_POS_MSEC))
                # A container without time stamps gives 0 for all frames.
                stamp = shown if shown > stamp else stamp + frame_stamp(1, self.rate)
                if number >= start:
                    good, image = capture.retrieve()
                    if not good:
                        break
                    yield InputFrame(number, stamp, image)
                number += 1
        finally:
            capture.release()
        if self.count is not None and number < _SHORT * self.count:
            self.notes.append(f'the video ends after {number} of {self.count} frames')
