"""Encodings of raw images: where their channels, planes and padding are."""

from array import array

import cv2
from encoded_images import (
    biplanar,
    encoded,
)
from image_messages import H, message, MOSAICS, W
import numpy as np
import pytest
from unihpe_ros.core.intensity import FULL, IntensityRange
from unihpe_ros.ros.image_encodings import ENCODINGS
from unihpe_ros.ros.images import decode_image, DecodeError
from unihpe_ros.ros.planar_images import PLANAR, Planes


@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('padding', [0, 7])
def test_every_encoding_gives_the_picture_back(picture, encoding, padding):
    data = encoded(picture, encoding)
    rows = data.reshape(data.shape[0], -1).view(np.uint8)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=199)
    if encoding in PLANAR:
        padded = pad_planes(data, PLANAR[encoding], 2 * padding)
    step = W + 2 * padding if encoding in PLANAR else None
    # A single channel of floating point has to be said to be a picture.
    intensity = IntensityRange((0.0, 1.0)) if encoding.endswith('FC1') else None
    decoded = decode_image(message(padded, encoding, step=step), intensity)
    expected = picture
    if encoding.startswith('mono') or encoding.endswith('C1'):
        expected = np.repeat(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None], 3, -1)
    assert decoded.shape == (H, W, 3)
    assert decoded.dtype == np.uint8
    lossy = encoding.startswith(('bayer', 'yuv', 'uyvy', 'yuyv', 'yvyu', 'nv', 'i4', 'yv'))
    inner = np.s_[2:-2, 2:-2]  # A mosaic has no neighbours at the border.
    error = np.abs(decoded[inner].astype(int) - expected[inner])
    few_bits = 1 if encoding.startswith(('mono10', 'mono12')) else 0
    assert error.max() <= (7 if encoding == 'rgb565' else 4 if lossy else few_bits)


@pytest.mark.parametrize(
    ('name', 'same'),
    [('Mono12p', 'mono12p'), ('Mono12Packed', 'mono12packed'), ('BayerRG10p', 'bayer_rggb10p'),
     ('BayerGR12Packed', 'bayer_grbg12packed'), ('bayer_bg12p', 'bayer_bggr12p')],
)  # fmt: skip
def test_names_of_genicam_are_known(picture, name, same):
    data = encoded(picture, same)
    expected = decode_image(message(data, same))
    np.testing.assert_array_equal(decode_image(message(data, name)), expected)


@pytest.mark.parametrize('big', [False, True])
def test_floating_point_follows_the_picture_whatever_is_missing(picture, big):
    values = (picture * 0.37 - 20).astype('>f4' if big else '<f4')
    values[:3, :3] = np.nan, np.inf, -np.inf
    shown = IntensityRange()
    msg = message(values.view(np.uint8).reshape(H, -1), '32FC3', big=big)
    decoded = decode_image(msg, shown)
    assert shown.problem == ''
    np.testing.assert_array_equal(decoded[:3, :3], np.broadcast_to([0, 255, 0], (3, 3, 3)))
    inner = decoded[4:].astype(float), picture[4:].astype(float)
    assert np.corrcoef(inner[0].ravel(), inner[1].ravel())[0, 1] > 0.999
    assert np.ptp(decoded[4:]) > 200


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf, 3e38, -3e38, 0.0])
def test_floating_point_without_contrast_is_told(value):
    shown = IntensityRange()
    pixels = np.full((H, W, 3), value, '<f4')
    assert decode_image(message(pixels, '32FC3'), shown).shape == (H, W, 3)
    assert 'no more than noise' in shown.problem


def test_temperatures_are_a_picture_once_their_range_is_told(picture):
    kelvin = (290 + picture[..., 1] / 255 * 20).astype('<f4')
    decoded = decode_image(message(kelvin, '32FC1'), IntensityRange((290.0, 310.0)))
    assert np.abs(decoded.astype(int) - picture[..., 1:2]).max() <= 1
    for vague in (IntensityRange(), IntensityRange(FULL), None):
        with pytest.raises(DecodeError, match='if these are temperatures, set intensity_range'):
            decode_image(message(kelvin, '32FC1'), vague)


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
