"""Decode depth messages of the transport compressedDepth (PNG and RVL) to metres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.ros.compressed import check_png
from unihpe_ros.ros.images import check_size, DecodeError
from unihpe_ros.ros.picture_headers import kind_of

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage

# What the transport writes before the packed data: a kind, and two numbers of inverse depth.
_HEADER = 12
_METRES = 1e-3
# No depth camera has more; runs of zeros have no other limit.
_MOST_PIXELS = 2**24


def decode_compressed_depth(msg: CompressedImage) -> NDArray[np.float32]:
    """
    Return the picture of a compressed depth message.

    Parameters
    ----------
    msg : CompressedImage
        `16UC1; compressedDepth png`, `... rvl`, the same of 32FC1, or a PNG of 16 bits in mm
        without the transport's header.

    Returns
    -------
    NDArray[np.float32]
        ``(H, W)`` m along the optical axis; 0 or NaN where unknown.

    Raises
    ------
    DecodeError
        If it holds no depth image, or is broken.

    """
    data, name = memoryview(msg.data).cast('B'), msg.format[:60].strip().lower()
    if kind_of(data) == 'PNG':
        return _png(data) * np.float32(_METRES)
    packed = data[_HEADER:]
    if len(packed) < _HEADER:
        raise DecodeError(
            f'compressed depth {name!r}: expected a header and data, got {len(data)} bytes'
        )
    values = _png(packed) if kind_of(packed) == 'PNG' else _rvl(packed, name)
    if not name.startswith('32fc1'):
        return values * np.float32(_METRES)
    a, b = np.frombuffer(data[4:_HEADER], '<f4').astype(np.float64)
    with np.errstate(all='ignore'):
        depth = np.where(values > 0, a / (values - b), np.nan)
    return depth.astype(np.float32)


def _png(data: memoryview) -> NDArray[np.uint16]:
    width, height = check_png(data)
    what = f'depth PNG of {width}x{height}'
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        picture = None
    if picture is None or picture.dtype != np.uint16 or picture.shape != (height, width):
        got = 'nothing' if picture is None else f'{picture.shape} {picture.dtype}'
        raise DecodeError(f'{what}: expected one channel of 16 bits, got {got}')
    return np.asarray(picture, np.uint16)


def _rvl(data: memoryview, name: str) -> NDArray[np.uint16]:
    """Unpack runs of zeros and of differences, see Wilson, "Fast lossless depth", 2017."""
    width, height = (int.from_bytes(data[at : at + 4], 'little') for at in (0, 4))
    what = f'compressed depth {name!r} of {width}x{height}'
    try:
        check_size(width, height, what)
    except DecodeError as error:
        begin = bytes(data[:8]).hex(' ')
        raise DecodeError(
            f'compressed depth {name!r}: expected PNG or RVL; got bytes that begin with {begin!r}'
        ) from error
    if width * height > _MOST_PIXELS:
        raise DecodeError(f'{what}: expected at most {_MOST_PIXELS} px in all')
    numbers = _rvl_numbers(data[8:])
    flat = np.zeros(width * height, np.int64)
    at = place = last = 0
    while place < len(flat):
        if at + 2 > len(numbers):
            raise DecodeError(f'{what}: the data end after {place} px')
        zeros, count = int(numbers[at]), int(numbers[at + 1])
        steps = numbers[at + 2 : at + 2 + count]
        place, at = place + zeros, at + 2 + count
        if place + count > len(flat) or len(steps) < count or zeros + count == 0:
            raise DecodeError(f'{what}: broken at px {place}')
        # Differences alternate in sign: 0, -1, 1, -2, 2 are 0, 1, 2, 3, 4.
        run = last + np.cumsum((steps >> 1) ^ -(steps & 1))
        flat[place : place + count] = run
        last, place = int(run[-1]) if count else last, place + count
    return flat.reshape(height, width).astype(np.uint16)


def _rvl_numbers(data: memoryview) -> NDArray[np.int64]:
    """Return the numbers packed by threes of bits, low ones first, in nibbles of words."""
    words = np.frombuffer(data[: len(data) // 4 * 4], '<u4')
    nibbles = (words[:, None] >> np.array(range(28, -1, -4), np.uint32)).ravel() & 15
    ends = np.flatnonzero(nibbles < 8)
    if not len(ends):
        return np.zeros(0, np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    nibbles = nibbles[: ends[-1] + 1].astype(np.int64)
    order = np.arange(len(nibbles)) - np.repeat(starts, ends - starts + 1)
    # More than 32 bits are broken data: they must not overflow into numbers that look right.
    parts = (nibbles & 7) << np.minimum(3 * order, 33)
    return np.asarray(np.add.reduceat(parts, starts), np.int64)
