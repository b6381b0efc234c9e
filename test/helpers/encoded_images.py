"""A picture in each encoding of raw images, written independently of the decoder."""

from __future__ import annotations

import re

import cv2
from image_messages import H, MOSAICS, W
import numpy as np
from unihpe_ros.ros.planar_images import PLANAR, Planes


def mosaic(picture: np.ndarray, pattern: str) -> np.ndarray:
    rgb = picture[..., ::-1]
    plane = np.empty((H, W), picture.dtype)
    for row in range(2):
        for column in range(2):
            channel = MOSAICS[pattern][row][column]
            plane[row::2, column::2] = rgb[row::2, column::2, channel]
    return plane


def packed(picture: np.ndarray, luma_first: bool) -> np.ndarray:
    """YUV 4:2:2 in one plane, two bytes a pixel, in OpenCV's own conversion (BT.601 video)."""
    planar = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    luma = planar[:H]
    u, v = planar[H:].reshape(2, H // 2, W // 2).repeat(2, 1)
    out = np.empty((H, W, 2), np.uint8)
    out[..., 0 if luma_first else 1] = luma
    out[:, 0::2, 1 if luma_first else 0] = u
    out[:, 1::2, 1 if luma_first else 0] = v
    return out


def swapped_chroma(yuyv: np.ndarray) -> np.ndarray:
    out = yuyv.copy()
    out[:, 0::2, 1], out[:, 1::2, 1] = yuyv[:, 1::2, 1], yuyv[:, 0::2, 1]
    return out


def biplanar(picture: np.ndarray, v_first: bool) -> np.ndarray:
    planar = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    u, v = planar[H:].reshape(2, H // 2, W // 2)
    chroma = np.stack([v, u] if v_first else [u, v], -1).reshape(H // 2, W)
    return np.concatenate([planar[:H], chroma])


def planar(picture: np.ndarray, planes: Planes) -> np.ndarray:
    """YUV in planes, as rows of the width of luma; chroma is that of OpenCV's I420."""
    i420 = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    chroma = [
        plane.repeat(2 // planes.down, 0).repeat(2 // planes.across, 1)
        for plane in i420[H:].reshape(2, H // 2, W // 2)
    ]
    first, second = reversed(chroma) if planes.is_v_first else chroma
    rest = np.stack([first, second], -1 if planes.is_interleaved else 0)
    return np.concatenate([i420[:H], rest.reshape(-1, W)])


def sixteen_bits(picture: np.ndarray) -> np.ndarray:
    b, g, r = np.moveaxis(picture.astype(np.uint16), -1, 0)
    words = (r >> 3 << 11) | (g >> 2 << 5) | (b >> 3)
    return words.astype('<u2').view(np.uint8).reshape(H, W, 2)


BITS = re.compile('(.*?)(10|12)(p|packed)')


def packed_bits(grey: np.ndarray, bits: int, is_gige: bool) -> np.ndarray:
    """Pack the highest bits of a picture: as one long number, or pair by pair."""
    values = grey.astype(int) * 257 >> (16 - bits)
    rows = []
    for row in values.tolist():
        if is_gige:
            low, mask = bits - 8, (1 << (bits - 8)) - 1
            pairs = zip(row[::2], row[1::2], strict=True)
            rows.append(
                b''.join(bytes((a >> low, a & mask | (b & mask) << 4, b >> low)) for a, b in pairs)
            )
        else:
            number = sum(value << bits * place for place, value in enumerate(row))
            rows.append(number.to_bytes(len(row) * bits // 8, 'little'))
    return np.array([list(row) for row in rows], np.uint8)


def encoded(picture: np.ndarray, encoding: str) -> np.ndarray:
    """Write the picture in an encoding, independently of the decoder where it can be."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    alpha = np.full((H, W, 1), 7, np.uint8)
    rgb = picture[..., ::-1]
    eight = {
        'bgr8': picture,
        '8UC3': picture,
        'rgb8': rgb,
        'bgra8': np.concatenate([picture, alpha], -1),
        '8UC4': np.concatenate([picture, alpha], -1),
        'rgba8': np.concatenate([rgb, alpha], -1),
        'mono8': grey,
        '8UC1': grey,
        'yuv422': packed(picture, luma_first=False),
        'uyvy': packed(picture, luma_first=False),
        'yuv422_yuy2': packed(picture, luma_first=True),
        'yuyv': packed(picture, luma_first=True),
        'yvyu': swapped_chroma(packed(picture, luma_first=True)),
        'nv12': biplanar(picture, v_first=False),
        'nv21': biplanar(picture, v_first=True),
        'rgb565': sixteen_bits(picture),
        **{f'bayer_{name}8': mosaic(picture, name) for name in MOSAICS},
        **{name: planar(picture, planes) for name, planes in PLANAR.items()},
    }
    if encoding in eight:
        return eight[encoding]
    if 'FC' in encoding:
        channels = {'1': '8UC1', '3': '8UC3', '4': '8UC4'}[encoding[-1]]
        return (eight[channels] / 255).astype(f'<f{int(encoding[:2]) // 8}')
    if found := BITS.fullmatch(encoding):
        return packed_bits(eight[f'{found[1]}8'], int(found[2]), found[3] == 'packed')
    return eight[encoding.replace('16', '8')].astype('<u2') * 257
