"""Images: every encoding decodes to the picture it was made of, and broken ones say why."""

from array import array
from collections.abc import Sequence
from contextlib import suppress
import sys
import tracemalloc
import types

import cv2
from hypothesis import given, settings, strategies as st
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from unihpe_ros.core.intensity import IntensityRange
from unihpe_ros.ros.compressed import CompressedPicture, decode_compressed
from unihpe_ros.ros.images import decode_image, DecodeError, encode_image, ENCODINGS, make_decoder
from unihpe_ros.ros.planar_images import PLANAR, Planes

H, W = 48, 64
# Where a Bayer mosaic has which channel of RGB: rows and columns from the corner.
MOSAICS = {
    'rggb': ((0, 1), (1, 2)),
    'bggr': ((2, 1), (1, 0)),
    'gbrg': ((1, 2), (0, 1)),
    'grbg': ((1, 0), (2, 1)),
}

# Bytes of a pixel, by how the encoding's name begins.
CHANNELS = {
    **dict.fromkeys(('bgra', 'rgba', '8UC4'), 4),
    **dict.fromkeys(('bgr', 'rgb', '8UC3', '16UC3'), 3),
    **dict.fromkeys(('yuv422', 'uyvy', 'yuyv', 'yvyu', 'rgb565'), 2),
    **dict.fromkeys(('mono', '8UC1', '16UC1', 'bayer', 'nv'), 1),
}


@pytest.fixture
def picture() -> np.ndarray:
    """Smooth colours, so that subsampled chroma and mosaics lose little."""
    y, x = np.mgrid[:H, :W]
    return np.stack([2 * x + 60, 3 * y + 40, x + 2 * y + 20], -1).astype(np.uint8)


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
    return eight[encoding.replace('16', '8')].astype('<u2') * 257


@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('padding', [0, 7])
def test_every_encoding_gives_the_picture_back(picture, encoding, padding):
    data = encoded(picture, encoding)
    rows = data.reshape(data.shape[0], -1).view(np.uint8)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=199)
    if encoding in PLANAR:
        padded = pad_planes(data, PLANAR[encoding], 2 * padding)
    step = W + 2 * padding if encoding in PLANAR else None
    decoded = decode_image(message(padded, encoding, step=step))
    expected = picture
    if encoding in ('mono8', 'mono16', '8UC1', '16UC1'):
        expected = np.repeat(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None], 3, -1)
    assert decoded.shape == (H, W, 3)
    assert decoded.dtype == np.uint8
    lossy = encoding.startswith(('bayer', 'yuv', 'uyvy', 'yuyv', 'yvyu', 'nv', 'i4', 'yv'))
    inner = np.s_[2:-2, 2:-2]  # A mosaic has no neighbours at the border.
    error = np.abs(decoded[inner].astype(int) - expected[inner])
    assert error.max() <= (7 if encoding == 'rgb565' else 4 if lossy else 0)


def pad_planes(data: np.ndarray, planes: Planes, padding: int) -> np.ndarray:
    """Pad the rows of all planes, those of chroma in proportion, as one column of bytes."""
    shape, share = (H, W), 2 / planes.across if planes.is_interleaved else 1 / planes.across
    luma = np.pad(data[:H], ((0, 0), (0, padding)), constant_values=199)
    rows = data[H:].reshape(-1, int(shape[1] * share))
    chroma = np.pad(rows, ((0, 0), (0, int(padding * share))), constant_values=99)
    return np.concatenate([luma.ravel(), chroma.ravel()])[:, None]


@pytest.mark.parametrize(
    ('name', 'same'),
    [('YUV420P', 'i420'), ('IYUV', 'i420'), ('YV12', 'yv12'), ('I422', 'yuv422p'),
     ('NV24', 'nv24'), (' yu24 ', 'yuv444p')],
)  # fmt: skip
def test_other_names_of_planar_encodings_are_known(picture, name, same):
    data = encoded(picture, same)
    expected = decode_image(message(data, same))
    np.testing.assert_array_equal(decode_image(message(data, name)), expected)
    # The bytes of a row of all planes, as libcamera says it.
    step = round(W * PLANAR[same].rows)
    np.testing.assert_array_equal(decode_image(message(data, same, step=step)), expected)


