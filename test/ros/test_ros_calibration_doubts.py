"""camera_info that contradicts its image: what is corrected, and what is told."""

import numpy as np
import pytest
from ros_fixtures import camera_info
from sensor_msgs.msg import RegionOfInterest
from unihpe_ros.ros.camera_info import CameraSource, read_calibration, to_camera


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


def test_a_region_of_interest_without_a_size_has_that_of_the_image():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.roi = RegionOfInterest(x_offset=400, y_offset=300)
    place, told = published(msg, (200, 160))
    assert place == (600.0, -80.5, -60.5)
    assert told == (
        'camera_info: the region of interest has the offset 400, 300 but no size: that of the '
        'image is taken'
    )
    msg.binning_x = msg.binning_y = 2
    assert published(msg, (100, 80))[0] == (300.0, -40.5, -30.5)


def test_an_offset_is_not_applied_to_an_image_of_the_full_size_unless_k_asks_for_it():
    msg = camera_info(size=(640, 480), focal=600.0)
    msg.roi = RegionOfInterest(x_offset=100, y_offset=40)
    place, told = published(msg, (640, 480))
    assert place == (600.0, 319.5, 239.5)
    assert told.endswith('has the offset 100, 40 but no size: it is not applied')
    # Width and height are those of the image, K is of the whole sensor.
    msg.k[2], msg.k[5] = 419.5, 279.5
    place, told = published(msg, (640, 480))
    assert place == (600.0, 319.5, 239.5)
    assert told.endswith('that of the image is taken')


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
