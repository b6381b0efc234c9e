"""
Decode raw image messages to BGR arrays, without cv_bridge where possible.

cv_bridge copies every image, holds the interpreter while it does, can't be imported beside
NumPy 2 in several distributions, and lacks nv12 and uyvy.

"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any, TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.intensity import FULL, IntensityRange
from unihpe_ros.ros.bit_packed_images import BitPacking
from unihpe_ros.ros.image_encodings import (
    bit_packing_of,
    Layout,
    layout_of,
    LISTED,
    luma_rows,
    PACKED,
    plain_name,
    planes_of,
)
from unihpe_ros.ros.planar_images import planar_to_bgr, Planes

if TYPE_CHECKING:
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header

BgrImage = NDArray[np.uint8]

# cv2.warpAffine and cv2.remap address pixels with 16 bits: no larger image can be worked on.
MAX_SIDE = 32767
MAX_PIXELS = 2**27


class DecodeError(ValueError):
    """An image message cannot be decoded: its content does not fit its fields."""


class UnknownEncodingError(DecodeError):
    """An encoding that the decoder lacks."""


# Encodings of depth images only, see REP 118.
_DEPTHS = ('32fc1', '64fc1')


def decode_image(msg: Image, intensity: IntensityRange | None = None) -> BgrImage:
    """
    Return the picture of a raw image message.

    Parameters
    ----------
    msg : Image
        Any of ENCODINGS, in capitals or not; rows may be padded, channels of 16 bits and more may
        be of either byte order. One channel of floating point is taken for depth and refused,
        unless `intensity` says what is black and white.
    intensity : IntensityRange, optional
        Which raw values become black and white where there are more than 8 bits; without, all
        that 16 bits can hold.

    Returns
    -------
    BgrImage
        ``(H, W, 3)`` BGR; for bgr8 a view of the message's memory, not to be written to.

    Raises
    ------
    DecodeError
        If the encoding is unknown or that of depth, the size is no image's, or bytes are missing.

    """
    planes = planes_of(msg.encoding)
    if planes is not None:
        return planar_to_bgr(msg, planes, _planar_step(msg, planes))
    intensity = intensity or IntensityRange(FULL)
    packing = bit_packing_of(msg.encoding)
    if packing is not None:
        grey = intensity.to_eight_bits(packing.unpack(_groups(msg, packing)))
        return cv2.cvtColor(grey, packing.conversion)
    layout = layout_of(msg.encoding)
    if plain_name(msg.encoding) in _DEPTHS and not intensity.is_fixed:
        # cv_bridge is not tried either: it would make a picture of the distances.
        raise DecodeError(
            f'image encoding: expected colours or grey; got {msg.encoding!r}, which holds '
            'distances: it belongs on depth_image; if these are temperatures, set '
            'intensity_range to those of black and white'
        )
    if plain_name(msg.encoding) in PACKED:
        raise DecodeError(
            f'image encoding: expected raw pixels; got {msg.encoding!r}: publish it as '
            'sensor_msgs/CompressedImage on image/compressed, with image_transport: compressed'
        )
    if layout is None:
        raise UnknownEncodingError(
            f'image encoding: expected one of {", ".join(LISTED)}; got {msg.encoding[:40]!r}'
        )
    pixels = _pixels(msg, layout)
    if layout.depth > 1:
        pixels = intensity.to_eight_bits(pixels)
    if layout.conversion is None:
        return pixels
    try:
        return cv2.cvtColor(pixels, layout.conversion)
    except cv2.error as error:
        size = f'{msg.width}x{msg.height}'
        raise DecodeError(f'{msg.encoding} image of {size}: {error.err}') from error


def _pixels(msg: Image, layout: Layout) -> NDArray[Any]:
    """Return the message's bytes as ``(rows, W[, channels])``, without a copy where possible."""
    what = f'{msg.encoding} image of {msg.width}x{msg.height}'
    check_size(msg.width, msg.height, what)
    if msg.width % layout.even[0] or msg.height % layout.even[1]:
        raise DecodeError(f'{what}: expected multiples of {layout.even[0]}x{layout.even[1]}')
    rows = int(msg.height * layout.planes)
    row = msg.width * layout.channels * layout.depth
    step = msg.step or row
    if layout.planes > 1:
        return _two_planes(msg, rows, step, what)
    _check_rows(msg, rows, row, what)
    order = '>' if msg.is_bigendian else '<'
    shape = (rows, msg.width, layout.channels)[: 2 if layout.channels == 1 else 3]
    strides = (step, layout.channels * layout.depth, layout.depth)[: len(shape)]
    kind = f'{layout.kind}{layout.depth}'
    pixels = np.ndarray(shape, order + kind, msg.data, strides=strides)
    # OpenCV reads words of the machine's byte order, at even addresses.
    return np.require(pixels, kind, 'A') if layout.depth > 1 else pixels


