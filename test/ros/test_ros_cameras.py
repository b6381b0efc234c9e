"""camera_info: the camera of the image beside it, or the reason why there is none."""

import math

import numpy as np
import pytest
from ros_fixtures import camera_info
from sensor_msgs.msg import RegionOfInterest
from unihpe_ros.ros import cameras
from unihpe_ros.ros.cameras import CameraSource, to_camera


def test_raw_reads_k_and_distortion():
    msg = camera_info()
    msg.d = [-0.1, 0.01, 0.0, 0.0, 0.0]
    camera = to_camera(msg, rectified=False)
    np.testing.assert_array_equal(camera.K.ravel(), msg.k)
    np.testing.assert_array_equal(camera.distortion, msg.d)
    assert (camera.width, camera.height) == (64, 48)


def test_rectified_reads_p_and_no_distortion():
    msg = camera_info()
    msg.d = [-0.1, 0.01, 0.0, 0.0, 0.0]
    msg.p[0] = msg.p[5] = 50.0
    camera = to_camera(msg, rectified=True)
    assert camera.K[0, 0] == camera.K[1, 1] == 50.0
    assert not camera.is_distorted


@pytest.mark.parametrize(
    ('model', 'coefficients', 'rectified', 'bent'),
    [
        ('plumb_bob', [0.1] * 5, False, True),
        ('plumb_bob', [0.1] * 4, False, True),
        ('rational_polynomial', [0.1] * 8, False, True),
        ('rational_polynomial', [0.1] * 14, False, True),
        ('equidistant', [0.1] * 4, False, True),
        ('equidistant', [0.0] * 4, False, True),
        ('', [], False, False),
        ('', [0.0] * 5, False, False),
        ('thin_prism', [0.1] * 12, True, False),
        ('', [0.1] * 3, True, False),
    ],
)
def test_lens_models_are_read_and_a_rectified_image_has_none(model, coefficients, rectified, bent):
    msg = camera_info()
    msg.distortion_model, msg.d = model, coefficients
    assert to_camera(msg, rectified=rectified).is_distorted == bent


def test_binning_and_region_of_interest_give_the_published_image():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.roi = RegionOfInterest(x_offset=100, y_offset=40, width=200, height=120)
    msg.binning_x = msg.binning_y = 2
    camera = to_camera(msg, rectified=False)
    assert (camera.width, camera.height) == (100, 60)
    assert camera.K[0, 0] == 300.0
    # The pixel that lay at (100.5, 40.5) is now the first one's centre.
    np.testing.assert_allclose(camera.K[:2, 2], [(319.5 - 100.5) / 2, (239.5 - 40.5) / 2])


@pytest.mark.parametrize(
    ('field', 'value', 'rectified', 'words'),
    [
        ('k', [0.0] * 9, False, 'K is all zero; expected a calibrated camera'),
        ('p', [0.0] * 12, True, 'P is all zero'),
        ('k', [math.nan] * 9, False, 'camera K: expected 3x3 finite numbers'),
        ('p', [math.nan] * 12, True, 'camera K: expected 3x3 finite numbers'),
        ('d', [math.nan] * 5, False, 'camera distortion: expected finite numbers'),
        ('d', [0.1] * 3, False, 'expected 0 or 4 or 5 coefficients, got 3'),
        ('distortion_model', 'magic', False, "expected one of .*; got 'magic'"),
        ('width', 0, False, 'expected a positive size'),
    ],
)
def test_what_no_camera_can_have_is_named(field, value, rectified, words):
    msg = camera_info()
    setattr(msg, field, value)
    with pytest.raises(ValueError, match=words):
        to_camera(msg, rectified=rectified)


def test_the_same_calibration_is_not_read_again():
    source = CameraSource(rectified=False)
    assert source.camera is None
    source.update(camera_info())
    first = source.camera
    later = camera_info()
    later.header.stamp.sec = 5
    source.update(later)
    assert source.camera is first
    source.update(camera_info(focal=70.0))
    assert source.camera.K[0, 0] == 70.0


def test_a_bad_calibration_takes_the_camera_away_and_is_told_once():
    source = CameraSource(rectified=False)
    assert not source.ever_came
    source.update(camera_info())
    bad = camera_info()
    bad.k[0] = math.nan
    with pytest.raises(ValueError, match='finite'):
        source.update(bad)
    assert source.camera is None
    assert source.ever_came
    source.update(bad)
    source.update(camera_info())
    assert source.camera is not None


def test_while_a_calibration_is_read_the_last_one_holds(monkeypatch):
    """The worker asks at any moment, and must not find itself without a camera."""
    source, seen = CameraSource(rectified=False), []
    source.update(camera_info())
    first = source.camera

    def read(msg, *, rectified):
        seen.append(source.camera)
        return to_camera(msg, rectified=rectified)

    monkeypatch.setattr(cameras, 'to_camera', read)
    source.update(camera_info(focal=70.0))
    assert seen == [first]
    assert source.camera.K[0, 0] == 70.0


@pytest.mark.parametrize('focal', [0.8, 1e9])
def test_a_focal_length_that_is_not_in_pixels_is_refused(focal):
    words = rf'focal lengths in px that fit an image of 64x48; got {focal:g}'
    with pytest.raises(ValueError, match=words.replace('+', r'\+')):
        to_camera(camera_info(focal=focal), rectified=False)


def test_a_distortion_that_folds_the_image_is_refused():
    msg = camera_info()
    msg.d = [-30.0, 100.0, 5.0, -5.0, 1e3]
    with pytest.raises(ValueError, match='distortion that holds for the image'):
        to_camera(msg, rectified=False)
    assert not to_camera(msg, rectified=True).is_distorted
