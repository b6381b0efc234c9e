"""Degradation changes how a picture looks, never what it shows or where."""

import cv2
import numpy as np
import pytest
from unihpe_ros.datasets import degrade as module
from unihpe_ros.datasets.degrade import degrade


@pytest.fixture
def picture():
    """Return a bright disc on a dark, uneven ground."""
    rng = np.random.default_rng(0)
    image = rng.integers(40, 70, (96, 72, 3)).astype(np.uint8)
    cv2.circle(image, (36, 48), 20, (180, 200, 220), -1)
    return image


def test_result_is_a_picture_of_the_same_size(picture):
    for seed in range(60):
        result = degrade(picture.copy(), np.random.default_rng(seed))
        assert result.shape == picture.shape
        assert result.dtype == np.uint8


def test_same_seed_gives_the_same_picture_and_another_seed_another(picture):
    one, same, other = (degrade(picture.copy(), np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize(
    'name',
    [
        *('_recolour', '_filter', '_light_unevenly', '_tone', '_soften', '_sharpen'),
        *('_add_noise', '_compress'),
    ],
)
def test_shape_stays_where_it_is(picture, name):
    """The edge map of the picture correlates most with the original's when nothing is moved."""

    def edges(image):
        grey = cv2.GaussianBlur(image, (0, 0), 2).mean(-1)
        return np.hypot(*np.gradient(grey))

    truth, best = edges(picture), []
    for seed in range(5):
        found = edges(getattr(module, name)(picture.copy(), np.random.default_rng(seed)))
        shifts = {
            (dx, dy): float((truth * np.roll(found, (dy, dx), (0, 1))).sum())
            for dx in (-4, 0, 4)
            for dy in (-4, 0, 4)
        }
        best.append(max(shifts, key=shifts.__getitem__))
    assert best.count((0, 0)) >= 4


def test_nothing_is_hidden_when_told_so(picture):
    """Without patches a flat picture stays smooth but for noise."""
    flat = np.full((96, 72, 3), 128, np.uint8)
    assert not np.array_equal(_hidden(flat), flat)
    plain = degrade(flat.copy(), np.random.default_rng(1), hide=0.0)
    assert cv2.GaussianBlur(plain, (0, 0), 3).std((0, 1)).max() < 25


def _hidden(image):
    image = image.copy()
    module._hide(image, np.random.default_rng(0))
    return image


def test_small_pictures_are_degraded_too():
    small = np.full((12, 9, 3), 128, np.uint8)
    for seed in range(30):
        assert degrade(small.copy(), np.random.default_rng(seed), hide=1.0).shape == small.shape


def test_every_way_to_soften_loses_detail(picture):
    def detail(image):
        return cv2.Laplacian(image.astype(np.float32), cv2.CV_32F).std()

    softened = [module._soften(picture.copy(), np.random.default_rng(seed)) for seed in range(40)]
    assert all(detail(image) < detail(picture) for image in softened)
    # Motion blurs along one direction: the two axes lose unlike much for some.
    unlike = [
        np.diff(image.astype(float), axis=0).std() / np.diff(image.astype(float), axis=1).std()
        for image in softened
    ]
    assert max(unlike) > 1.2
    assert min(unlike) < 0.8
