"""
Ten thousand corrupted images: each becomes poses or a DecodeError, in little time and memory.

Sound messages of every kind are damaged the way that radio links, drivers and bugs damage them.
"""

from array import array
import resource
import sys
import time

import cv2
from hypothesis import given, settings, strategies as st
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from unihpe_ros.ros.compressed import decode_compressed
from unihpe_ros.ros.image_encodings import ENCODINGS
from unihpe_ros.ros.images import BgrImage, decode_image, DecodeError, MAX_PIXELS

# Together 10,000; what a damaged header may claim of a picture is bounded by the message's size.
RAW, PACKED = 7000, 3000
W, H = 24, 16
UNSIGNED = st.integers(0, 2**32 - 1)
ABSURD = st.sampled_from([0, 1, 7, W - 1, H + 1, 32767, 32768, 65535, 2**31 - 1, 2**32 - 1])
SIZES = ABSURD | UNSIGNED
flips = st.lists(st.tuples(st.integers(0, 2**16), st.integers(1, 255)), max_size=24)


@pytest.fixture(scope='module')
def packed() -> list[bytes]:
    """Return a picture as JPEG (baseline, progressive, grey) and PNG (8 and 16 bits, grey)."""
    y, x = np.mgrid[:H, :W]
    picture = np.stack([5 * x, 7 * y, 3 * (x + y)], -1).astype(np.uint8)
    made = [
        cv2.imencode('.jpg', picture),
        cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        cv2.imencode('.jpg', picture[..., 0]),
        cv2.imencode('.png', picture),
        cv2.imencode('.png', picture.astype(np.uint16) * 257),
        cv2.imencode('.png', picture[..., 0]),
    ]
    return [data.tobytes() for _, data in made]


def flip(data: bytes, changes: list[tuple[int, int]]) -> array:
    damaged = bytearray(data)
    for place, bits in changes:
        if damaged:
            damaged[place % len(damaged)] ^= bits
    return array('B', bytes(damaged))


