"""Depth images: in metres whatever the camera sends, and refused where they are none."""

from image_messages import depth_message
import numpy as np
import pytest
from unihpe_ros.ros.depth import decode_depth
from unihpe_ros.ros.images import DecodeError


@pytest.mark.parametrize(
    ('encoding', 'dtype', 'unit'),
    [
        ('32FC1', '<f4', 1.0),
        ('32FC1', '>f4', 1.0),
        ('64FC1', '<f8', 1.0),
        ('16UC1', '<u2', 1e3),
        ('16UC1', '>u2', 1e3),
        ('16SC1', '<i2', 1e3),
        ('16uc1\0', '<u2', 1e3),
        (' Z16', '<u2', 1e3),
    ],
)
def test_depth_is_in_metres_whatever_the_camera_sends(encoding, dtype, unit):
    metres = np.array([[1.5, 2.25, 0], [4.0, 0.5, 3.0]])
    msg = depth_message((metres * unit).astype(dtype), encoding, padding=4)
    depth = decode_depth(msg)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, metres, rtol=1e-6)


def test_negative_distances_are_unknown():
    depth = decode_depth(depth_message(np.array([[-1, 1000]], '<i2'), '16SC1'))
    np.testing.assert_allclose(depth, [[0, 1.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ('field', 'value', 'words'),
    [
        ('encoding', 'rgb8', r"expected 32FC1 \(m\) or 16UC1 \(mm\); got 'rgb8'"),
        ('step', 3, 'rows of 8 bytes'),
        ('height', 3, '24 in all; got rows of 8, 16 in all'),
        ('width', 0, 'positive size'),
        ('width', 2**31, 'at most'),
    ],
)
def test_what_is_no_depth_image_is_named(field, value, words):
    msg = depth_message(np.ones((2, 2), '<f4'), '32FC1')
    setattr(msg, field, value)
    with pytest.raises(DecodeError, match=words):
        decode_depth(msg)
