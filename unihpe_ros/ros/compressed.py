"""Decode compressed image messages (JPEG, PNG) to BGR arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from unihpe_ros.ros.images import BgrImage, check_size, DecodeError

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage

_JPEG = b'\xff\xd8\xff'
_PNG = b'\x89PNG\r\n\x1a\n'
# Markers of a JPEG that start a frame header (SOF0..15 without DHT, JPG and DAC).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers that no length follows: TEM and RST0..7.
_JPEG_BARE = frozenset([0x01, *range(0xD0, 0xD8)])
# The most pixels that a byte can stand for: progressive JPEG has at least one bit for the mean of
# each 8x8 block, and what PNG packs with deflates by 1032 at most.
_JPEG_MOST = 8 * 64
_DEFLATE_MOST = 1032
# By how much a picture is reduced; OpenCV has a JPEG's decoder do it.
_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_PNG_DEPTHS = (1, 2, 4, 8, 16)
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the header's colour type


class CompressedPicture:
    """
    The JPEG or PNG in a message, whose header has been read.

    The bytes say what they are: the message's format field is free text. EXIF rotation is
    ignored, since camera_info describes the picture as the sensor took it.

    Parameters
    ----------
    msg : CompressedImage
        JPEG or PNG of 8 or 16 bits.

    Attributes
    ----------
    size : tuple[int, int]
        (w, h) px.
    is_jpeg : bool
        Whether it can be reduced while it is decoded.

    Raises
    ------
    DecodeError
        If it is a compressed depth image, neither JPEG nor PNG, or can't be what its header says.

    """

    def __init__(self, msg: CompressedImage) -> None:
        if 'compresseddepth' in msg.format.lower():
            raise DecodeError(f'compressed image: expected a colour picture, got {msg.format!r}')
        self._data = data = memoryview(msg.data).cast('B')
        head = bytes(data[:8])
        self.is_jpeg = head.startswith(_JPEG)
        if not self.is_jpeg and head != _PNG:
            raise DecodeError(
                f'compressed image {msg.format!r} of {len(data)} bytes: expected JPEG or PNG, '
                f'got bytes that begin with {head.hex(" ")!r}'
            )
        size, kind = (_jpeg_size(data), 'JPEG') if self.is_jpeg else (_png_size(data), 'PNG')
        if size is None:
            raise DecodeError(f'{kind} of {len(data)} bytes: expected a header with the size')
        if not self.is_jpeg:
            _check_png_chunks(data)
        self.size = size
        self._what = f'{kind} of {size[0]}x{size[1]}'
        check_size(*size, self._what)
        fewest = (
            size[0] * size[1] / _JPEG_MOST if self.is_jpeg else _png_bytes(data) / _DEFLATE_MOST
        )
        if len(data) < fewest:
            # A decoder allocates the picture before it finds the end of the data.
            raise DecodeError(
                f'{self._what}: expected at least {fewest:.0f} bytes, got {len(data)}'
            )

    def decode(self, reduction: int = 1) -> BgrImage:
        """
        Return the picture.

        Parameters
        ----------
        reduction : int
            1; for a JPEG also 2, 4 or 8: each block of so many pixels a side becomes one pixel,
            and the time for the rest is saved.

        Returns
        -------
        BgrImage
            ``(H, W, 3)`` BGR.

        Raises
        ------
        DecodeError
            If it is broken.

        """
        flags = _FLAGS[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
        try:
            picture = cv2.imdecode(np.frombuffer(self._data, np.uint8), flags)
        except cv2.error:
            picture = None
        if picture is None:
            raise DecodeError(f'{self._what}: {len(self._data)} bytes can not be decoded')
        width, height = (-(-extent // reduction) for extent in self.size)
        if picture.shape[:2] != (height, width):
            raise DecodeError(
                f'{self._what}: expected to decode {width}x{height}; '
                f'got {picture.shape[1]}x{picture.shape[0]}'
            )
        return picture


def decode_compressed(msg: CompressedImage) -> BgrImage:
    """Return the picture of a JPEG or PNG message, see `CompressedPicture`."""
    return CompressedPicture(msg).decode()


def _png_size(data: memoryview) -> tuple[int, int] | None:
    # A decoder that is given another depth or colour type allocates first, and complains then.
    if len(data) < 26 or data[24] not in _PNG_DEPTHS or data[25] not in _PNG_CHANNELS:
        return None
    return int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')


def _check_png_chunks(data: memoryview) -> None:
    """Refuse a chunk that is longer than the data: OpenCV allocates as much as one claims."""
    at = len(_PNG)
    while at < len(data):
        # Length, name, content, checksum.
        length = int.from_bytes(data[at : at + 4], 'big')
        if at + 12 + length > len(data):
            raise DecodeError(
                f'PNG of {len(data)} bytes: expected a chunk of {length} bytes at {at}; the data '
                'ends before it does'
            )
        if bytes(data[at + 4 : at + 8]) == b'IEND':
            return
        at += 12 + length


def _png_bytes(data: memoryview) -> int:
    """Return how many bytes the picture of a PNG has before they are packed."""
    size = _png_size(data)
    if size is None:
        return 0
    width, height = size
    bits = data[24] * _PNG_CHANNELS[data[25]]
    return height * ((width * bits + 7) // 8)


def _jpeg_size(data: memoryview) -> tuple[int, int] | None:
    """Walk the segments to the frame header: no pixel is allocated before the size is known."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        if data[at + 1] == 0xFF:  # A fill byte.
            at += 1
        elif data[at + 1] in _JPEG_BARE:
            at += 2
        elif data[at + 1] in _JPEG_FRAMES:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(width, 'big'), int.from_bytes(height, 'big')
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], 'big')
    return None
