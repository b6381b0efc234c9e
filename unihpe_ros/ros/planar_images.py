"""Decode YUV images with separate chroma planes: I420, YV12, NV16, NV24 and others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sensor_msgs.msg import Image


@dataclass(frozen=True)
class Planes:
    """
    Layout of the luma and chroma planes of an encoding.

    Parameters
    ----------
    across, down : int
        Pixels that share a value of chroma, in a row and in a column.
    is_interleaved : bool
        U and V lie side by side in one plane rather than in two.
    is_v_first : bool
        V comes before U.

    """

    across: int
    down: int
    is_interleaved: bool = False
    is_v_first: bool = False

    @property
    def rows(self) -> float:
        """Rows of bytes, as long as those of luma, for each row of pixels."""
        return 1 + 2 / (self.across * self.down)


# NV12 and NV21 are not among them: OpenCV reads those as they are.
PLANAR = {
    'i420': Planes(2, 2),
    'yv12': Planes(2, 2, is_v_first=True),
    'yuv422p': Planes(2, 1),
    'yv16': Planes(2, 1, is_v_first=True),
    'yuv444p': Planes(1, 1),
    'yv24': Planes(1, 1, is_v_first=True),
    'nv16': Planes(2, 1, is_interleaved=True),
    'nv61': Planes(2, 1, is_interleaved=True, is_v_first=True),
    'nv24': Planes(1, 1, is_interleaved=True),
    'nv42': Planes(1, 1, is_interleaved=True, is_v_first=True),
}


def planar_to_bgr(msg: Image, planes: Planes, step: int) -> NDArray[np.uint8]:
    """
    Return the picture of a message whose size and number of bytes have been checked.

    Parameters
    ----------
    msg : Image
        The message.
    planes : Planes
        Its layout.
    step : int
        Bytes of a row of luma; rows of chroma are padded in proportion.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR; if chroma has the full resolution, every other column is used.

    """
    width, height = msg.width, msg.height
    data: NDArray[np.uint8] = np.frombuffer(msg.data, np.uint8)
    luma = np.ndarray((height, width), np.uint8, data, 0, (step, 1))
    u, v = _chroma(data[step * height :], planes, (width, height), step)
    if planes.down == 2:
        chroma = np.stack([u, v], -1).reshape(height // 2, width)
        joined = np.concatenate([luma, chroma])
        return np.asarray(cv2.cvtColor(joined, cv2.COLOR_YUV2BGR_NV12), np.uint8)
    packed = np.empty((height, width, 2), np.uint8)
    packed[..., 0] = luma
    every = 2 // planes.across
    packed[:, 0::2, 1], packed[:, 1::2, 1] = u[:, ::every], v[:, ::every]
    return np.asarray(cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_YUY2), np.uint8)


def _chroma(
    data: NDArray[np.uint8], planes: Planes, size: tuple[int, int], step: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return U and V, each ``(H / down, W / across)``."""
    columns, rows = size[0] // planes.across, size[1] // planes.down
    if planes.is_interleaved:
        stride = 2 * step // planes.across
        pairs = np.ndarray((rows, columns, 2), np.uint8, data, 0, (stride, 2, 1))
        first, second = pairs[..., 0], pairs[..., 1]
    else:
        stride = step // planes.across
        first, second = (
            np.ndarray((rows, columns), np.uint8, data, start, (stride, 1))
            for start in (0, stride * rows)
        )
    return (second, first) if planes.is_v_first else (first, second)
