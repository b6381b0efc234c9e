"""Images: every encoding decodes to the picture it was made of, and broken ones say why."""

from array import array
from contextlib import suppress
import sys
import tracemalloc
import types

import cv2
from hypothesis import given, settings, strategies as st
from image_messages import H, message, W
import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from unihpe_ros.ros.bit_packed_images import BIT_PACKED
from unihpe_ros.ros.image_encodings import ENCODINGS
from unihpe_ros.ros.images import decode_image, DecodeError, encode_image, make_decoder
from unihpe_ros.ros.planar_images import PLANAR

# Bytes of a pixel, by how the encoding's name begins.
CHANNELS = {
    **dict.fromkeys(('bgra', 'rgba', '8UC4'), 4),
    **dict.fromkeys(('bgr', 'rgb', '8UC3', '16UC3'), 3),
    **dict.fromkeys(('yuv422', 'uyvy', 'yuyv', 'yvyu', 'rgb565'), 2),
    **dict.fromkeys(('mono', '8UC1', '16UC1', 'bayer', 'nv'), 1),
}


# Of a byte for each value, in one plane or as OpenCV reads two.
BYTES = [
    name
    for name in ENCODINGS
    if name not in (*PLANAR, *BIT_PACKED) and '16' not in name and 'FC' not in name
]


@pytest.mark.parametrize('encoding', BYTES)
def test_bytes_are_read_where_they_are(encoding):
    large = 40 * H, 40 * W
    rows = int(large[0] * (1.5 if encoding.startswith('nv') else 1))
    step = next(
        channels * large[1] for start, channels in CHANNELS.items() if encoding.startswith(start)
    )
    data = np.zeros((rows, step + 5), np.uint8)
    msg = message(data, encoding, size=large[::-1])
    tracemalloc.start()
    try:
        decoded = decode_image(msg)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    made = 0 if encoding in ('bgr8', '8UC3') else decoded.nbytes
    assert decoded.shape == (*large, 3)
    assert made <= peak < made + 100_000


@pytest.mark.parametrize(
    ('padding', 'big', 'copied'),
    [(0, False, False), (2, False, False), (1, False, True), (0, True, True)],
)
def test_words_are_copied_only_to_swap_or_to_align_them(padding, big, copied, monkeypatch):
    scale, seen = cv2.convertScaleAbs, []

    def scaled(pixels, **options):
        seen.append(pixels)
        return scale(pixels, **options)

    monkeypatch.setattr(cv2, 'convertScaleAbs', scaled)
    rows = np.zeros((H, 2 * W + padding), np.uint8)
    msg = message(rows, 'mono16', big=big)
    decode_image(msg)
    assert np.shares_memory(seen[0], np.frombuffer(msg.data, np.uint8)) is not copied


def test_bgr8_is_not_copied(picture):
    msg = message(picture, 'bgr8')
    assert np.shares_memory(decode_image(msg), np.frombuffer(msg.data, np.uint8))
    wide = np.concatenate([picture, picture], 1)
    padded = message(wide, 'bgr8')
    assert np.shares_memory(decode_image(padded), np.frombuffer(padded.data, np.uint8))
    np.testing.assert_array_equal(decode_image(padded), picture)


def test_a_step_of_zero_means_no_padding(picture):
    np.testing.assert_array_equal(decode_image(message(picture, 'bgr8', step=0)), picture)


def test_the_last_row_need_not_be_padded(picture):
    wide = np.concatenate([picture, picture], 1)
    msg = message(wide, 'bgr8')
    msg.data = msg.data[: -3 * W]
    np.testing.assert_array_equal(decode_image(msg), picture)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'encoding': 'bgr9'}, r"encoding: expected one of bgr8, .*; got 'bgr9'"),
        (
            {'encoding': '32FC1'},
            "got '32FC1', which holds distances: it belongs on depth_image; if",
        ),
        ({'encoding': '8UC2'}, "expected one of bgr8, .*; got '8UC2'"),
        ({'encoding': '16SC1'}, "expected one of bgr8, .*; got '16SC1'"),
        ({'encoding': 'RGB10p'}, "expected one of bgr8, .*; got 'RGB10p'"),
        ({'encoding': 'Mono12p', 'width': 63}, 'expected multiples of 2x1'),
        ({'encoding': 'mono10p', 'width': 62}, 'expected multiples of 4x1'),
        ({'encoding': 'mono10p', 'step': 79}, 'expected a step of at least 80 bytes'),
        ({'encoding': 'mono12p', 'data': array('B', bytes(95))}, 'expected at least'),
        (
            {'data': array('B')},
            rf'bgr8 image of 64x48: expected at least {3 * W * H} bytes, got 0',
        ),
        ({'data': array('B', bytes(100))}, 'bytes, got 100'),
        ({'width': 0}, '0x48: expected a positive size'),
        ({'height': 0}, '64x0: expected a positive size'),
        ({'width': 2**31, 'height': 2**31, 'step': 0}, 'expected at most 32767 px a side'),
        ({'width': 30000, 'height': 30000, 'step': 0}, 'px in all'),
        ({'step': 17}, 'expected a step of at least 192 bytes, got 17'),
        ({'encoding': 'nv12', 'height': 47}, 'nv12 image of 64x47: expected multiples of 2x2'),
        ({'encoding': 'yuv422', 'width': 63}, 'expected multiples of 2x1'),
    ],
)
def test_bad_images_say_what_is_wrong(picture, change, words):
    msg = message(picture, 'bgr8')
    for name, value in change.items():
        setattr(msg, name, value)
    with pytest.raises(DecodeError, match=words):
        decode_image(msg)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(ENCODINGS),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 60),
    st.binary(max_size=700),
    st.booleans(),
)
def test_any_message_decodes_or_raises_a_decode_error(encoding, width, height, step, data, big):
    msg = Image(width=width, height=height, step=step, encoding=encoding, is_bigendian=big)
    msg.data = array('B', data)
    with suppress(DecodeError):
        assert decode_image(msg).shape == (height, width, 3)


def test_encode_and_decode_are_inverse(picture):
    header = Header(frame_id='camera')
    msg = encode_image(picture, header)
    assert msg.header is header
    np.testing.assert_array_equal(decode_image(msg), picture)


def test_auto_names_both_reasons_without_cv_bridge(picture, monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    with pytest.raises(DecodeError, match=r'expected one of .*; cv_bridge can not be imported'):
        make_decoder('auto')(message(picture, '16SC3'))
    with pytest.raises(DecodeError, match='cv_bridge can not be imported'):
        make_decoder('cv_bridge')
    assert make_decoder('builtin') is decode_image


def test_auto_asks_cv_bridge_for_what_we_lack(picture, monkeypatch):
    class CvBridgeError(TypeError):
        pass

    class CvBridge:
        def imgmsg_to_cv2(self, msg, encoding):
            assert encoding == 'bgr8'
            if msg.encoding == 'nonsense':
                raise CvBridgeError('no such encoding')
            return picture

    module = types.SimpleNamespace(CvBridge=CvBridge, CvBridgeError=CvBridgeError)
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)
    decode = make_decoder('auto')
    assert decode(message(picture, '16SC3')) is picture
    assert decode(message(picture, 'bgr8')) is not picture
    with pytest.raises(DecodeError, match='no such encoding'):
        decode(message(picture, 'nonsense'))
