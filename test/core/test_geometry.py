"""The camera: round trips, OpenCV as the oracle, CameraInfo by brute force."""

import math

import cv2
from hypothesis import given, settings, strategies as st
import numpy as np
import pytest
from unihpe_ros.core.geometry import Camera, in_image

K = np.array([[410.0, 0, 322.0], [0, 400.0, 236.0], [0, 0, 1]])
LENSES = {
    'none': Camera(K, 640, 480),
    'mild': Camera(K, 640, 480, np.array([-0.1, 0.02, 0.001, -0.002])),
    'wide': Camera(K, 640, 480, np.array([-0.3, 0.1, 0.001, -0.001, 0.0])),
    'rational': Camera(
        K,
        640,
        480,
        np.array([0.5, 0.1, 0.001, 0.0005, 0.02, 0.8, 0.2, 0.03]),
        'rational_polynomial',
    ),
    'thin_prism': Camera(
        K,
        640,
        480,
        np.array([0.1, -0.05, 0.001, 0, 0.01, 0.2, 0, 0, 0.002, -0.001, 0.001, 0.0005]),
        'rational_polynomial',
    ),
    'equidistant': Camera(K, 640, 480, np.array([0.02, -0.01, 0.003, -0.001]), 'equidistant'),
    'ideal_fisheye': Camera(K, 640, 480, np.zeros(4), 'equidistant'),
}
lenses = pytest.mark.parametrize('camera', LENSES.values(), ids=LENSES)


@lenses
def test_rays_lead_back_to_their_pixels(camera: Camera) -> None:
    ys, xs = np.mgrid[0:480:16, 0:640:16].astype(float)
    pixels = np.stack([xs, ys], -1)
    rays = camera.rays(pixels)
    assert rays.shape == pixels.shape
    points = np.concatenate([rays, np.ones_like(rays[..., :1])], -1)
    np.testing.assert_allclose(camera.project(points * 3.7), pixels, atol=1e-6)


@given(
    st.sampled_from(list(LENSES.values())),
    st.lists(
        st.tuples(st.floats(-0.7, 0.7), st.floats(-0.5, 0.5), st.floats(0.1, 50)), max_size=9
    ),
)
@settings(deadline=None)
def test_projections_lead_back_to_their_rays(
    camera: Camera, rows: list[tuple[float, float, float]]
) -> None:
    points = np.array(rows).reshape(-1, 3) * np.array([1, 1, 1])
    points[:, :2] *= points[:, 2:]
    np.testing.assert_allclose(
        camera.rays(camera.project(points)), points[:, :2] / points[:, 2:], atol=1e-7
    )


@lenses
def test_projection_is_opencvs(camera: Camera, rng: np.random.Generator) -> None:
    points = rng.uniform((-1, -0.8, 1.5), (1, 0.8, 6), (4, 5, 3))
    flat, zero = points.reshape(-1, 1, 3), np.zeros(3)
    if camera.is_fisheye:
        expected, _ = cv2.fisheye.projectPoints(flat, zero, zero, K, camera.distortion)
    else:
        expected, _ = cv2.projectPoints(flat, zero, zero, K, camera.distortion)
    np.testing.assert_allclose(camera.project(points), expected.reshape(4, 5, 2), atol=1e-9)


@pytest.mark.parametrize('name', ['mild', 'equidistant'])
def test_rays_are_opencvs(name: str, rng: np.random.Generator) -> None:
    camera = LENSES[name]
    pixels = rng.uniform((100, 100), (540, 380), (50, 2))
    undistort = cv2.fisheye.undistortPoints if camera.is_fisheye else cv2.undistortPoints
    expected = undistort(pixels[:, None], K, camera.distortion)[:, 0]
    np.testing.assert_allclose(camera.rays(pixels), expected, atol=1e-4)


@lenses
def test_nothing_in_gives_nothing_out(camera: Camera) -> None:
    assert camera.project(np.zeros((0, 26, 3))).shape == (0, 26, 2)
    assert camera.rays(np.zeros((0, 26, 2))).shape == (0, 26, 2)


@lenses
def test_unknown_and_hidden_points_have_no_pixel(camera: Camera) -> None:
    points = np.array([[0, 0, -1], [0, 0, 0], [np.nan, 0, 1], [0, np.nan, 1], [0.1, 0.1, 1]])
    finite = np.isfinite(camera.project(points)).all(1)
    assert finite.tolist() == [False, False, False, False, True]


@lenses
def test_unknown_pixels_have_no_ray(camera: Camera) -> None:
    pixels = np.array([[np.nan, 10], [10, np.nan], [320, 240]])
    rays = camera.rays(pixels)
    assert np.isnan(rays[:2]).any(1).all()
    assert np.isfinite(rays[2]).all()


def test_lens_that_folds_back_shows_nothing_from_beyond() -> None:
    camera = LENSES['wide']
    # The polynomial alone would put this point, 76 degrees off the axis, into the picture.
    raw, _ = cv2.projectPoints(np.array([[[4.0, 0, 1]]]), np.zeros(3), np.zeros(3), K,
                               np.array([-0.38, 0.15, 0, 0, -0.02]))  # fmt: skip
    folding = Camera(K, 640, 480, np.array([-0.38, 0.15, 0, 0, -0.02]))
    assert raw[0, 0, 0] < 0
    assert np.isnan(folding.project(np.array([4.0, 0, 1]))).all()
    assert np.isnan(folding.rays(np.array([2000.0, 240]))).all()
    assert np.isfinite(camera.rays(np.array([0.0, 0]))).all()


