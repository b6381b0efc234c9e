"""Picture files: formats, depths, names and EXIF."""

from io import BytesIO
import struct

import cv2
import numpy as np
import pytest
from tiny_run import open_path, walk_image
from unihpe_ros.core.rotation import turn_image
from unihpe_ros.run.inputs.source import InputError
from unihpe_ros.run.inputs.standard_input import StandardInput


def test_pictures_are_known_by_their_bytes_whatever_their_name(tmp_path):
    image = cv2.imencode('.png', walk_image(0.0))[1].tobytes()
    for name in ('photo', 'photo.dat', 'photo.jpg', 'photo.JPEG'):
        (tmp_path / name).write_bytes(image)
        np.testing.assert_array_equal(
            next(open_path(tmp_path / name).frames()).image, walk_image(0.0)
        )


@pytest.mark.parametrize('name', ['a.hdr', 'a.tiff', 'grey.tiff', 'a.pfm'])
def test_pictures_of_floating_point_are_stretched(tmp_path, name):
    values = np.linspace(-2, 9, 48 * 64 * 3, dtype=np.float32).reshape(48, 64, 3).clip(0)
    cv2.imwrite(str(tmp_path / name), values[..., 0] if 'grey' in name else values)
    (frame,) = open_path(tmp_path / name).frames()
    assert frame.image.shape == (48, 64, 3)
    assert (int(frame.image.min()), int(frame.image.max())) == pytest.approx((11, 244), abs=4)


@pytest.mark.parametrize(
    ('name', 'content', 'words'),
    [
        ('a.heic', b'\0\0\0\x18ftypheic', 'OpenCV does not read .heic, export it as JPEG or PNG'),
        ('a.jpg', b'', 'cannot be read: it is empty'),
        ('a.png', b'\x89PNG\r\n\x1a\nxyz', 'cannot be read: it is damaged, or no picture'),
    ],
)
def test_picture_that_cannot_be_read_says_why(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f'{name}: expected a picture .*{words}'):
        list(open_path(tmp_path / name).frames())


def tag_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Return a JPEG with the EXIF tag that says how the camera was held."""
    entry = struct.pack('<HHIHH', 0x0112, 3, 1, orientation, 0)
    exif = b'Exif\0\0II*\0' + struct.pack('<IH', 8, 1) + entry + bytes(4)
    return jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + jpeg[2:]


@pytest.mark.parametrize(('orientation', 'degrees'), [(1, 0), (6, 90), (3, 180), (8, 270)])
def test_photograph_is_upright_however_the_camera_was_held(tmp_path, orientation, degrees):
    plain = cv2.imencode('.jpg', cv2.resize(walk_image(0.0), (64, 48)))[1].tobytes()
    tagged = tag_orientation(plain, orientation)
    (tmp_path / 'tagged.jpg').write_bytes(tagged)
    expected = turn_image(cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_COLOR), degrees)
    for source in (open_path(tmp_path / 'tagged.jpg'), StandardInput(BytesIO(tagged), 30.0)):
        np.testing.assert_array_equal(next(source.frames()).image, expected)


def test_pictures_of_sixteen_bits_are_stretched_each_or_as_a_sequence(tmp_path):
    ramp = np.tile(np.linspace(1000, 3000, 64).astype(np.uint16), (48, 1))
    for name, picture in (('a.png', ramp), ('b.png', ramp + np.uint16(20000))):
        cv2.imwrite(str(tmp_path / name), picture)
    pictures = [frame.image for frame in open_path(tmp_path).frames()]
    assert [picture.shape for picture in pictures] == [(48, 64, 3)] * 2
    spans = [(int(picture.min()), int(picture.max())) for picture in pictures]
    assert spans == [pytest.approx((11, 244), abs=4)] * 2
    cv2.imwrite(str(tmp_path / 'b.png'), np.full((48, 64), 900, np.uint16))
    source = open_path(tmp_path)
    assert len(list(source.frames())) == 2
    (note,) = source.notes
    assert note.startswith('b.png has no contrast: 99 % of the picture is between 900 and 900')
