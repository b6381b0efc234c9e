"""Pictures of more than 8 bits: what becomes black and white, and how slowly that moves."""

import numpy as np
import pytest
from unihpe_ros.core.intensity import FULL, IntensityRange


def ramp(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, 64 * 48).reshape(48, 64).astype(np.uint16)


def test_full_takes_all_sixteen_bits():
    grey = IntensityRange(FULL).to_eight_bits(ramp(0, 65535))
    np.testing.assert_allclose(grey, ramp(0, 65535) / 257.0, atol=0.51)


def test_two_numbers_are_black_and_white_and_what_is_beyond_stays_there():
    shown = IntensityRange((1000.0, 2000.0))
    grey = shown.to_eight_bits(ramp(0, 3000))
    assert (grey[ramp(0, 3000) < 1000] == 0).all()
    assert (grey[ramp(0, 3000) > 2000] == 255).all()
    assert shown.problem == ''


def test_auto_is_not_carried_away_by_few_pixels():
    picture = ramp(29500, 31000)
    picture[0, :5] = 65535
    picture[1, :5] = 0
    grey = IntensityRange().to_eight_bits(picture)
    assert grey[10:].max() - grey[10:].min() > 150


def test_auto_moves_slowly_and_gets_there():
    shown = IntensityRange()
    shown.to_eight_bits(ramp(1000, 2000))
    # A shutter closes for one image: people look as before it.
    before = shown.to_eight_bits(ramp(1000, 2000)).astype(int)
    shown.to_eight_bits(np.full((48, 64), 1500, np.uint16))
    after = shown.to_eight_bits(ramp(1000, 2000)).astype(int)
    assert np.abs(after - before).max() < 26
    for _ in range(60):
        last = shown.to_eight_bits(ramp(1200, 2400))
    assert last.max() - last.min() > 200


@pytest.mark.parametrize(
    ('before', 'after'),
    [((0, 65535), (0, 1023)), ((0, 1023), (29500, 31000)), ((0, 900), (0, 9000))],
)
def test_auto_jumps_where_the_camera_has_changed(before, after):
    shown = IntensityRange()
    for _ in range(9):
        shown.to_eight_bits(ramp(*before))
    spans = [int(np.ptp(shown.to_eight_bits(ramp(*after)).astype(int))) for _ in range(4)]
    steps = np.unique(shown.to_eight_bits(ramp(*after)))
    assert spans[-1] > 200
    assert len(steps) > 150


def test_auto_keeps_its_range_while_a_shutter_is_closed():
    shown = IntensityRange()
    before = shown.to_eight_bits(ramp(29500, 31000))
    for _ in range(30):
        shown.to_eight_bits(np.full((48, 64), 29000, np.uint16))
    np.testing.assert_array_equal(shown.to_eight_bits(ramp(29500, 31000)), before)


@pytest.mark.parametrize(
    ('setting', 'picture', 'words'),
    [
        (None, np.full((48, 64), 29500, np.uint16), 'between 29500 and 29500, which is no more'),
        (None, ramp(29500, 29505), 'no more than noise'),
        (FULL, ramp(0, 1023), 'intensity_range is 0 to 65535: auto follows the picture'),
        ((0.0, 1000.0), ramp(29500, 31000), 'intensity_range is 0 to 1000'),
    ],
)
def test_no_contrast_is_told(setting, picture, words):
    shown = IntensityRange(setting)
    shown.to_eight_bits(picture)
    assert words in shown.problem
    shown.to_eight_bits(ramp(0, 60000))
    assert shown.problem == ''


@pytest.mark.parametrize('shape', [(1, 1), (3, 700), (700, 3), (48, 64, 3)])
def test_a_picture_of_any_shape_keeps_it(shape):
    assert IntensityRange().to_eight_bits(np.ones(shape, np.uint16)).shape == shape