@pytest.mark.parametrize('encoding', PLANAR)
@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'data': array('B', bytes(W * H))}, 'expected at least'),
        ({'step': W // 2, 'data': array('B', bytes(8 * W * H))}, 'expected a step of at least 64'),
        ({'width': W + 1}, 'expected multiples of 2x'),
        ({'width': 0}, 'expected a positive size'),
        ({'width': 2**31}, 'expected at most'),
    ],
)
def test_planar_images_that_are_not_whole_say_why(picture, encoding, change, words):
    msg = message(encoded(picture, encoding), encoding, step=W)
    for name, value in change.items():
        setattr(msg, name, value)
    with pytest.raises(DecodeError, match=words):
        decode_image(msg)


@pytest.mark.parametrize(
    ('name', 'extension'),
    [
        ('jpeg', '.png'),
        ('png', '.jpg'),
        ('bgr8; png compressed bgr8', '.jpg'),
        ('', '.webp'),
        ('h264', '.jpg'),
        ('rgb8;jpeg compressed', '.bmp'),
    ],
)
def test_bytes_and_not_the_format_field_say_what_a_compressed_picture_is(picture, name, extension):
    data = cv2.imencode(extension, picture)[1].tobytes()
    # Buffers of MJPEG cameras are padded with zeros.
    message = CompressedImage(format=name, data=array('B', data + bytes(64)))
    assert decode_compressed(message).shape == picture.shape


@pytest.mark.parametrize('encoding', ['jpeg', 'MJPEG', 'png'])
def test_packed_pictures_in_a_raw_message_are_sent_to_the_other_topic(encoding):
    with pytest.raises(DecodeError, match='on image/compressed, with image_transport'):
        make_decoder('auto')(message(np.zeros((1, 900), np.uint8), encoding), None)


@pytest.mark.parametrize(
    'encoding', [name for name in ENCODINGS if name.endswith('16') and name not in PLANAR]
)
def test_big_endian_words_are_swapped(picture, encoding):
    data = encoded(picture, encoding)
    # Two bytes that differ, so that a wrong order shows.
    data = (data & 0xFF00) | 0x11
    swapped = message(data.astype('>u2').view(np.uint8).reshape(H, -1), encoding, big=True)
    straight = message(data.view(np.uint8).reshape(H, -1), encoding)
    np.testing.assert_array_equal(decode_image(swapped), decode_image(straight))