def _groups(msg: Image, packing: BitPacking) -> NDArray[np.uint8]:
    """Return the bytes of a message as ``(H, G, bytes)``, groups of pixels as they are packed."""
    what = f'{msg.encoding} image of {msg.width}x{msg.height}'
    check_size(msg.width, msg.height, what)
    pixels, size = packing.group
    if msg.width % pixels:
        raise DecodeError(f'{what}: expected multiples of {pixels}x1')
    row = msg.width // pixels * size
    _check_rows(msg, msg.height, row, what)
    shape, strides = (msg.height, msg.width // pixels, size), (msg.step or row, size, 1)
    return np.ndarray(shape, np.uint8, msg.data, strides=strides)


def _check_rows(msg: Image, rows: int, row: int, what: str) -> None:
    """Raise DecodeError if a message does not hold so many rows of so many bytes."""
    step = msg.step or row
    needed = step * (rows - 1) + row
    if step < row:
        raise DecodeError(f'{what}: expected a step of at least {row} bytes, got {step}')
    if len(msg.data) < needed:
        raise DecodeError(f'{what}: expected at least {needed} bytes, got {len(msg.data)}')


def _planar_step(msg: Image, planes: Planes) -> int:
    """Return the bytes of a row of luma, after checking that size and data fit the layout."""
    width, height, size = msg.width, msg.height, len(msg.data)
    what = f'{msg.encoding} image of {width}x{height}'
    check_size(width, height, what)
    if width % 2 or height % planes.down:
        raise DecodeError(f'{what}: expected multiples of 2x{planes.down}')
    step = msg.step or width
    if size == round(width * height * planes.rows):
        # Some drivers give the bytes of a row of all planes as step.
        step = width
    if step < width or step % planes.across:
        raise DecodeError(f'{what}: expected a step of at least {width} bytes, got {step}')
    needed = round(step * height * planes.rows)
    # The padding of the last row may be missing.
    if size < needed - (step - width):
        raise DecodeError(f'{what}: expected at least {needed} bytes, got {size}')
    return step


def _two_planes(msg: Image, rows: int, step: int, what: str) -> NDArray[np.uint8]:
    """Return ``(1.5 H, W)``: the rows of luma and, half as many, those of chroma."""
    width, height, size = msg.width, msg.height, len(msg.data)
    if size == width * rows:
        # Some drivers give the bytes of a row of both planes as step.
        step = width
    if step < width:
        raise DecodeError(f'{what}: expected a step of at least {width} bytes, got {step}')
    needed = step * (rows - 1) + width
    if size < needed:
        raise DecodeError(f'{what}: expected at least {needed} bytes, got {size}')
    chroma = luma_rows(height, size // step)
    if chroma * step + step * (height // 2 - 1) + width > size:
        chroma = height
    data: NDArray[np.uint8] = np.frombuffer(msg.data, np.uint8)
    if chroma == height:
        return np.ndarray((rows, width), np.uint8, data, strides=(step, 1))
    parts = [
        np.ndarray((count, width), np.uint8, data, first * step, (step, 1))
        for first, count in ((0, height), (chroma, height // 2))
    ]
    return np.concatenate(parts)


def check_size(width: int, height: int, what: str) -> None:
    """Refuse a size that no image has, before anything of that size is allocated."""
    if width <= 0 or height <= 0:
        raise DecodeError(f'{what}: expected a positive size')
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise DecodeError(
            f'{what}: expected at most {MAX_SIDE} px a side and {MAX_PIXELS} px in all'
        )


def encode_image(image: BgrImage, header: Header) -> Image:
    """
    Make an image message.

    Parameters
    ----------
    image : BgrImage
        ``(H, W, 3)`` BGR, contiguous.
    header : Header
        Header of the message.

    """
    from sensor_msgs.msg import Image

    height, width, _ = image.shape
    msg = Image(header=header, height=height, width=width, encoding='bgr8', step=3 * width)
    # An ndarray assigned to data is checked and copied value by value: 1000 times slower.
    data = array('B')
    data.frombytes(image.data.cast('B'))
    msg.data = data
    return msg


def make_decoder(kind: str) -> Callable[[Image, IntensityRange | None], BgrImage]:
    """
    Choose who decodes raw images.

    Parameters
    ----------
    kind : str
        'builtin', 'cv_bridge', or 'auto': cv_bridge for the encodings that builtin lacks.

    Raises
    ------
    DecodeError
        If 'cv_bridge' is asked for and can't be imported.

    """
    if kind == 'builtin':
        return decode_image
    if kind == 'cv_bridge':
        return _cv_bridge_decoder()
    return _decode_any


def _decode_any(msg: Image, intensity: IntensityRange | None = None) -> BgrImage:
    try:
        return decode_image(msg, intensity)
    except UnknownEncodingError as error:
        try:
            return _cv_bridge_decoder()(msg, intensity)
        except DecodeError as reason:
            raise DecodeError(f'{error}; {reason}') from reason


def _cv_bridge_decoder() -> Callable[[Image, IntensityRange | None], BgrImage]:
    try:
        # Builds for NumPy 1 fail beside NumPy 2 with more than an ImportError.
        from cv_bridge import CvBridge, CvBridgeError
    except (ImportError, AttributeError, RuntimeError, SystemError) as error:
        raise DecodeError(f'cv_bridge can not be imported ({error})') from error

    def decode(msg: Image, intensity: IntensityRange | None = None) -> BgrImage:
        del intensity  # It takes all 16 bits.
        try:
            return CvBridge().imgmsg_to_cv2(msg, 'bgr8')
        except (CvBridgeError, RuntimeError, TypeError) as error:
            raise DecodeError(f'cv_bridge: {msg.encoding!r}: {error}') from error

    return decode
