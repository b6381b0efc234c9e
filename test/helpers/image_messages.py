"""Images of each encoding of sensor_msgs, as a driver would send them."""

from array import array

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

H, W = 48, 64


# Where a Bayer mosaic has which channel of RGB: rows and columns from the corner.
MOSAICS = {
    'rggb': ((0, 1), (1, 2)),
    'bggr': ((2, 1), (1, 0)),
    'gbrg': ((1, 2), (0, 1)),
    'grbg': ((1, 0), (2, 1)),
}


def message(data: np.ndarray, encoding: str, size=(W, H), step=None, big=False) -> Image:
    raw = np.ascontiguousarray(data)
    width, height = size
    return Image(
        header=Header(frame_id='camera'),
        width=width,
        height=height,
        encoding=encoding,
        is_bigendian=big,
        step=raw.nbytes // raw.shape[0] if step is None else step,
        data=array('B', raw.tobytes()),
    )


def depth_message(values: np.ndarray, encoding: str, padding: int = 0, stamp: float = 0.0):
    height, width = values.shape
    rows = [row.tobytes() + bytes(padding) for row in values]
    msg = Image(width=width, height=height, encoding=encoding, step=len(rows[0]))
    msg.is_bigendian = int(values.dtype.byteorder == '>')
    msg.header.stamp.sec, msg.header.stamp.nanosec = divmod(round(stamp * 1e9), 1_000_000_000)
    msg.data = array('B', b''.join(rows))
    return msg
