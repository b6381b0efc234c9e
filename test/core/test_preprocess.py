"""Crops: there and back, and a picture whose grey values say where they come from."""

from dataclasses import replace
import math

import cv2
from hypothesis import given, settings, strategies as st
import numpy as np
import pytest
from tiny_model import tiny_spec
from unihpe_ros.core.crops import Crops, InputBatch
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.reduction import halvings_before

SIZE = (96, 128)
PINHOLE = Camera.from_fov(640, 480, math.radians(80))
LENS = Camera(PINHOLE.K, 640, 480, np.array([-0.3, 0.1, 0.001, -0.001, 0.0]))
FISHEYE = Camera(PINHOLE.K, 640, 480, np.array([0.02, -0.01, 0.003, -0.001]), 'equidistant')
CAMERAS = {'pinhole': PINHOLE, 'lens': LENS, 'fisheye': FISHEYE}
cameras = pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
BOXES = {
    'middle': (250, 120, 390, 400),
    'corner': (500, 300, 630, 470),
    'small': (100, 100, 108, 112),
    'whole': (0, 0, 639, 479),
    'over_the_edge': (560, 200, 760, 600),
    'wide': (20, 300, 620, 380),
}
NONE = Crops.aim(np.zeros((0, 4)), PINHOLE, SIZE, 1.25)[0]
boxes = pytest.mark.parametrize('box', [np.array(box) for box in BOXES.values()], ids=BOXES)


def position_image(w: int, h: int) -> np.ndarray:
    """``(h, w, 3)`` float picture: x, y and 1 at every pixel."""
    ys, xs = np.mgrid[:h, :w].astype(np.float32)
    return np.stack([xs, ys, np.ones_like(xs)], -1)


@cameras
@boxes
def test_there_and_back(camera: Camera, box: np.ndarray, rng: np.random.Generator) -> None:
    crop = Crops.from_box(box, camera, SIZE)
    points = rng.uniform((0, 0), SIZE, (50, 2))
    np.testing.assert_allclose(crop.to_crop(crop.to_image(points)), points, atol=1e-6)


@cameras
@boxes
def test_warp_puts_pixels_where_to_image_says(camera: Camera, box: np.ndarray) -> None:
    crop = Crops.from_box(box, camera, SIZE)
    warped = crop.warp(position_image(640, 480))
    ys, xs = np.mgrid[: SIZE[1], : SIZE[0]]
    expected = crop.to_image(np.stack([xs, ys], -1).astype(float))
    inside = warped[..., 2] > 1 - 1e-4  # not blended with the black outside
    error = np.abs(warped[..., :2] - expected)[inside]
    assert inside.mean() > 0.2
    # OpenCV interpolates at 1/32 px of the picture that it reads, here reduced four times at most.
    assert error.max() < 4 / 32 + 0.02


@cameras
@pytest.mark.parametrize('name', ['corner', 'small', 'over_the_edge'])
def test_part_of_the_image_is_warped_like_the_whole(
    camera: Camera, name: str, rng: np.random.Generator
) -> None:
    image = rng.integers(0, 256, (480, 640, 3), np.uint8)
    crop = Crops.from_box(np.array(BOXES[name]), camera, (384, 512))
    assert halvings_before(crop.image_from_crop, crop.size, (640, 480)) == 0
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    whole = cv2.warpPerspective(image, crop.image_from_crop, crop.size, flags=flags)
    off = np.abs(crop.warp(image).astype(int) - whole)
    # OpenCV rounds coordinates that are counted from elsewhere, in 4.x to 1/32 px.
    assert (off > 1).mean() < 0.001
    assert off.max() <= 255 / 32 + 1


