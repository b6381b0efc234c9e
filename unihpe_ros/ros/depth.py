"""Decode depth image messages to metres (REP-118)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.ros.compressed_depth import decode_compressed_depth
from unihpe_ros.ros.image_encodings import plain_name
from unihpe_ros.ros.images import check_size, DecodeError

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage, Image

# Type of a pixel, and how many m one unit is; the last two are names of V4L2 and OpenNI.
_ENCODINGS = {
    '32fc1': ('f4', 1.0),
    '64fc1': ('f8', 1.0),
    '16uc1': ('u2', 1e-3),
    '16sc1': ('i2', 1e-3),
    'mono16': ('u2', 1e-3),
    'z16': ('u2', 1e-3),
}


def decode_depth(msg: Image | CompressedImage) -> NDArray[np.float32]:
    """
    Return the picture of a depth image message.

    Parameters
    ----------
    msg : Image | CompressedImage
        32FC1 in m, or 16UC1 in mm, in capitals or not; rows may be padded, of either byte order.
        For a compressed one see `decode_compressed_depth`.

    Returns
    -------
    NDArray[np.float32]
        ``(H, W)`` m along the optical axis; 0, NaN or infinite where unknown.

    Raises
    ------
    DecodeError
        If the encoding is not one of depth, the size is no image's, or bytes are missing.

    """
    if hasattr(msg, 'format'):
        return decode_compressed_depth(msg)
    name = plain_name(msg.encoding)
    if name not in _ENCODINGS:
        raise DecodeError(
            f'depth encoding: expected 32FC1 (m) or 16UC1 (mm); got {msg.encoding!r}'
        )
    kind, metres = _ENCODINGS[name]
    dtype = np.dtype(('>' if msg.is_bigendian else '<') + kind)
    what = f'{msg.encoding} image of {msg.width}x{msg.height}'
    check_size(msg.width, msg.height, what)
    row = msg.width * dtype.itemsize
    step = msg.step or row
    needed = step * (msg.height - 1) + row
    if step < row or len(msg.data) < needed:
        raise DecodeError(
            f'{what}: expected rows of {row} bytes, {needed} in all; '
            f'got rows of {step}, {len(msg.data)} in all'
        )
    shape, strides = (msg.height, msg.width), (step, dtype.itemsize)
    values = np.ndarray(shape, dtype, msg.data, strides=strides)
    if kind == 'i2':
        values = np.maximum(values, 0)
    return values.astype(np.float32) if metres == 1.0 else values * np.float32(metres)