def memory() -> int:
    """Return the most memory that this process ever had, bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == 'darwin' else most * 1024


class Checked:
    """Decodes messages and watches what comes of it."""

    def __init__(self) -> None:
        self.good = self.bad = 0
        self.slowest = 0.0
        self.longest = 0

    def check_costs(self, memory_before: int) -> None:
        """Check that there was enough of both kinds, at little cost in time, words and memory."""
        assert self.good > 50
        assert self.bad > 1000
        assert self.slowest < 1.0
        assert self.longest < 1000
        # Hypothesis takes half of it.
        assert memory() - memory_before < 256 << 20

    def __call__(self, decode, msg: Image | CompressedImage) -> None:
        began = time.thread_time()
        try:
            picture: BgrImage = decode(msg)
        except DecodeError as error:
            self.bad += 1
            self.longest = max(self.longest, len(str(error)))
        else:
            self.good += 1
            assert picture.dtype == np.uint8
            assert picture.ndim == 3
            assert picture.shape[2] == 3
            assert picture.shape[0] * picture.shape[1] <= MAX_PIXELS
        self.slowest = max(self.slowest, time.thread_time() - began)


def test_raw_images_of_any_damage(packed):
    checked, before = Checked(), memory()

    @settings(max_examples=RAW, database=None)
    @given(
        encoding=st.sampled_from(ENCODINGS) | st.text(max_size=8),
        size=st.tuples(st.just(W) | SIZES, st.just(H) | SIZES),
        step=st.just(3 * W) | SIZES,
        length=st.just(6 * W * H) | st.integers(0, 6 * W * H),
        changes=flips,
        big=st.booleans(),
    )
    def damage(encoding, size, step, length, changes, big):
        data = flip(bytes(length), changes)
        msg = Image(encoding=encoding, is_bigendian=big, step=step, data=data)
        msg.width, msg.height = size
        checked(decode_image, msg)

    damage()
    checked.check_costs(before)


def test_compressed_images_of_any_damage(packed):
    checked, before = Checked(), memory()

    @settings(max_examples=PACKED, database=None)
    @given(
        data=st.sampled_from(packed),
        share=st.just(1.0) | st.floats(0, 1),
        changes=flips,
        # Where both headers have their sizes.
        header=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 255)), max_size=4),
        tail=st.binary(max_size=16),
        format_=st.sampled_from(['jpeg', 'png', '', 'compressedDepth']) | st.text(max_size=8),
    )
    def damage(data, share, changes, header, tail, format_):
        part = data[: round(share * len(data))] + tail
        msg = CompressedImage(format=format_, data=flip(flip(part, changes).tobytes(), header))
        checked(decode_compressed, msg)

    damage()
    checked.check_costs(before)


@pytest.mark.parametrize('kind', range(6))
@pytest.mark.parametrize('size', [(11000, 11000), (32000, 4000)])
def test_a_size_that_the_data_cannot_hold_is_not_allocated(packed, kind, size):
    data = bytearray(packed[kind])
    width, height = size
    if data.startswith(b'\x89PNG'):
        data[16:24] = width.to_bytes(4, 'big') + height.to_bytes(4, 'big')
    else:
        frame = max(data.find(b'\xff\xc0'), data.find(b'\xff\xc2'))
        data[frame + 5 : frame + 9] = height.to_bytes(2, 'big') + width.to_bytes(2, 'big')
    before = memory()
    with pytest.raises(DecodeError, match=rf'of {width}x{height}: expected at least \d+ bytes'):
        decode_compressed(CompressedImage(data=array('B', bytes(data))))
    assert memory() - before < 32 << 20


@pytest.mark.parametrize(('place', 'value'), [(24, 0), (24, 3), (25, 1), (25, 7)])
def test_a_png_of_no_known_kind_is_not_allocated(packed, place, value):
    data = bytearray(packed[3])
    data[16:24] = (11000).to_bytes(4, 'big') * 2
    data[place] = value
    before = memory()
    with pytest.raises(DecodeError, match='expected a header with the size'):
        decode_compressed(CompressedImage(data=array('B', bytes(data))))
    assert memory() - before < 32 << 20


@pytest.mark.parametrize('length', [100_000, 0x20000000, 0xFFFFFFFF])
def test_a_png_chunk_that_claims_more_than_there_is_is_not_allocated(packed, length):
    data = bytearray(packed[3])
    chunk = data.index(b'IDAT') - 4
    data[chunk : chunk + 4] = length.to_bytes(4, 'big')
    before = memory()
    with pytest.raises(DecodeError, match=f'a chunk of {length} bytes at {chunk}'):
        decode_compressed(CompressedImage(data=array('B', bytes(data))))
    assert memory() - before < 32 << 20


def test_a_jpeg_cannot_hide_its_size_behind_a_marker_without_length(packed):
    data = packed[0]
    # Read as a segment, it would end beyond the header, which a decoder finds.
    frame = bytearray(data[data.find(b'\xff\xc0') :])
    frame[5:9] = (11000).to_bytes(2, 'big') * 2
    hidden = data[:2] + b'\xff\xd0' + bytes(frame)
    with pytest.raises(DecodeError, match='of 11000x11000: expected at least'):
        decode_compressed(CompressedImage(data=array('B', hidden)))


@pytest.mark.parametrize('extension', ['.jpg', '.png'])
def test_the_emptiest_large_picture_is_still_read(extension):
    blank = np.zeros((2048, 4096, 3), np.uint8)
    settings_ = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, data = cv2.imencode(extension, blank, settings_ if extension == '.jpg' else [])
    msg = CompressedImage(data=array('B', data.tobytes()))
    assert not decode_compressed(msg).any()


def test_undamaged_they_are_all_read(packed):
    for data in packed:
        assert decode_compressed(CompressedImage(data=array('B', data))).shape == (H, W, 3)