@pytest.mark.parametrize('width', [1280, 1999, 2560])
def test_strong_reduction_stays_in_place(width: int) -> None:
    height = width * 3 // 4
    camera = Camera.from_fov(width, height, math.radians(60))
    crop = Crops.from_box(np.array([0.1, 0.0, 0.93, 0.97]) * width * 0.7, camera, SIZE)
    warped = crop.warp(position_image(width, height))
    ys, xs = np.mgrid[: SIZE[1], : SIZE[0]]
    expected = crop.to_image(np.stack([xs, ys], -1).astype(float))
    inside = warped[..., 2] > 1 - 1e-4
    reduction = width * 0.7 / SIZE[0]
    assert np.abs(warped[..., :2] - expected)[inside].max() < 0.05 * reduction
    assert inside.mean() > 0.4


def test_strong_reduction_does_not_alias() -> None:
    stripes = np.zeros((960, 1280), np.uint8)
    stripes[:, ::2] = 255
    camera = Camera.from_fov(1280, 960, math.radians(60))
    crop = Crops.from_box(np.array([100, 50, 1100, 900]), camera, SIZE, padding=1.0)
    middle = crop.warp(stripes)[40:90, 30:70]
    assert np.abs(middle.astype(int) - 127).max() < 12


@cameras
def test_crop_holds_its_box(camera: Camera) -> None:
    for name in ('middle', 'small', 'wide'):
        x0, y0, x1, y1 = BOXES[name]
        crop = Crops.from_box(np.array(BOXES[name]), camera, SIZE, padding=1.25)
        edges = np.array([[x0, 0.5 * (y0 + y1)], [x1, 0.5 * (y0 + y1)],
                          [0.5 * (x0 + x1), y0], [0.5 * (x0 + x1), y1]])  # fmt: skip
        share = (crop.to_crop(edges) + 0.5) / SIZE
        assert share.min() > 0.03
        assert share.max() < 0.97
        # The tighter dimension is filled but for the padding.
        filled = max(share[1, 0] - share[0, 0], share[3, 1] - share[2, 1])
        assert filled == pytest.approx(1 / 1.25, abs=0.08)


@cameras
def test_centre_of_the_box_is_the_centre_of_the_crop(camera: Camera) -> None:
    crop = Crops.from_box(np.array([420, 100, 600, 300]), camera, SIZE)
    # Through a lens the homography is a compromise: two pixels of the crop are 5 of the image.
    np.testing.assert_allclose(crop.to_image(crop.centre[None])[0], (510, 200), atol=5)
    np.testing.assert_allclose(crop.rays(np.array([510.0, 200.0])), 0, atol=1e-6)