def rgb_of(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return RGB by the formula of BT.601 for video's range."""
    luma, u, v = 1.164 * (y.astype(float) - 16), u.astype(float) - 128, v.astype(float) - 128
    rgb = np.stack([luma + 1.596 * v, luma - 0.813 * v - 0.392 * u, luma + 2.017 * u], -1)
    return rgb.clip(0, 255)


@pytest.mark.parametrize('encoding', ['yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv', 'nv12', 'nv21'])
def test_chroma_is_where_the_format_says(encoding, rng):
    luma = rng.integers(16, 236, (H, W), dtype=np.uint8)
    rows = H // 2 if encoding.startswith('nv') else H
    u, v = rng.integers(16, 241, (2, rows, W // 2), dtype=np.uint8)
    if encoding.startswith('nv'):
        pair = (u, v) if encoding == 'nv12' else (v, u)
        data = np.concatenate([luma, np.stack(pair, -1).reshape(rows, W)])
    else:
        data = np.empty((H, W, 2), np.uint8)
        first = 0 if encoding in ('yuv422_yuy2', 'yuyv') else 1
        data[..., first], data[:, 0::2, 1 - first], data[:, 1::2, 1 - first] = luma, u, v
    wide = [plane.repeat(H // rows, 0).repeat(2, 1) for plane in (u, v)]
    expected = rgb_of(luma, *wide)[..., ::-1]
    decoded = decode_image(message(data, encoding))
    assert np.abs(decoded - expected).max() <= 2


@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize('padding', [0, 7])
def test_mono16_is_scaled_to_eight_bits(big, padding, rng):
    values = rng.integers(0, 65536, (H, W), dtype=np.uint16)
    rows = values.astype('>u2' if big else '<u2').view(np.uint8).reshape(H, -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    decoded = decode_image(message(padded, 'mono16', big=big))
    expected = np.rint(values / 257).astype(np.uint8)
    np.testing.assert_array_equal(decoded, np.repeat(expected[..., None], 3, -1))


@pytest.mark.parametrize(
    'encoding', [f'bayer_{name}{bits}' for name in MOSAICS for bits in (8, 16)]
)
def test_a_pixel_of_a_mosaic_keeps_its_colour(encoding, rng):
    bits = np.uint16 if encoding.endswith('16') else np.uint8
    plane = rng.integers(0, np.iinfo(bits).max + 1, (H, W), dtype=bits)
    eight = plane if bits is np.uint8 else np.rint(plane / 257).astype(np.uint8)
    decoded = decode_image(message(plane, encoding))[..., ::-1]
    inner = np.zeros((H, W), bool)
    inner[2:-2, 2:-2] = True
    for row, channels in enumerate(MOSAICS[encoding[6:10]]):
        for column, channel in enumerate(channels):
            chosen = np.zeros((H, W), bool)
            chosen[row::2, column::2] = True
            chosen &= inner
            # What is measured at a pixel is not interpolated.
            np.testing.assert_array_equal(decoded[chosen][:, channel], eight[chosen])


@pytest.mark.parametrize(
    'encoding', [name for name in ENCODINGS if '16' not in name and name not in PLANAR]
)
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
        ({'encoding': '32FC1'}, "got '32FC1', which holds distances: it belongs on depth_image"),
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


def compressed(
    picture: np.ndarray, extension: str, format_: str, options: Sequence[int] = ()
) -> CompressedImage:
    _, data = cv2.imencode(extension, picture, options)
    return CompressedImage(format=format_, data=array('B', data.tobytes()))


@pytest.mark.parametrize('format_', ['jpeg', 'bgr8; jpeg compressed bgr8', 'png', ''])
def test_jpeg_is_known_by_its_bytes(picture, format_):
    decoded = decode_compressed(compressed(picture, '.jpg', format_))
    assert np.abs(decoded.astype(int) - picture).mean() < 3


@pytest.mark.parametrize('depth', [np.uint8, np.uint16])
def test_png_is_exact(picture, depth):
    data = picture if depth == np.uint8 else picture.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_compressed(compressed(data, '.png', 'jpeg')), picture)


def test_rotation_by_exif_is_ignored(picture):
    plain = compressed(picture, '.jpg', 'jpeg')
    # An APP1 segment that holds one tag: orientation 6, a quarter turn.
    tiff = b'MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00'
    exif = b'Exif\x00\x00' + tiff + b'\x00\x00\x00\x00'
    segment = b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif
    turned = array('B', bytes(plain.data[:2]) + segment + bytes(plain.data[2:]))
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape == (W, H, 3)
    decoded = decode_compressed(CompressedImage(format='jpeg', data=turned))
    np.testing.assert_array_equal(decoded, decode_compressed(plain))


@pytest.mark.parametrize('size', [(640, 480), (641, 483)])
@pytest.mark.parametrize('reduction', [1, 2, 4, 8])
@pytest.mark.parametrize('sampling', [0x111111, 0x221111], ids=['444', '420'])
def test_jpeg_reduced_while_it_is_decoded_is_the_mean_of_blocks(size, reduction, sampling):
    width, height = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    # Waves of 40 px and more, so that the mean of a block is well defined.
    waves = [np.sin(x / 7), np.cos(y / 9), np.sin((x + y) / 11)]
    picture = (128 + 90 * np.stack(waves, -1)).astype(np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    opened = CompressedPicture(compressed(picture, '.jpg', 'jpeg', options))
    assert (opened.size, opened.is_jpeg) == (size, True)
    decoded = opened.decode(reduction)
    assert decoded.shape == (-(-height // reduction), -(-width // reduction), 3)
    rows, columns = height // reduction, width // reduction
    blocks = picture[: rows * reduction, : columns * reduction].astype(float)
    means = blocks.reshape(rows, reduction, columns, reduction, 3).mean((1, 3))
    error = np.abs(decoded[:rows, :columns] - means)
    assert error.mean() < 2.5
    # Half a pixel's shift would be seen: the waves rise by up to 13 a pixel.
    shifted = np.abs(decoded[:rows, 1:columns] - 0.5 * (means[:, 1:] + means[:, :-1]))
    assert error.mean() < 0.8 * shifted.mean() or reduction == 1


def test_png_is_never_reduced(picture):
    assert not CompressedPicture(compressed(picture, '.png', 'png')).is_jpeg


@pytest.mark.parametrize('scale', [1, 16])
@pytest.mark.parametrize('order', MOSAICS)
def test_a_mosaic_that_was_packed_as_it_is_gets_its_colours_back(picture, order, scale):
    mosaic = np.zeros((H, W), np.uint8 if scale == 1 else np.uint16)
    for row in (0, 1):
        for column in (0, 1):
            channel = 2 - MOSAICS[order][row][column]
            mosaic[row::2, column::2] = scale * picture[row::2, column::2, channel].astype(int)
    name = f'bayer_{order}{8 if scale == 1 else 16}; png compressed '
    limits = IntensityRange((0, 255.0 * scale))
    decoded = decode_compressed(compressed(mosaic, '.png', name), limits)
    assert np.abs(decoded[4:-4, 4:-4].astype(int) - picture[4:-4, 4:-4]).max() <= 6
    # Newer releases turn a mosaic into colours before they pack it.
    name = f'bayer_{order}8; png compressed bgr8'
    np.testing.assert_array_equal(decode_compressed(compressed(picture, '.png', name)), picture)


def test_a_mosaic_in_a_jpeg_is_not_reduced_before_it_has_its_colours(picture):
    msg = compressed(picture[..., 1].copy(), '.jpg', 'bayer_rggb8; jpeg compressed ')
    opened = CompressedPicture(msg)
    assert not opened.is_jpeg
    assert opened.decode().shape == (H, W, 3)


def test_compressed_depth_is_refused_by_name(picture):
    msg = compressed(picture, '.png', '16UC1; compressedDepth png')
    with pytest.raises(DecodeError, match=r'expected a colour picture, got .*compressedDepth'):
        decode_compressed(msg)


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        (b'', "'jpeg': expected a picture; the message is empty"),
        (bytes(12) + b'\xff\xd8\xff', 'expected JPEG, PNG, WebP'),
        (b'\0\0\0 ftypavif', 'expected JPEG, PNG, WebP'),
        (b'GIF89a' + bytes(30), 'PNM; got bytes that begin with .47 49 46'),
        (b'\xff\xd8\xff', 'JPEG of 3 bytes: expected a header with the size'),
        (b'\xff\xd8\xff\xe0\x00\x10' + bytes(40), 'expected a header with the size'),
        (b'\x89PNG\r\n\x1a\n\x00\x00', 'PNG of 10 bytes: expected a header with the size'),
    ],
)
def test_bytes_that_are_no_picture_are_refused(data, words):
    with pytest.raises(DecodeError, match=words):
        decode_compressed(CompressedImage(format='jpeg', data=array('B', data)))


@pytest.mark.parametrize('extension', ['.jpg', '.png'])
def test_a_truncated_picture_never_comes_out_as_nothing(picture, extension):
    whole = compressed(picture, extension, '')
    for length in range(0, len(whole.data), 97):
        part = CompressedImage(data=whole.data[:length])
        # Decoders differ on whether half a JPEG is a picture; none may return None or crash.
        with suppress(DecodeError):
            assert decode_compressed(part).shape == picture.shape


def test_a_picture_that_claims_to_be_huge_is_not_allocated(picture):
    png = compressed(picture, '.png', 'png')
    png.data[16:24] = array('B', (60000).to_bytes(4, 'big') * 2)
    with pytest.raises(DecodeError, match='PNG of 60000x60000: expected at most'):
        decode_compressed(png)
    jpeg = compressed(picture, '.jpg', 'jpeg')
    frame = bytes(jpeg.data).index(b'\xff\xc0')
    jpeg.data[frame + 5 : frame + 9] = array('B', b'\xff\xff\xff\xff')
    with pytest.raises(DecodeError, match='JPEG of 65535x65535: expected at most'):
        decode_compressed(jpeg)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b'', b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n']), st.binary(max_size=200))
def test_any_bytes_decode_or_raise_a_decode_error(head, tail):
    with suppress(DecodeError):
        assert decode_compressed(CompressedImage(data=array('B', head + tail))).ndim == 3


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


@pytest.mark.parametrize(
    ('name', 'same'),
    [
        ('BGR8', 'bgr8'),
        (' Mono8 ', 'mono8'),
        ('bayerrg8', 'bayer_rggb8'),
        ('BayerGB12', 'bayer_gbrg16'),
        ('YUY2', 'yuv422_yuy2'),
        ('uyvy422', 'yuv422'),
        ('Y16', 'mono16'),
        ('mono12', 'mono16'),
        ('bayer_rggb12', 'bayer_rggb16'),
        ('bgr8\0\0', 'bgr8'),
        ('RGB', 'rgb8'),
    ],
)
def test_other_spellings_of_an_encoding_are_read(picture, name, same):
    data = encoded(picture, same)
    data = data.reshape(data.shape[0], -1).view(np.uint8)
    np.testing.assert_array_equal(
        decode_image(message(data, name)), decode_image(message(data, same))
    )


@pytest.mark.parametrize(
    ('pitch', 'luma', 'chroma', 'step'),
    [
        (W, H, H // 2, W),
        (W + 16, H, H // 2, W + 16),
        (W + 16, 64, H // 2, W + 16),  # Luma alone is padded to whole blocks.
        (W, 64, 32, W),  # Both are.
        (W, H, H // 2, W * 3 // 2),  # The step is that of both planes.
        (W, H, H // 2 + 3, W),  # A page's rest after the data.
        (W, H, H // 2, 0),
    ],
)
def test_nv12_is_read_whatever_pads_it(picture, pitch, luma, chroma, step):
    data = biplanar(picture, v_first=False)
    planes = [
        np.pad(plane, ((0, rows - len(plane)), (0, pitch - W)), constant_values=99)
        for plane, rows in ((data[:H], luma), (data[H:], chroma))
    ]
    decoded = decode_image(message(np.concatenate(planes), 'nv12', step=step))
    np.testing.assert_array_equal(decoded, decode_image(message(data, 'nv12')))


def raw_values(grey: np.ndarray, low: float, high: float) -> np.ndarray:
    return (low + grey.astype(float) / 255 * (high - low)).round().astype('<u2')


@pytest.mark.parametrize('encoding', ['mono16', '16UC1', 'bayer_rggb16', 'rgb16', 'bgr16'])
@pytest.mark.parametrize(
    ('low', 'high'), [(0, 1023), (0, 4095), (0, 16383), (29500, 31000), (0, 65535)]
)
def test_few_of_sixteen_bits_are_stretched_to_eight(picture, encoding, low, high):
    eight = encoded(picture, encoding.replace('16', '8')).astype(np.uint8)
    msg = message(raw_values(eight, low, high).view(np.uint8).reshape(H, -1), encoding)
    decoded = decode_image(msg, IntensityRange()).astype(int)
    expected = decode_image(message(eight, encoding.replace('16', '8')))
    # A stretch keeps the order of brightness and uses nearly all of 8 bits.
    assert np.corrcoef(decoded.ravel(), expected.ravel())[0, 1] > 0.97
    assert decoded.max() - decoded.min() > 200


@pytest.mark.parametrize(
    ('extension', 'dtype', 'exact'),
    [
        ('.webp', np.uint8, False),
        ('.tiff', np.uint8, True),
        ('.tiff', np.uint16, True),
        ('.bmp', np.uint8, True),
        ('.jp2', np.uint8, False),
        ('.ppm', np.uint8, True),
        ('.ppm', np.uint16, True),
    ],
)
def test_whatever_opencv_unpacks_is_read(picture, extension, dtype, exact):
    data = picture if dtype == np.uint8 else picture.astype(np.uint16) * 257
    msg = compressed(data, extension, 'of no matter')
    assert CompressedPicture(msg).size == (W, H)
    error = np.abs(decode_compressed(msg).astype(int) - picture)
    assert error.max() == 0 if exact else error.mean() < 3


@pytest.mark.parametrize('lossless', [False, True])
def test_webp_of_both_kinds_tells_its_size(picture, lossless):
    quality = 101 if lossless else 80
    msg = compressed(picture, '.webp', 'webp', [cv2.IMWRITE_WEBP_QUALITY, quality])
    assert CompressedPicture(msg).size == (W, H)


def test_png_of_twelve_bits_is_stretched(picture):
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    msg = compressed(grey.astype(np.uint16) * 16, '.png', 'mono16; png compressed ')
    decoded = decode_compressed(msg, IntensityRange())
    assert decoded.shape == (H, W, 3)
    assert int(decoded.max()) - int(decoded.min()) > 200


@pytest.mark.parametrize(
    ('format_', 'words'),
    [
        ('16UC1; compressedDepth png', "'16UC1; compressedDepth png', which holds distances"),
        ('16UC1; png compressed ', 'it belongs on depth_image'),
        ('32FC1; tiff', 'which holds distances'),
    ],
)
def test_depth_on_a_compressed_topic_is_refused_by_name(picture, format_, words):
    with pytest.raises(DecodeError, match=words):
        decode_compressed(compressed(picture, '.png', format_))


@pytest.mark.parametrize('format_', ['h264', 'H265', 'hevc'])
def test_a_video_stream_is_refused_by_name(format_):
    msg = CompressedImage(format=format_, data=array('B', bytes.fromhex('0000000167') + bytes(90)))
    with pytest.raises(DecodeError, match='expected single pictures; got a video stream'):
        decode_compressed(msg)


@pytest.mark.parametrize('extension', ['.webp', '.tiff', '.bmp', '.jp2', '.ppm'])
def test_other_pictures_of_any_damage_decode_or_say_why_not(picture, extension, rng):
    whole = np.frombuffer(compressed(picture, extension, '').data, np.uint8)
    tracemalloc.start()
    for _ in range(400):
        data = whole[: rng.integers(4, len(whole) + 1)].copy()
        hits = rng.integers(0, min(len(data), 80), rng.integers(0, 6))
        data[hits] = rng.integers(0, 256, len(hits))
        with suppress(DecodeError):
            assert decode_compressed(CompressedImage(data=array('B', data.tobytes()))).ndim == 3
    assert tracemalloc.get_traced_memory()[1] < 2**28
    tracemalloc.stop()
