"""Decode compressed image messages (JPEG, PNG, WebP, TIFF and others) to BGR arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from unihpe_ros.core.intensity import FULL, IntensityRange
from unihpe_ros.ros.image_encodings import layout_of
from unihpe_ros.ros.images import BgrImage, check_size, DecodeError
from unihpe_ros.ros.picture_headers import (
    as_sensor_took_it,
    kind_of,
    PNG_CHANNELS,
    png_size,
    SIZE_READERS,
)
from unihpe_ros.visualisation.video import silence_opencv

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage

# The most pixels that one byte can hold: progressive JPEG has at least one bit for the mean of
# each 8x8 block, and the compression of PNG reaches at most 1032.
_JPEG_MOST = 8 * 64
_DEFLATE_MOST = 1032
# Factor by which a picture is reduced; OpenCV lets the JPEG decoder do it.
_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# Largest picture in other formats, px, whose size is not limited by their number of bytes.
_MOST_PIXELS = 2**25
# Beginnings of the field `format` of pictures that hold distances.
_DEPTHS = ('16uc1', '32fc1', '64fc1')
_OPENEXR = b'v/1\x01'
_VIDEO = ('h264', 'h265', 'hevc', 'h26', 'av1', 'vp9', 'ffmpeg')


class CompressedPicture:
    """
    The packed picture in a message, whose header has been read.

    The format is read from the bytes: the message's format field is free text. EXIF rotation is
    ignored, since camera_info describes the picture as the sensor took it.

    Parameters
    ----------
    msg : CompressedImage
        JPEG, PNG, WebP, TIFF, BMP, JPEG 2000 or PNM of 8 or 16 bits, Radiance HDR, PFM or TIFF of
        floating point; GIF and AVIF where OpenCV has them.

    Attributes
    ----------
    size : tuple[int, int]
        (w, h) px.
    is_jpeg : bool
        Whether it can be reduced while it is decoded: a JPEG, but of no mosaic.

    Raises
    ------
    DecodeError
        If it holds depth or a video, is of no known format, or can't be what its header says.

    """

    def __init__(self, msg: CompressedImage) -> None:
        self._data = data = memoryview(msg.data).cast('B')
        _check_format(msg.format, data)
        kind = kind_of(data)
        # image_transport packs a mosaic as one channel, and says what it was before a semicolon.
        encoding = msg.format.partition(';')[0].strip().lower()
        self._mosaic = layout_of(encoding) if encoding.startswith('bayer') else None
        self.is_jpeg = kind == 'JPEG' and self._mosaic is None
        self.size = _checked_size(data, kind)
        if kind == 'TIFF':
            self._data = as_sensor_took_it(data)
        self._what = f'{kind} of {self.size[0]}x{self.size[1]}'

    def decode(self, reduction: int = 1, intensity: IntensityRange | None = None) -> BgrImage:
        """
        Return the picture.

        Parameters
        ----------
        reduction : int
            1; for a JPEG also 2, 4 or 8: each block of so many pixels a side becomes one pixel,
            and the time for the rest is saved.
        intensity : IntensityRange, optional
            See `unihpe_ros.ros.images.decode_image`.

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
        if not self.is_jpeg:
            # Grey of floating point is not read as colour.
            flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
        silence_opencv()
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
        if picture.dtype == np.uint16 or picture.dtype.kind == 'f':
            picture = (intensity or IntensityRange(FULL)).to_eight_bits(picture)
        if picture.dtype != np.uint8:
            raise DecodeError(f'{self._what}: expected 8 or 16 bits, got {picture.dtype}')
        if picture.ndim == 3:
            return picture
        mosaic = self._mosaic.conversion if self._mosaic is not None else None
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR if mosaic is None else mosaic)


def _check_format(name: str, data: memoryview) -> None:
    """Raise DecodeError if name or first bytes are not those of a colour or grey picture."""
    name = name[:60]
    plain = name.strip().lower()
    if 'compresseddepth' in plain or plain.startswith(_DEPTHS):
        raise DecodeError(
            f'compressed image: expected a colour picture, got {name!r}, which holds distances: '
            'it belongs on depth_image'
        )
    if kind_of(data):
        return
    if not len(data):
        raise DecodeError(f'compressed image {name!r}: expected a picture; the message is empty')
    if bytes(data[:4]) == _OPENEXR:
        raise DecodeError(
            f'compressed image {name!r}: expected {", ".join(SIZE_READERS)}; got OpenEXR, which '
            'OpenCV does not read: send PNG or TIFF of 16 bits'
        )
    begin = bytes(data[:8]).hex(' ')
    if plain.startswith(_VIDEO):
        raise DecodeError(
            f'compressed image {name!r}: expected single pictures; got a video stream, which has '
            'to be decoded before, as by image_transport republish'
        )
    raise DecodeError(
        f'compressed image {name!r} of {len(data)} bytes: expected '
        f'{", ".join(SIZE_READERS)}; got bytes that begin with {begin!r}'
    )


def decode_compressed(msg: CompressedImage, intensity: IntensityRange | None = None) -> BgrImage:
    """Return the picture of a compressed message, see `CompressedPicture`."""
    return CompressedPicture(msg).decode(intensity=intensity)


def check_png(data: memoryview) -> tuple[int, int]:
    """Return the (w, h), px, of a PNG; raise DecodeError if it can't be what its header says."""
    return _checked_size(data, 'PNG')


def _checked_size(data: memoryview, kind: str) -> tuple[int, int]:
    size = SIZE_READERS[kind](data)
    if size is None:
        raise DecodeError(f'{kind} of {len(data)} bytes: expected a header with the size')
    if kind == 'PNG':
        _check_png_chunks(data)
    what, pixels, fewest = f'{kind} of {size[0]}x{size[1]}', size[0] * size[1], 0.0
    check_size(*size, what)
    if kind == 'JPEG':
        fewest = pixels / _JPEG_MOST
    elif kind == 'PNG':
        fewest = _png_bytes(data) / _DEFLATE_MOST
    elif pixels > _MOST_PIXELS:
        raise DecodeError(f'{what}: expected at most {_MOST_PIXELS} px in all')
    if len(data) < fewest:
        # A decoder allocates the picture before it finds the end of the data.
        raise DecodeError(f'{what}: expected at least {fewest:.0f} bytes, got {len(data)}')
    return size


def _check_png_chunks(data: memoryview) -> None:
    """Refuse a chunk that is longer than the data: OpenCV allocates the length that it claims."""
    at = 8
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
    size = png_size(data)
    if size is None:
        return 0
    width, height = size
    bits = data[24] * PNG_CHANNELS[data[25]]
    return height * ((width * bits + 7) // 8)
