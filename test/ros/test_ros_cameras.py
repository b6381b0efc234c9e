"""camera_info: the camera of the image beside it, or the reason why there is none."""

import math

import numpy as np
import pytest
from ros_fixtures import camera_info
from sensor_msgs.msg import RegionOfInterest
from unihpe_ros.ros import cameras
from unihpe_ros.ros.cameras import CameraSource, read_calibration, to_camera

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

    monkeypatch.setattr(cameras, 'read_calibration', read)
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


def published(msg, size=None):
    """Return focal length and principal point of the image, and what is told."""
    calibration = read_calibration(msg, rectified=False, size=size)
    K = calibration.camera.K
    return (K[0, 0], *K[:2, 2]), ' '.join(calibration.notes)


def test_binning_that_is_in_k_already_is_not_counted_twice_and_told():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.binning_x = msg.binning_y = 2
    assert published(msg) == ((300.0, 159.5, 119.5), '')
    msg.k = [300.0, 0.0, 159.5, 0.0, 300.0, 119.5, 0.0, 0.0, 1.0]
    place, told = published(msg)
    assert place == (300.0, 159.5, 119.5)
    assert 'binning is not applied: the principal point says that K has it already' in told


def test_a_region_of_interest_that_is_in_k_already_is_not_counted_twice_and_told():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.roi = RegionOfInterest(x_offset=400, y_offset=300, width=200, height=160)
    # One in the corner has its principal point outside, and rightly so.
    assert published(msg) == ((600.0, -80.5, -60.5), '')
    msg.k[2], msg.k[5] = 99.5, 79.5
    place, told = published(msg)
    assert place == (600.0, 99.5, 79.5)
    assert 'the region of interest is not applied' in told


def test_binning_that_is_in_k_is_not_taken_from_a_binned_region_of_interest():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.roi = RegionOfInterest(x_offset=400, y_offset=300, width=200, height=160)
    msg.binning_x = msg.binning_y = 2
    msg.k = [300.0, 0.0, 49.5, 0.0, 300.0, 39.5, 0.0, 0.0, 1.0]
    place, told = published(msg)
    assert place == (300.0, 49.5, 39.5)
    assert 'binning and region of interest are not applied' in told


def test_a_principal_point_far_from_the_middle_is_told():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.k[2] = 100.0
    place, told = published(msg)
    assert place == (600.0, 100.0, 239.5)
    assert 'the principal point (100, 240) is far from the middle of an image of 640x480' in told


@pytest.mark.parametrize('size', [(320, 240), (1280, 960), (213, 160)])
def test_a_calibration_of_the_same_proportions_is_scaled(size):
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.d = [-0.1, 0.01, 0.0, 0.0, 0.0]
    before, after = (read_calibration(msg, rectified=False, size=of).camera for of in (None, size))
    point = np.array([[0.3, -0.2, 1.0]])
    share = (before.project(point) + 0.5) / (640, 480)
    np.testing.assert_allclose((after.project(point) + 0.5) / size, share, atol=1e-6)


@pytest.mark.parametrize('size', [(640, 360), (480, 640), (424, 240), (630, 480)])
def test_a_calibration_of_other_proportions_is_not_used(size):
    calibration = read_calibration(camera_info(size=(640, 480)), rectified=False, size=size)
    assert calibration.camera is None
    assert calibration.notes == (f'it is of 640x480, the image is of {size[0]}x{size[1]}',)


def test_a_matrix_that_is_empty_is_replaced_by_the_other_and_told():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.k, msg.d = [0.0] * 9, [-0.1, 0.01, 0.0, 0.0, 0.0]
    place, told = published(msg)
    assert place == (600.0, 319.5, 239.5)
    assert told == 'camera_info: K is all zero: P is taken, without distortion'
    msg.k, msg.p = [600.0, 0.0, 319.5, 0.0, 600.0, 239.5, 0.0, 0.0, 1.0], [0.0] * 12
    calibration = read_calibration(msg, rectified=True)
    assert calibration.camera.K[0, 0] == 600.0
    assert not calibration.camera.is_distorted
    assert calibration.notes == ('camera_info: P is all zero: K is taken, without distortion',)
    msg.k = [0.0] * 9
    (note,) = read_calibration(msg, rectified=True).notes
    assert note == 'camera_info: P is all zero; expected a calibrated camera'


def test_a_region_of_interest_is_not_applied_to_an_image_of_the_full_size():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.roi = RegionOfInterest(x_offset=160, y_offset=120, width=320, height=240)
    assert published(msg, (320, 240)) == ((600.0, 159.5, 119.5), '')
    place, told = published(msg, (640, 480))
    assert place == (600.0, 319.5, 239.5)
    assert 'are not applied: the image is of the full size' in told


def test_a_distortion_that_leads_to_no_pixel_is_refused():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.distortion_model, msg.d = 'rational_polynomial', [1e9] * 8
    with pytest.raises(ValueError, match='fold it or lead to none of its pixels'):
        to_camera(msg, rectified=False)
    # As of a Kinect for Azure.
    msg.d = [0.45, -2.6, 0.0007, -0.0002, 1.5, 0.33, -2.4, 1.47]
    assert to_camera(msg, rectified=False).is_distorted


def test_a_calibration_without_a_size_takes_that_of_the_image():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.width = msg.height = 0
    source = CameraSource(rectified=False)
    assert 'width and height are 0' in source.update(msg).notes[0]
    camera = source.fitted((640, 482)).camera
    assert (camera.width, camera.height, camera.K[1, 2]) == (640, 482, 239.5)
    assert source.fitted((640, 482)).camera is camera


@pytest.mark.parametrize(
    ('model', 'coefficients', 'words'),
    [
        ('', [0.1, 0.0, 0.0, 0.0], 'are taken for plumb_bob'),
        ('none', [0.1, 0.0, 0.0, 0.0], 'are not used'),
        ('inverse_brown_conrady', [0.1, 0.0, 0.0, 0.0], 'are not used'),
        ('of nobody', [0.0] * 5, 'is not known: all coefficients are zero'),
    ],
)
def test_what_is_guessed_of_a_distortion_is_told(model, coefficients, words):
    msg = camera_info()
    msg.distortion_model, msg.d = model, coefficients
    assert words in read_calibration(msg, rectified=False).notes[0]


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