@given(st.floats(-0.5, 0.5), st.floats(-0.4, 0.4), st.integers(0, 1000))
@settings(deadline=None)
def test_points_turned_back_from_the_crop_are_the_cameras(x: float, y: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    body = rng.normal(scale=0.3, size=(26, 3)) + (4 * x, 4 * y, 4)
    pixels = PINHOLE.project(body)
    box = np.concatenate([pixels.min(0), pixels.max(0)])
    crop = Crops.from_box(box, PINHOLE, SIZE)
    virtual = body @ crop.virtual_from_camera.T
    np.testing.assert_allclose(crop.to_camera(virtual), body, atol=1e-9)
    # The virtual camera sees the body where the warped picture shows it ...
    seen = crop.centre + crop.focal * virtual[:, :2] / virtual[:, 2:]
    np.testing.assert_allclose(crop.to_crop(pixels), seen, atol=1e-6)
    # ... and along the rays that are handed to the lifting branch.
    np.testing.assert_allclose(crop.rays(pixels), virtual[:, :2] / virtual[:, 2:], atol=1e-9)
    half_height = crop.normalise(crop.rays(pixels))[:, 1] * SIZE[1] / 2
    np.testing.assert_allclose(half_height, seen[:, 1] - crop.centre[1], atol=1e-6)


@pytest.mark.parametrize('camera', [LENS, FISHEYE], ids=['lens', 'fisheye'])
def test_distorted_crop_is_close_to_the_true_view(camera: Camera) -> None:
    crop = Crops.from_box(np.array([430, 180, 560, 440]), camera, SIZE)
    ys, xs = np.mgrid[16:112:8, 24:72:8].astype(float)
    points = np.stack([xs, ys], -1)
    along = crop.rays(crop.to_image(points)) * crop.focal + crop.centre
    assert np.abs(along - points).max() < 2


def test_normalised_rays_do_not_depend_on_the_resolution() -> None:
    double = Camera.from_fov(1280, 960, math.radians(80))
    box = np.array([100.0, 80.0, 260.0, 420.0])
    pixels = np.random.default_rng(0).uniform(100, 400, (26, 2))
    one = Crops.from_box(box, PINHOLE, SIZE)
    other = Crops.from_box(box * 2 + 0.5, double, (192, 256))
    np.testing.assert_allclose(
        one.normalise(one.rays(pixels)), other.normalise(other.rays(pixels * 2 + 0.5)), atol=1e-9
    )


@pytest.mark.parametrize('box', [(700, 100, 900, 400), (-400, -300, -200, -100)])
def test_box_outside_the_image_gives_a_black_crop(box: tuple[float, ...]) -> None:
    crop = Crops.from_box(np.array(box), PINHOLE, SIZE)
    warped = crop.warp(np.full((480, 640, 3), 255, np.uint8))
    assert warped.shape == (128, 96, 3)
    assert warped.mean() < 40


def test_huge_box_around_a_small_image() -> None:
    crop = Crops.from_box(np.array([-5000, -5000, 5639, 5479]), PINHOLE, SIZE)
    warped = crop.warp(np.full((480, 640, 3), 255, np.uint8))
    assert warped.shape == (128, 96, 3)
    assert warped.mean() < 20
    assert warped[60:68, 45:51].mean() > 50


def test_wide_camera_does_not_show_what_is_behind_it() -> None:
    camera = Camera.from_fov(640, 480, math.radians(140))
    crop = Crops.from_box(np.array([480, 0, 639, 479]), camera, SIZE)
    ahead = crop.image_from_crop[2, :2] @ np.array([[0, 96, 96, 0], [0, 0, 128, 128]]) + 1
    scale = crop.image_from_crop[2, 2]
    assert (ahead * scale > 0).all()
    assert (crop.virtual_from_camera[2, 2] > 0).all()


@pytest.mark.parametrize(
    'box', [(10, 10, 10, 50), (10, 50, 20, 10), (np.nan, 0, 1, 1), (0, 0, np.inf, 1)]
)
def test_empty_box_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match='box: expected finite x0 < x1, y0 < y1; got'):
        Crops.from_box(np.array(box, float), PINHOLE, SIZE)


def test_box_beyond_the_lens_is_refused_and_left_out() -> None:
    wide = Camera(np.diag([150.0, 150.0, 1]) + [[0, 0, 320], [0, 0, 240], [0, 0, 0]], 640, 480,
                  np.zeros(4), 'equidistant')  # fmt: skip
    beyond = np.array([560.0, 200, 639, 280])
    with pytest.raises(ValueError, match="box: expected it within the lens's reach"):
        Crops.from_box(beyond, wide, SIZE)
    crops, made = Crops.aim(np.array([beyond, [300, 200, 380, 300]]), wide, SIZE, 1.25)
    assert made.tolist() == [1]
    assert len(crops) == 1