def test_fisheye_has_no_ray_beyond_a_right_angle() -> None:
    camera = Camera(np.array([[200.0, 0, 320], [0, 200, 240], [0, 0, 1]]), 640, 480,
                    np.zeros(4), 'equidistant')  # fmt: skip
    pixels = np.array([[320 + 200 * math.radians(60), 240], [320 + 200 * math.radians(100), 240]])
    rays = camera.rays(pixels)
    np.testing.assert_allclose(rays[0], [math.tan(math.radians(60)), 0], atol=1e-9)
    assert np.isnan(rays[1]).all()


def test_field_of_view_reaches_the_edges() -> None:
    camera = Camera.from_fov(640, 480, math.radians(90))
    np.testing.assert_allclose(camera.rays(np.array([639.5, 239.5])), [1, 0], atol=1e-12)
    np.testing.assert_allclose(camera.rays(np.array([-0.5, 239.5])), [-1, 0], atol=1e-12)


@pytest.mark.parametrize('binning', [(1, 1), (0, 0), (2, 2), (4, 2)])
@pytest.mark.parametrize('roi', [(0, 0, 0, 0), (40, 16, 320, 240), (3, 5, 64, 32)])
@pytest.mark.parametrize('distortion', [[], [-0.1, 0.02, 0.001, -0.002, 0.0]])
def test_camera_info_of_a_cut_and_binned_image(
    binning: tuple[int, int], roi: tuple[int, int, int, int], distortion: list[float]
) -> None:
    full = Camera(K, 640, 480, np.array(distortion))
    camera = Camera.from_camera_info(
        K.ravel(), distortion, np.zeros(12), (640, 480), binning=binning, roi=roi
    )
    # Brute force: an image whose values are the full image's coordinates, cut and averaged.
    x, y, w, h = roi if roi[2] else (0, 0, 640, 480)
    coordinates = np.stack(np.meshgrid(np.arange(640.0), np.arange(480.0)), -1)
    cut = coordinates[y : y + h, x : x + w]
    across, down = max(binning[0], 1), max(binning[1], 1)
    published = cut.reshape(h // down, down, w // across, across, 2).mean((1, 3))
    assert (camera.height, camera.width) == published.shape[:2]
    inside = np.array([[1, 1], [camera.width - 2, camera.height - 2], [camera.width // 2, 3]])
    rays = camera.rays(inside.astype(float))
    points = np.column_stack([rays, np.ones(3)])
    np.testing.assert_allclose(
        full.project(points), published[inside[:, 1], inside[:, 0]], atol=1e-6
    )


def test_rectified_image_is_read_from_p() -> None:
    p = [500.0, 0, 300, -20, 0, 510, 200, 0, 0, 0, 1, 0]
    camera = Camera.from_camera_info(K.ravel(), [0.5, 0.1, 0, 0, 0], p, (640, 480), rectified=True)
    np.testing.assert_array_equal(camera.K, [[500, 0, 300], [0, 510, 200], [0, 0, 1]])
    assert not camera.is_distorted


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'K': np.eye(2)}, 'camera K: expected 3x3 finite numbers'),
        ({'K': np.full((3, 3), np.nan)}, 'camera K: expected 3x3 finite numbers'),
        ({'K': np.zeros((3, 3))}, 'camera K: expected positive focal lengths, got 0.0, 0.0'),
        ({'width': 0}, 'camera: expected a positive size, got 0x480'),
        ({'distortion': np.array([np.inf] * 4)}, 'camera distortion: expected finite numbers'),
        (
            {'distortion': np.zeros(3)},
            'plumb_bob: expected 0 or 4 or .*, got 3',
        ),
        ({'model': 'pincushion'}, "expected one of plumb_bob, .*; got 'pincushion'"),
        (
            {'model': 'equidistant', 'distortion': np.zeros(5)},
            'equidistant: expected 0 or 4 coefficients, got 5',
        ),
    ],
)
def test_impossible_camera_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Camera(**{'K': K, 'width': 640, 'height': 480, **changes})


def test_camera_info_of_wrong_length() -> None:
    with pytest.raises(ValueError, match='camera_info: expected 9 K and 12 P values, got 8, 12'):
        Camera.from_camera_info(np.zeros(8), [], np.zeros(12), (640, 480))


@pytest.mark.parametrize('angle', [0.0, math.pi, -1.0, math.nan])
def test_impossible_field_of_view(angle: float) -> None:
    with pytest.raises(ValueError, match=r'horizontal_fov: expected \(0, pi\) rad'):
        Camera.from_fov(640, 480, angle)


def test_points_in_an_image_are_those_on_its_pixels() -> None:
    inside = [(0, 0), (-0.4, 479.4), (639.4, -0.4)]
    outside = [(-0.5, 100), (639.5, 100), (100, -0.5), (100, 479.5), (np.nan, 100), (100, np.inf)]
    assert in_image(np.array([*inside, *outside]), (640, 480)).tolist() == [True] * 3 + [False] * 6
    assert in_image(np.zeros((2, 0, 2)), (640, 480)).shape == (2, 0)
