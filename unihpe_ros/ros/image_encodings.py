"""The memory layout of each encoding of sensor_msgs/Image, and its conversion to BGR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import re

import cv2
from unihpe_ros.ros.bit_packed_images import BIT_PACKED, BitPacking
from unihpe_ros.ros.planar_images import PLANAR, Planes

# The number of luma rows is padded to a multiple of this.
_BLOCK, _MOST_PADDING = 16, 128


@dataclass(frozen=True)
class Layout:
    """
    Pixel layout of an encoding: channels, bytes, and conversion to BGR.

    Parameters
    ----------
    channels : int
        Values of a pixel.
    conversion : int, optional
        OpenCV's code of the conversion to BGR; None where the bytes are BGR already.
    depth : int
        Bytes of a value.
    kind : str
        'u' for whole numbers, 'f' for floating point.
    even : tuple[int, int]
        Width and height must be multiples of these.
    planes : float
        Rows of bytes for each row of pixels.

    """

    channels: int
    conversion: int | None
    depth: int = 1
    even: tuple[int, int] = (1, 1)
    planes: float = 1.0
    kind: str = 'u'


def _layouts() -> Mapping[str, Layout]:
    table = {
        'bgr8': Layout(3, None),
        'rgb8': Layout(3, cv2.COLOR_RGB2BGR),
        'bgra8': Layout(4, cv2.COLOR_BGRA2BGR),
        'rgba8': Layout(4, cv2.COLOR_RGBA2BGR),
        'mono8': Layout(1, cv2.COLOR_GRAY2BGR),
        # What ROS calls yuv422 is UYVY.
        'yuv422': Layout(2, cv2.COLOR_YUV2BGR_UYVY, even=(2, 1)),
        'yuv422_yuy2': Layout(2, cv2.COLOR_YUV2BGR_YUY2, even=(2, 1)),
        'yvyu': Layout(2, cv2.COLOR_YUV2BGR_YVYU, even=(2, 1)),
        'nv12': Layout(1, cv2.COLOR_YUV2BGR_NV12, even=(2, 2), planes=1.5),
        'nv21': Layout(1, cv2.COLOR_YUV2BGR_NV21, even=(2, 2), planes=1.5),
    }
    # Red in the high bits of a little-endian word, as V4L2 has it.
    table['rgb565'] = Layout(2, cv2.COLOR_BGR5652BGR)
    for name in ('bgr', 'rgb', 'bgra', 'rgba', 'mono'):
        eight = table[f'{name}8']
        table[f'{name}16'] = Layout(eight.channels, eight.conversion, depth=2)
    for bits in (32, 64):
        for channels, conversion in (
            (1, cv2.COLOR_GRAY2BGR),
            (3, None),
            (4, cv2.COLOR_BGRA2BGR),
        ):
            table[f'{bits}FC{channels}'] = Layout(channels, conversion, bits // 8, kind='f')
    # ROS names a mosaic by its first two rows from the corner; OpenCV by the second row, from the
    # second column.
    for name, opencv in (('rggb', 'BG'), ('bggr', 'RG'), ('gbrg', 'GR'), ('grbg', 'GB')):
        code = getattr(cv2, f'COLOR_Bayer{opencv}2BGR')
        table[f'bayer_{name}8'] = Layout(1, code)
        table[f'bayer_{name}16'] = Layout(1, code, depth=2)
    return table


# GenICam's names of mosaics, which camera_aravis passes on.
_MOSAICS = {'rg': 'rggb', 'bg': 'bggr', 'gb': 'gbrg', 'gr': 'grbg'}
_GENICAM_BAYER = re.compile(r'^bayer_?(rg|bg|gb|gr)(?=\d)')
_ALIASES = {
    '8UC1': 'mono8',
    '8UC3': 'bgr8',
    '8UC4': 'bgra8',
    # Infrared and thermal cameras; depth belongs on a topic of its own.
    '16UC1': 'mono16',
    '16UC3': 'bgr16',
    '16UC4': 'bgra16',
    'uyvy': 'yuv422',
    'uyvy422': 'yuv422',
    'yuv422_uyvy': 'yuv422',
    'yuyv': 'yuv422_yuy2',
    'yuy2': 'yuv422_yuy2',
    'yuyv422': 'yuv422_yuy2',
    'yuv422_yuyv': 'yuv422_yuy2',
    'yuv422_8': 'yuv422_yuy2',
    'ycbcr422_8': 'yuv422_yuy2',
    'yuv422_8_uyvy': 'yuv422',
    'yuv422packed': 'yuv422',
    'rgb24': 'rgb8',
    'bgr24': 'bgr8',
    'rgb8packed': 'rgb8',
    'bgr8packed': 'bgr8',
    **dict.fromkeys(('grey', 'gray', 'grey8', 'gray8', 'l8'), 'mono8'),
    **dict.fromkeys(('grey16', 'gray16', 'gray16le', 'l16'), 'mono16'),
    'y8': 'mono8',
    'rgb': 'rgb8',
    'bgr': 'bgr8',
    'rgba': 'rgba8',
    'bgra': 'bgra8',
    'yuv422_yvyu': 'yvyu',
    # Deep pictures in words of 16 bits.
    **{f'{name}{bits}': 'mono16' for name in ('mono', 'y', 'ir') for bits in (10, 12, 14)},
    'y16': 'mono16',
    **{
        f'bayer{short}{bits}': f'bayer_{name}{8 if bits == 8 else 16}'
        for short, name in _MOSAICS.items()
        for bits in (8, 10, 12, 16)
    },
    **{
        f'bayer_{name}{bits}': f'bayer_{name}16'
        for name in ('rggb', 'bggr', 'gbrg', 'grbg')
        for bits in (10, 12, 14)
    },
}


_PLANAR_ALIASES = {
    **dict.fromkeys(('yuv420', 'yuv420p', 'iyuv', 'yu12', 'yuvi420', 'yuv420_i420'), 'i420'),
    **dict.fromkeys(('yvu420', 'yvu420p'), 'yv12'),
    **dict.fromkeys(('i422', 'yu16'), 'yuv422p'),
    **dict.fromkeys(('i444', 'yu24'), 'yuv444p'),
}
# Compressed pictures, which a raw message must not hold.
PACKED = ('jpeg', 'jpg', 'mjpeg', 'mjpg', 'png', 'h264', 'h265', 'hevc')


_TABLE = _layouts()
_LAYOUTS = {**_TABLE, **{alias: _TABLE[name] for alias, name in _ALIASES.items()}}
_LOWER = {name.lower(): layout for name, layout in _LAYOUTS.items()}
# The names of ROS, OpenCV and PFNC; other spellings are read too.
ENCODINGS = (
    *(*_TABLE, *PLANAR, '8UC1', '8UC3', '8UC4', '16UC1', '16UC3', '16UC4', 'uyvy', 'yuyv'),
    *BIT_PACKED,
)
# For messages: of what differs in the mosaic or the bits alone, one.
LISTED = (
    *(name for name in ENCODINGS if name not in BIT_PACKED),
    *('mono10p', 'mono12p', 'mono12packed', 'bayer_rggb12p and the like'),
)


def plain_name(encoding: str) -> str:
    """Return an encoding in small letters, without what pads the field in some drivers."""
    return encoding.strip(' \t\r\n\0').lower()


def layout_of(encoding: str) -> Layout | None:
    """Return the layout that a message's encoding names, in any spelling; None if none is."""
    return _LAYOUTS.get(encoding) or _LOWER.get(plain_name(encoding))


def planes_of(encoding: str) -> Planes | None:
    """Return the planes that a message's encoding names, in any spelling; None if none is."""
    name = plain_name(encoding)
    return PLANAR.get(_PLANAR_ALIASES.get(name, name))


def bit_packing_of(encoding: str) -> BitPacking | None:
    """Return how an encoding packs 10 or 12 bits, in any spelling; None if it does not."""
    name = plain_name(encoding)
    return BIT_PACKED.get(_GENICAM_BAYER.sub(_ros_bayer, name))


def _ros_bayer(name: re.Match[str]) -> str:
    return f'bayer_{_MOSAICS[name[1]]}'


def luma_rows(height: int, rows: int) -> int:
    """
    Return after how many rows of luma those of chroma begin: codecs pad pictures to whole blocks.

    Parameters
    ----------
    height : int
        Of the picture, px.
    rows : int
        How many rows there are in all.

    """
    candidates = [rows - height // 2]
    if rows % 3 == 0:
        candidates.append(rows // 3 * 2)
    fitting = [n for n in candidates if height < n < height + _MOST_PADDING and n % _BLOCK == 0]
    # Of two candidates, the multiple of the higher power of two, because memory is allocated in
    # blocks.
    return max(fitting, key=lambda n: n & -n, default=height)
