"""Compressed pictures: known by their bytes, reduced while they are decoded, or refused."""

from array import array
from collections.abc import Sequence
from contextlib import suppress
import struct
import tracemalloc

import cv2
from hypothesis import given, settings, strategies as st
from image_messages import H, message, MOSAICS, W
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from unihpe_ros.core.intensity import IntensityRange
from unihpe_ros.ros.compressed import CompressedPicture, decode_compressed
from unihpe_ros.ros.images import DecodeError, make_decoder


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


@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_orientation_of_a_tiff_is_ignored(picture, order, orientation):
    height, width, _ = picture.shape
    tags = [
        *((256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 134)),
        *((274, orientation), (277, 1), (278, height), (279, width * height)),
    ]
    mark = b'II*\0' if order == '<' else b'MM\0*'
    head = mark + struct.pack(f'{order}IH', 8, len(tags))
    # A number of two bytes stands at the beginning of its four.
    entries = b''.join(struct.pack(f'{order}HHIHH', tag, 3, 1, value, 0) for tag, value in tags)
    grey = np.ascontiguousarray(picture[..., 1])
    msg = CompressedImage(format='tiff', data=head + entries + bytes(4) + grey.tobytes())
    np.testing.assert_array_equal(decode_compressed(msg)[..., 0], grey)


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
        (b'\0\0\0 ftypheic', 'expected JPEG, PNG, WebP'),
        (b'\x8aMNG\r\n' + bytes(30), 'AVIF; got bytes that begin with .8a 4d 4e'),
        (b'#?RADIANCE' + bytes(30), 'Radiance HDR of 40 bytes: expected a header with the size'),
        (b'\0\0\0 ftypavif', 'AVIF of 12 bytes: expected a header with the size'),
        (b'GIF89a', 'GIF of 6 bytes: expected a header with the size'),
        (b'\xff\xd8\xff', 'JPEG of 3 bytes: expected a header with the size'),
        (b'\xff\xd8\xff\xe0\x00\x10' + bytes(40), 'expected a header with the size'),
        (b'\x89PNG\r\n\x1a\n\x00\x00', 'PNG of 10 bytes: expected a header with the size'),
    ],
)
def test_bytes_that_are_no_picture_are_refused(data, words):
    with pytest.raises(DecodeError, match=words):
        decode_compressed(CompressedImage(format='jpeg', data=array('B', data)))


@pytest.mark.parametrize('extension', ['.gif', '.avif'])
def test_formats_of_newer_opencv_are_read_where_it_has_them(picture, extension):
    if not cv2.haveImageWriter(f'a{extension}'):
        pytest.skip(f'this OpenCV does not write {extension}')
    msg = compressed(picture, extension, extension[1:])
    assert CompressedPicture(msg).size == (W, H)
    # A GIF has 256 colours, OpenCV's the same ones for every picture.
    assert np.abs(decode_compressed(msg).astype(int) - picture).mean() < 24


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


@pytest.mark.parametrize('extension', ['.hdr', '.tiff', '.pfm'])
@pytest.mark.parametrize('grey', [False, True])
def test_pictures_of_floating_point_are_stretched(picture, extension, grey):
    values = (picture[..., :1] if grey else picture).astype(np.float32) * 0.02
    msg = compressed(
        values.repeat(3, -1) if grey and extension == '.hdr' else values, extension, ''
    )
    assert CompressedPicture(msg).size == (W, H)
    decoded = decode_compressed(msg, IntensityRange())
    assert decoded.shape == (H, W, 3)
    assert np.ptp(decoded) > 200
    expected = np.broadcast_to(values, picture.shape)
    assert np.corrcoef(decoded.ravel(), expected.ravel())[0, 1] > 0.99


def test_openexr_is_refused_by_name():
    msg = CompressedImage(format='exr', data=array('B', b'v/1\x01' + bytes(90)))
    with pytest.raises(DecodeError, match='got OpenEXR, which OpenCV does not read: send PNG'):
        decode_compressed(msg)


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


@pytest.mark.parametrize('extension', ['.webp', '.tiff', '.bmp', '.jp2', '.ppm', '.hdr', '.pfm'])
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
