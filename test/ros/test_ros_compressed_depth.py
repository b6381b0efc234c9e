"""compressedDepth: PNG and RVL give the metres back that the transport was given."""

from array import array
from contextlib import suppress
import struct
import tracemalloc

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from unihpe_ros.ros.depth import decode_depth
from unihpe_ros.ros.images import DecodeError

HEADER = struct.pack('<iff', 0, 0.0, 0.0)


@pytest.fixture
def millimetres(rng) -> np.ndarray:
    """Slopes, holes and steps."""
    y, x = np.mgrid[:48, :64]
    depth = (1000 + 7 * x + 3 * y + rng.integers(0, 5, (48, 64))).astype(np.uint16)
    depth[10:20, 5:30] = 0
    depth[:2] = 0
    depth[-1, -9:] = 0
    depth[30:, 40:] = 60000
    return depth


def message(data: bytes, name: str) -> CompressedImage:
    return CompressedImage(format=name, data=array('B', data))


def png(depth: np.ndarray) -> bytes:
    return cv2.imencode('.png', depth)[1].tobytes()


def rvl(depth: np.ndarray) -> bytes:
    """Pack depth as the transport does, number by number."""
    nibbles: list[int] = []

    def write(value: int) -> None:
        while True:
            nibbles.append((value & 7) | (8 if value > 7 else 0))
            value >>= 3
            if not value:
                return

    flat, at, last = depth.ravel().astype(int), 0, 0
    while at < len(flat):
        zeros = at
        while at < len(flat) and not flat[at]:
            at += 1
        first = at
        while at < len(flat) and flat[at]:
            at += 1
        write(first - zeros)
        write(at - first)
        for value in flat[first:at]:
            step = int(value) - last
            write((step << 1) ^ (step >> 31))
            last = int(value)
    nibbles += [0] * (-len(nibbles) % 8)
    text = ''.join(f'{nibble:x}' for nibble in nibbles)
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    height, width = depth.shape
    return struct.pack(f'<II{len(words)}I', width, height, *words)


@pytest.mark.parametrize('name', ['16UC1; compressedDepth png', '16UC1; compressedDepth'])
def test_png_behind_the_header_of_the_transport(millimetres, name):
    depth = decode_depth(message(HEADER + png(millimetres), name))
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, millimetres / 1000, atol=1e-5)


def test_png_without_a_header(millimetres):
    depth = decode_depth(message(png(millimetres), '16UC1; png compressed '))
    np.testing.assert_allclose(depth, millimetres / 1000, atol=1e-5)


def test_rvl(millimetres):
    depth = decode_depth(message(HEADER + rvl(millimetres), '16UC1; compressedDepth rvl'))
    np.testing.assert_allclose(depth, millimetres / 1000, atol=1e-5)


@pytest.mark.parametrize('pack', [png, rvl])
def test_inverse_depth_of_32fc1(pack):
    metres = np.linspace(0.5, 9.0, 48 * 64).reshape(48, 64)
    a, b = 100 * 101.0, 1 - 101.0 / 10.0
    packed = np.round(a / metres + b).astype(np.uint16)
    packed[:3] = 0
    header = struct.pack('<iff', 1, a, b)
    depth = decode_depth(message(header + pack(packed), '32FC1; compressedDepth png'))
    assert np.isnan(depth[:3]).all()
    np.testing.assert_allclose(depth[3:], metres[3:], rtol=2e-3)


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        (b'', 'expected a header and data, got 0 bytes'),
        (HEADER, 'expected a header and data, got 12 bytes'),
        (
            HEADER + png(np.zeros((4, 4), np.uint8)),
            'expected one channel of 16 bits, got .* uint8',
        ),
        (HEADER + struct.pack('<II', 2**31, 2) + bytes(90), 'expected PNG or RVL; got bytes that'),
        (HEADER + b'\xff\xd8\xff\xe0' + bytes(90), 'expected PNG or RVL; got bytes that begin'),
        (HEADER + struct.pack('<II', 9000, 9000) + bytes(90), 'at most 16777216 px in all'),
        (HEADER + struct.pack('<II', 64, 48) + bytes(90), 'broken at px 0'),
        (HEADER + struct.pack('<II', 64, 48) + b'\xff' * 90, 'the data end after 0 px'),
    ],
)
def test_what_is_no_depth_is_named(data, words):
    with pytest.raises(DecodeError, match=words):
        decode_depth(message(data, '16UC1; compressedDepth rvl'))


def test_any_damage_decodes_or_says_why_not(millimetres, rng):
    """2,000 messages; what is allocated stays near the size of the picture."""
    names = ('16UC1; compressedDepth png', '32FC1; compressedDepth rvl', '', '16UC1; png')
    packed = [HEADER + pack(millimetres) for pack in (png, rvl)]
    tracemalloc.start()
    for number in range(2000):
        data = np.frombuffer(packed[number % 2], np.uint8).copy()
        data = data[: rng.integers(0, len(data) + 1)]
        if len(data):
            hits = rng.integers(0, len(data), rng.integers(0, 8))
            # Many where the header and the size are.
            hits[: len(hits) // 2] %= 24
            data[hits % len(data)] = rng.integers(0, 256, len(hits))
        with suppress(DecodeError):
            assert decode_depth(message(data.tobytes(), names[number % 4])).ndim == 2
    assert tracemalloc.get_traced_memory()[1] < 2**28
    tracemalloc.stop()
