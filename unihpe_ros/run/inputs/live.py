"""Webcams and network streams: the newest frame counts."""

from __future__ import annotations

from collections.abc import Iterator
import re
import time

import cv2
from unihpe_ros.run.inputs.source import DEFAULT_RATE, InputError, InputFrame, Source
from unihpe_ros.run.inputs.video_frames import open_capture

_SIZE = (640, 480)
STREAM = re.compile(r'(rtsps?|rtmp|https?|udp|tcp|srt)://')


class Live(Source):
    """
    Frames of a device or a stream as they arrive.

    Parameters
    ----------
    capture : cv2.VideoCapture
        The open device or stream.
    text : str
        What the user typed.
    ended : str
        Message if no frame arrives.

    """

    def __init__(self, capture: cv2.VideoCapture, text: str, ended: str) -> None:
        rate = capture.get(cv2.CAP_PROP_FPS)
        super().__init__(text, rate if 0 < rate <= 240 else DEFAULT_RATE)
        self.live = True
        self._capture, self._ended = capture, ended

    def frames(self, start: int = 0) -> Iterator[InputFrame]:
        """Read frames until the stream ends; InputError if there is none."""
        number = 0
        while True:
            good, image = self._capture.read()
            if not good:
                break
            yield InputFrame(number, time.time_ns(), image)
            number += 1
        if not number:
            raise InputError(f'{self.text}: {self._ended}')
        self.notes.append(f'{self.text} gave no more frames')

    def close(self) -> None:
        """Release the device."""
        self._capture.release()


def open_webcam(number: int) -> Live:
    """
    Open a webcam at 640x480, or the nearest size that it has.

    Raises
    ------
    InputError
        If there is none of that number, or another program uses it.

    """
    capture = open_capture(number)
    text = f'camera:{number}'
    wanted = f'expected a webcam (on Linux /dev/video{number}) that no other program uses'
    if not capture.isOpened():
        raise InputError(f'{text}: {wanted}; it cannot be opened')
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, _SIZE[0])
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, _SIZE[1])
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return Live(capture, text, f'{wanted}; it gives no image')


def open_stream(url: str) -> Live:
    """
    Open a network stream.

    Raises
    ------
    InputError
        If there is no answer, or OpenCV cannot read the stream.

    """
    capture = open_capture(url, cv2.CAP_FFMPEG)
    shown = re.sub(r'//[^/@]*@', '//', url)  # Without the password, for the log.
    wanted = 'expected a video stream (RTSP, or MJPEG or a video by HTTP)'
    if not capture.isOpened():
        raise InputError(f'{shown}: {wanted}; nothing that can be read answers')
    return Live(capture, shown, f'{wanted}; it gives no image')
