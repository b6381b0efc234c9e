"""Frames from standard input: raw BGR, or JPEGs one after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import cv2
import numpy as np
from unihpe_ros.run.inputs.source import frame_stamp, InputError, InputFrame, Source

_CHUNK = 1 << 16
_START, _END = b'\xff\xd8', 0xD9
_SCAN = 0xDA
# Markers that no length follows: TEM, RST0 to RST7, SOI.
_BARE = frozenset([0x01, *range(0xD0, 0xD9)])


class StandardInput(Source):
    """
    Frames that another program pipes in.

    Parameters
    ----------
    stream : BinaryIO
        Where to read.
    rate : float
        Frames per second that the stamps are counted by.
    size : tuple[int, int], optional
        (w, h) px of raw BGR frames, 3 bytes a pixel, row by row; None for JPEGs.

    """

    def __init__(self, stream: BinaryIO, rate: float, size: tuple[int, int] | None = None) -> None:
        super().__init__('standard input', rate)
        self._stream, self._size = stream, size

    def frames(self, start: int = 0) -> Iterator[InputFrame]:
        """Read frames to the end of the pipe; InputError if it holds something else."""
        images = self._jpegs() if self._size is None else self._raw(*self._size)
        number = 0
        for image in images:
            yield InputFrame(number, frame_stamp(number, self.rate), image)
            number += 1
        if not number:
            raise InputError(f'{self.text}: expected frames; it is empty')

    def _raw(self, width: int, height: int) -> Iterator[np.ndarray]:
        wanted = 3 * width * height
        while data := self._read(wanted):
            if len(data) < wanted:
                self.notes.append(
                    f'the last frame has {len(data)} of the {wanted} bytes of a {width}x{height} '
                    'BGR image and is left out'
                )
                return
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)

    def _read(self, wanted: int) -> bytes:
        """Read `size` bytes, or fewer at the end, because a pipe returns what it has."""
        parts, missing = [], wanted
        while missing and (part := self._stream.read(min(missing, 1 << 22))):
            parts.append(part)
            missing -= len(part)
        return b''.join(parts)

    def _jpegs(self) -> Iterator[np.ndarray]:
        broken = 0
        for data in split_jpegs(self._stream):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            if image is None:
                broken += 1
            else:
                yield image
        if broken:
            self.notes.append(f'{broken} JPEGs cannot be decoded and are left out')


def split_jpegs(stream: BinaryIO) -> Iterator[bytes]:
    """
    Split JPEGs that follow one another, as an MJPEG stream has them.

    Segments are skipped by their length, so that the end of a thumbnail is not taken for that of
    the picture.

    Raises
    ------
    InputError
        If the data is no JPEG.

    """
    data = bytearray()
    while True:
        length = _jpeg_length(data)
        if length:
            yield bytes(data[:length])
            del data[:length]
            continue
        part = stream.read1(_CHUNK) if hasattr(stream, 'read1') else stream.read(_CHUNK)
        if not part:
            return
        data += part
        if not data.startswith(_START[: len(data)]):
            raise InputError(
                'standard input: expected JPEGs one after another (or raw BGR frames, with '
                f'--raw WxH); got bytes {bytes(data[:4]).hex(" ")}'
            )


def _jpeg_length(data: bytearray) -> int:
    """Return the bytes of the JPEG that `data` begins with; 0 if its end is not there yet."""
    at = len(_START)
    while at + 4 <= len(data):
        if data[at] != 0xFF or data[at + 1] == 0xFF:
            at += 1  # Fill bytes, or garbage between two segments of a damaged picture.
            continue
        marker = data[at + 1]
        if marker == _END:
            return at + 2
        if marker in _BARE:
            at += 2
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], 'big')
        if marker == _SCAN:
            at = _scan_end(data, at)
    # The end marker may be the last two bytes that there are.
    return at + 2 if data[at : at + 2] == b'\xff\xd9' else 0


def _scan_end(data: bytearray, at: int) -> int:
    """Return the end of the coded pixels: a marker that is neither a stuffed FF nor a restart."""
    while (at := data.find(b'\xff', at)) >= 0 and at + 1 < len(data):
        if data[at + 1] not in (0x00, *range(0xD0, 0xD8)):
            return at
        at += 2
    return len(data)