@cameras
def test_crops_together_are_crops_one_by_one(camera: Camera, rng: np.random.Generator) -> None:
    places = np.array([BOXES[name] for name in ('middle', 'corner', 'small')], float)
    broken = np.array([[9, 9, 9, 50], [np.nan, 0, 1, 1], [0, 0, np.inf, 1]])
    together, made = Crops.aim(np.concatenate([broken, places]), camera, SIZE, 1.25)
    assert made.tolist() == [3, 4, 5]
    image = rng.integers(0, 256, (480, 640, 3), np.uint8)
    for crop, box, picture in zip(together, places, together.cut(image), strict=True):
        alone = Crops.from_box(box, camera, SIZE, 1.25)
        np.testing.assert_allclose(crop.image_from_crop, alone.image_from_crop, rtol=1e-12)
        np.testing.assert_allclose(crop.virtual_from_camera, alone.virtual_from_camera)
        assert crop.focal == pytest.approx(alone.focal)
        np.testing.assert_array_equal(picture[..., :3], crop.warp(image))
    points = rng.uniform((0, 0), SIZE, (3, 26, 2))
    pixels = together.to_image(points)
    rays = together.rays(pixels)
    body = rng.normal(scale=0.3, size=(3, 26, 3)) + (0, 0, 4)
    for row, crop in enumerate(together):
        np.testing.assert_allclose(pixels[row], crop.to_image(points[row]))
        np.testing.assert_allclose(rays[row], crop.rays(pixels[row]), atol=1e-12)
        np.testing.assert_allclose(together.normalise(rays)[row], crop.normalise(rays[row]))
        np.testing.assert_allclose(together.to_camera(body)[row], crop.to_camera(body[row]))
    np.testing.assert_allclose(
        together.project(body), camera.project(together.to_camera(body)), equal_nan=True
    )
    some = together[np.array([2, 0])]
    assert len(some) == 2
    np.testing.assert_array_equal(some.to_image(points[[2, 0]]), pixels[[2, 0]])


def test_no_crops() -> None:
    assert len(NONE) == 0
    assert NONE.to_image(np.zeros((0, 26, 2))).shape == (0, 26, 2)
    assert NONE.rays(np.zeros((0, 26, 2))).shape == (0, 26, 2)
    assert NONE.to_camera(np.zeros((0, 26, 3))).shape == (0, 26, 3)


@pytest.mark.parametrize('rotation', [0, 90])
@pytest.mark.parametrize('distortion', [[], [-0.3, 0.1, 0.001, -0.001, 0.0]])
def test_crop_px_are_normalised_as_by_the_way_through_the_picture(
    rotation: int, distortion: list[float], rng: np.random.Generator
) -> None:
    pinhole = Camera.from_fov(640, 480, 1.0)
    camera = replace(pinhole, distortion=np.array(distortion), rotation=rotation)
    boxes = np.array([[10.0, 20, 150, 300], [400, 100, 600, 470]])
    crops, _ = Crops.aim(boxes, camera, (144, 192), 1.25)
    points = rng.uniform(0, 140, (2, 26, 2)).astype(np.float32)
    expected = crops.normalise(crops.rays(crops.to_image(points)))
    np.testing.assert_allclose(crops.normalised(points), expected, atol=1e-12)


def test_rim_of_the_crop() -> None:
    points = np.array([[48.0, 64.0], [0.0, 64.0], [95.0, 64.0], [48.0, 1.0], [48.0, 126.0]])
    assert NONE.near_edge(points).tolist() == [False, True, True, True, True]


@pytest.mark.parametrize('channels', ['rgb', 'bgr'])
def test_input_is_normalised_in_the_specs_order(channels: str, rng: np.random.Generator) -> None:
    spec = tiny_spec(channels=channels, mean=(10.0, 20.0, 30.0), std=(2.0, 4.0, 5.0))
    image = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
    crops, _ = Crops.aim(np.array([BOXES['middle'], BOXES['whole']], float), PINHOLE, SIZE, 1.25)
    batch = InputBatch(spec)
    filled = batch.fill([(image, crops)])
    assert filled.dtype == np.float32
    assert filled.shape == (2, 3, 128, 96)
    for row, crop in enumerate(crops):
        grey = crop.warp(image).astype(float)
        ordered = grey[..., ::-1] if channels == 'rgb' else grey
        expected = (ordered - (10, 20, 30)) / (2, 4, 5)
        np.testing.assert_allclose(filled[row], expected.transpose(2, 0, 1), atol=1e-4)
    assert batch.fill([(image, crops[1:])]).shape == (1, 3, 128, 96)
    assert batch.fill([(image, NONE)]).shape == (0, 3, 128, 96)
