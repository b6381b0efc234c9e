"""camera_info: the camera of the image beside it, or the reason why there is none."""

import math

import numpy as np
import pytest
from ros_fixtures import camera_info
from sensor_msgs.msg import RegionOfInterest
from unihpe_ros.ros import camera_info as module
from unihpe_ros.ros.camera_info import CameraSource, read_calibration, to_camera

FAR_OFF = [9.0, 0.0, 1e300, 0.0, 9.0, 5.0, 0.0, 0.0, 1.0]


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
        ('plumb_bob', [0.1] * 8, False, True),
        ('plumb_bob', [0.1] * 5 + [0.0] * 3, False, True),
        ('plumb_bob', [0.1] * 2, False, True),
        ('plumb_bob', [], False, False),
        ('rational_polynomial', [0.1] * 5, False, True),
        ('rational_polynomial', [0.1] * 8, False, True),
        ('rational_polynomial', [0.1] * 12, False, True),
        ('rational_polynomial', [0.1] * 14, False, True),
        ('equidistant', [0.1] * 4, False, True),
        ('equidistant', [0.0] * 4, False, True),
        ('equidistant', [0.1] * 4 + [0.0] * 4, False, True),
        ('equidistant', [0.1], False, True),
        ('none', [], False, False),
        ('none', [0.0] * 5, False, False),
        ('None', [0.1] * 5, False, False),
        ('', [0.1] * 5, False, True),
        ('Plumb_Bob', [0.1] * 5, False, True),
        (' plumb bob ', [0.1] * 5, False, True),
        ('radtan', [0.1] * 4, False, True),
        ('Brown-Conrady', [0.1] * 5, False, True),
        ('Fisheye', [0.0] * 4, False, True),
        ('KannalaBrandt4', [0.1] * 4, False, True),
        ('thin_prism', [0.1] * 12, False, True),
        ('Distortion.Brown_Conrady', [0.1] * 5, False, True),
        ('plumb_bob_5', [0.1] * 5, False, True),
        ('fisheye4', [0.1] * 4, False, True),
        ('distortion.inverse_brown_conrady', [0.1] * 5, False, False),
        ('of nobody', [0.0] * 7, False, False),
        ('', [], False, False),
        ('', [0.0] * 5, False, False),
        ('magic', [0.1] * 3, True, False),
    ],
)
def test_lens_models_are_read_and_a_rectified_image_has_none(model, coefficients, rectified, bent):
    msg = camera_info()
    msg.distortion_model, msg.d = model, coefficients
    assert to_camera(msg, rectified=rectified).is_distorted == bent


def test_fourteen_coefficients_and_a_region_of_interest_give_the_published_image():
    msg = camera_info()
    msg.distortion_model = 'rational_polynomial'
    msg.d = [-0.3, 0.1, 0.0, 0.0, 0.0, 0.1, *[0.0] * 6, 0.01, 0.02]
    whole = read_calibration(msg, rectified=False).camera
    msg.roi.x_offset, msg.roi.y_offset, msg.roi.width, msg.roi.height = 160, 120, 320, 240
    calibration = read_calibration(msg, rectified=False, size=(320, 240))
    assert calibration.notes == ()
    part = calibration.camera
    assert (part.width, part.height, len(part.distortion)) == (320, 240, 14)
    pixels = np.array([[10.0, 20.0], [300.0, 200.0]])
    np.testing.assert_allclose(part.rays(pixels), whole.rays(pixels + (160, 120)), atol=1e-9)


@pytest.mark.parametrize('fields', [{'p': [math.nan] * 12}, {'r': [0.0] * 9}])
def test_what_a_raw_image_does_not_need_may_be_anything(fields):
    msg = camera_info()
    for name, value in fields.items():
        setattr(msg, name, value)
    assert read_calibration(msg, rectified=False).camera is not None


def test_matrix_by_columns_is_told():
    msg = camera_info()
    msg.k = np.array(msg.k).reshape(3, 3).T.ravel()
    assert 'the principal point (0, 0) is far' in read_calibration(msg, rectified=False).notes[0]


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
        ('k', [math.nan] * 9, False, 'camera K: expected 3x3 finite numbers'),
        ('p', [math.nan] * 12, True, 'camera K: expected 3x3 finite numbers'),
        ('d', [math.nan] * 5, False, 'camera distortion: expected finite numbers'),
        ('d', [0.1] * 3, False, 'expected 4, 5, 8, 12, 14 coefficients, got'),
        ('distortion_model', 'double_sphere', False, "none; got 'double_sphere'"),
        ('k', FAR_OFF, False, 'principal point near the image'),
        ('binning_x', 100, False, 'expected a positive size'),
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
    assert source.update(camera_info()).notes == ()
    bad = camera_info()
    bad.k[0] = math.nan
    assert 'finite' in source.update(bad).notes[0]
    assert source.camera is None
    assert source.fitted((64, 48)).camera is None
    assert source.ever_came
    assert source.update(bad) is None
    source.update(camera_info())
    assert source.camera is not None


def test_while_a_calibration_is_read_the_last_one_holds(monkeypatch):
    """The worker asks at any moment, and must not find itself without a camera."""
    source, seen = CameraSource(rectified=False), []
    source.update(camera_info())
    first = source.camera

    def read(msg, *, rectified):
        seen.append(source.camera)
        return read_calibration(msg, rectified=rectified)

    monkeypatch.setattr(module, 'read_calibration', read)
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


def test_no_camera_info_whatever_it_holds_raises_or_blinds():
    """2,000 of them: each gives a camera that can look at people, or a reason why not."""
    rng = np.random.default_rng(7)
    numbers = [0.0, 1.0, -1.0, 0.5, 600.0, 1e-300, 1e300, math.inf, -math.inf, math.nan]
    names = ['', 'plumb_bob', 'rational_polynomial', 'equidistant', 'none', 'x' * 999, 'Ü', '\0']
    boxes = np.array([[10.0, 10.0, 30.0, 40.0]])
    usable = 0
    for _ in range(2000):
        msg = camera_info(size=(64, 48), focal=float(rng.uniform(1, 200)))
        for field in ('k', 'p', 'd'):
            if field == 'd':
                msg.d = [0.0] * int(rng.integers(0, 20))
            values = getattr(msg, field)
            for place in range(len(values)):
                if rng.random() < 0.08:
                    values[place] = numbers[rng.integers(len(numbers))]
        msg.distortion_model = names[rng.integers(len(names))]
        whole = [0, 1, 2, 48, 64, 65, 2**31, 2**32 - 1]
        for owner, field in (
            *((msg, name) for name in ('width', 'height', 'binning_x', 'binning_y')),
            *((msg.roi, name) for name in ('x_offset', 'y_offset', 'width', 'height')),
        ):
            if rng.random() < 0.1:
                setattr(owner, field, whole[rng.integers(len(whole))])
        for size in (None, (64, 48)):
            calibration = read_calibration(msg, rectified=bool(rng.random() < 0.3), size=size)
            assert calibration.camera is not None or calibration.notes
            assert sum(map(len, calibration.notes)) < 5000
        if calibration.camera is not None:
            usable += 1
            if usable % 20 == 0:
                calibration.camera.rays(boxes.reshape(2, 2))
    assert 200 < usable < 1800
