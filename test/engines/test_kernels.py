"""The kernels' arithmetic, compiled for the host, against NumPy and OpenCV."""

from collections.abc import Callable
from dataclasses import replace

import cv2
from kernel_cases import BOXES, CAMERAS, PINHOLE, scenery, SIZE
import numpy as np
import pytest
from tiny_model import tiny_spec
from unihpe_ros.core import simcc
from unihpe_ros.core.aiming import aim
from unihpe_ros.core.crops import Crops, InputBatch
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.core.reduction import halvings_before
from unihpe_ros.engines import kernel_arguments
from unihpe_ros.engines.host_model import agreement_of
from unihpe_ros.engines.kernel_arguments import PixelLayout
from unihpe_ros.engines.kernels import WARP

pytestmark = pytest.mark.slow

Functions = dict[str, Callable[..., None]]
SPEC = tiny_spec()
cameras = pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)


def describe(
    images: list[tuple[np.ndarray, PixelLayout, Crops]], spec: ModelSpec
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return the tables of views and of crops, and memory that must stay alive."""
    views = np.zeros(len(images), kernel_arguments.VIEW)
    rows, kept = [], []
    for index, (image, layout, crops) in enumerate(images):
        halved = np.zeros(max(layout.offsets()[-1], 1), np.uint8)
        layout.fill(views[index], image.ctypes.data, halved.ctypes.data)
        kernel_arguments.fill_lens(views[index]['lens'], crops.camera)
        row = np.zeros(len(crops), kernel_arguments.CROP)
        kernel_arguments.fill_crops(row, views[index], crops, spec.input_size, index)
        rows.append(row)
        kept += [image, halved]
    return views, np.concatenate(rows), kept


def cut(
    functions: Functions, images: list[tuple[np.ndarray, PixelLayout, Crops]], spec: ModelSpec
) -> np.ndarray:
    """Run the kernels of preprocess.cu."""
    views, rows, kept = describe(images, spec)
    (w, h), address = spec.input_size, views.ctypes.data
    for halvings in range(1, int(views['halvings'].max()) + 1):
        given = kernel_arguments.arguments('halve', views=address, halvings=halvings)
        width, height = (max(layout.width for _, layout, _ in images) >> halvings,
                         max(layout.height for _, layout, _ in images) >> halvings)  # fmt: skip
        functions['halve'](given, (width + 5, height + 3, len(images)))
    batch = np.full((len(rows), 3, h, w), np.nan, np.float32)
    given = kernel_arguments.arguments(
        'cut', views=address, crops=rows.ctypes.data, batch=batch.ctypes.data, width=w, height=h,
        **kernel_arguments.normalisation(spec),
    )  # fmt: skip
    functions['cut'](given, (w + 7, h + 3, len(rows)))
    assert len(kept) == 2 * len(images)
    return batch


def grey_levels(batch: np.ndarray, spec: ModelSpec) -> np.ndarray:
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (spec.mean, spec.std))
    return batch * std + mean


def assert_same_pixels(ours: np.ndarray, theirs: np.ndarray, spec: ModelSpec = SPEC) -> None:
    assert np.isfinite(ours).all()
    error = np.abs(grey_levels(ours, spec) - grey_levels(theirs, spec))
    # OpenCV's coordinates and ours are rounded at other places: few pixels by one level.
    assert error.max() < 2.01
    assert np.percentile(error, 99.9) < 1.01
    assert error.mean() < 0.01


@cameras
def test_crops_are_opencvs(functions: Functions, camera: Camera) -> None:
    image = scenery(SIZE)
    crops, made = Crops.aim(BOXES, camera, SPEC.input_size, SPEC.padding)
    assert len(made) >= 5
    assert {0, 1} <= set(crops.halvings(SIZE).tolist())
    ours = cut(functions, [(image, PixelLayout(*SIZE), crops)], SPEC)
    assert_same_pixels(ours, InputBatch(SPEC).fill([(image, crops)]))


@pytest.mark.parametrize('width', [1280, 1999, 3840])
def test_strong_reduction_is_opencvs(functions: Functions, width: int) -> None:
    size = (width, width * 9 // 16)
    camera, image = Camera.from_fov(*size, 1.1), scenery(size, 0.5)
    scale = width / 640
    crops, _ = Crops.aim(BOXES * scale, camera, SPEC.input_size, SPEC.padding)
    assert crops.halvings(size).max() >= 2
    ours = cut(functions, [(image, PixelLayout(*size), crops)], SPEC)
    assert_same_pixels(ours, InputBatch(SPEC).fill([(image, crops)]))


def test_image_smaller_than_the_reduction(functions: Functions) -> None:
    size = (50, 3)
    camera, image = Camera.from_fov(*size, 0.5), scenery((60, 40), 0.5)[:3, :50].copy()
    crops, _ = Crops.aim(np.array([[-300.0, -300, 300, 300]]), camera, SPEC.input_size, 1.25)
    ours = cut(functions, [(image, PixelLayout(*size), crops)], SPEC)
    assert_same_pixels(ours, InputBatch(SPEC).fill([(image, crops)]))


def test_crop_that_sees_the_horizon(functions: Functions) -> None:
    # As a homography that is fitted to a strong lens can: some of it lies behind the camera.
    homography = np.array([[2, 0, 100], [0, 2, 50], [-0.004, -0.006, 1.0]])
    assert halvings_before(homography, SPEC.input_size, SIZE) >= 1
    assert homography[2] @ (*SPEC.input_size, 1) < 0
    aimed, _ = Crops.aim(BOXES[:1], PINHOLE, SPEC.input_size, SPEC.padding)
    image, crops = scenery(SIZE), replace(aimed, image_from_crop=homography[None])
    ours = cut(functions, [(image, PixelLayout(*SIZE), crops)], SPEC)
    assert_same_pixels(ours, InputBatch(SPEC).fill([(image, crops)]))


@pytest.mark.parametrize('roll', [0.4, 1.57, -2.5])
def test_turned_crops_are_opencvs(functions: Functions, roll: float) -> None:
    image = scenery(SIZE)
    aimed = aim(BOXES[:4], PINHOLE, SPEC.input_size, SPEC.padding, roll)
    crops = Crops(PINHOLE, SPEC.input_size, *aimed)
    ours = cut(functions, [(image, PixelLayout(*SIZE), crops)], SPEC)
    assert_same_pixels(ours, InputBatch(SPEC).fill([(image, crops)]))


@pytest.mark.parametrize('channels', ['rgb', 'bgr'])
def test_normalisation_is_the_specs(functions: Functions, channels: str) -> None:
    spec = tiny_spec(channels=channels, mean=(10.0, 20.0, 30.0), std=(2.0, 4.0, 5.0))
    image = scenery(SIZE)
    crops, _ = Crops.aim(BOXES[:2], PINHOLE, spec.input_size, 1.25)
    ours = cut(functions, [(image, PixelLayout(*SIZE), crops)], spec)
    assert_same_pixels(ours, InputBatch(spec).fill([(image, crops)]), spec)


def encoded(image: np.ndarray, encoding: str) -> np.ndarray:
    if encoding in ('rgb8', 'bgra8', 'rgba8', 'mono8'):
        name = {'mono8': 'GRAY'}.get(encoding, encoding[:-1].upper())
        return cv2.cvtColor(image, getattr(cv2, f'COLOR_BGR2{name}'))
    # Any bytes are a picture, whether a camera would send it or not.
    noise = np.random.default_rng(1).integers(0, 256, PixelLayout(*SIZE, encoding).shape, np.uint8)
    return noise // 4 + (image[..., 1] // 4 * 3)[..., None] if noise.ndim == 3 else noise


@pytest.mark.parametrize(
    ('encoding', 'code'),
    [
        ('rgb8', cv2.COLOR_RGB2BGR),
        ('mono8', cv2.COLOR_GRAY2BGR),
        ('yuv422_yuy2', cv2.COLOR_YUV2BGR_YUY2),
        ('yuv422', cv2.COLOR_YUV2BGR_UYVY),
        ('nv12', cv2.COLOR_YUV2BGR_NV12),
        ('nv21', cv2.COLOR_YUV2BGR_NV21),
        ('bgra8', cv2.COLOR_BGRA2BGR),
        ('rgba8', cv2.COLOR_RGBA2BGR),
    ],
)
def test_encodings_are_opencvs(functions: Functions, encoding: str, code: int) -> None:
    raw, layout = encoded(scenery(SIZE), encoding), PixelLayout(*SIZE, encoding)
    assert raw.shape == layout.shape
    assert raw.nbytes == layout.size
    crops, _ = Crops.aim(BOXES, PINHOLE, SPEC.input_size, SPEC.padding)
    ours = cut(functions, [(raw, layout, crops)], SPEC)
    assert_same_pixels(ours, InputBatch(SPEC).fill([(cv2.cvtColor(raw, code), crops)]))


def test_images_of_two_cameras_in_one_launch(functions: Functions) -> None:
    large, small = (1280, 720), (320, 240)
    pictures = []
    for size, boxes in ((large, BOXES * 2), (small, BOXES[[0, 4]] / 2)):
        crops, _ = Crops.aim(boxes, Camera.from_fov(*size, 1.0), SPEC.input_size, 1.25)
        pictures.append((scenery(size), PixelLayout(*size), crops))
    theirs = InputBatch(SPEC).fill([(image, crops) for image, _, crops in pictures])
    assert_same_pixels(cut(functions, pictures, SPEC), theirs)


def read(
    functions: Functions, answer: dict[str, np.ndarray], crops: Crops
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run the kernel that reads the image branch's answer."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    views, rows, _ = describe([(image, PixelLayout(*SIZE), crops)], SPEC)
    people, k, _ = answer['simcc_x'].shape
    layout = kernel_arguments.AnswerRows(k, 256)
    out = np.full((people, layout.width), np.nan, np.float32)
    keypoints = np.full((people, k, 3), np.nan, np.float32)
    given = kernel_arguments.arguments(
        'read_answer',
        **{name: array.ctypes.data for name, array in answer.items()},
        views=views.ctypes.data, crops=rows.ctypes.data, keypoints=keypoints.ctypes.data,
        rows=out.ctypes.data, row=layout.width, **kernel_arguments.reading(SPEC),
    )  # fmt: skip
    functions['read_answer'](given, (WARP, k + 3, people))
    points, scores, *_ = layout.split(out)
    return points, scores, keypoints


def answers(people: int, sharpness: float) -> dict[str, np.ndarray]:
    """Peaks anywhere, also on the first and last bin, in noise."""
    rng = np.random.default_rng(int(10 * sharpness))
    answer = {'visibility': rng.normal(scale=3, size=(people, 26)).astype(np.float32)}
    for name, bins in zip(('simcc_x', 'simcc_y'), SPEC.bins, strict=True):
        places = rng.uniform(0, bins - 1, (people, 26, 1))
        places[:, 0], places[:, 1] = 0, bins - 1
        peaks = -0.5 * sharpness * (np.arange(bins) - places) ** 2
        answer[name] = (peaks + rng.normal(scale=0.3, size=peaks.shape)).astype(np.float32)
    return answer


@cameras
@pytest.mark.parametrize('sharpness', [0.001, 0.05, 3.0])
def test_answer_is_read_as_on_the_host(
    functions: Functions, camera: Camera, sharpness: float
) -> None:
    crops, _ = Crops.aim(BOXES[:6], camera, SPEC.input_size, SPEC.padding)
    answer = answers(len(crops), sharpness)
    points, scores, keypoints = read(functions, answer, crops)
    their_points, their_scores = simcc.read_keypoints(answer, SPEC.simcc_ratio)
    np.testing.assert_allclose(points, their_points, atol=1e-3)
    np.testing.assert_allclose(scores, their_scores, rtol=1e-4, atol=1e-6)
    pixels = crops.to_image(points)
    theirs = lifting_input(crops.normalise(crops.rays(pixels)), scores)
    # Far outside the image of a tilted sensor the two may not both find the ray.
    near = (np.abs(pixels - np.array(SIZE) / 2) < SIZE).all(-1)
    assert near.mean() > 0.5
    np.testing.assert_allclose(keypoints[near], theirs[near], rtol=1e-4, atol=1e-5)
    shown = keypoints[..., 2] > 0
    directions = np.concatenate([keypoints[..., :2], np.ones_like(keypoints[..., :1])], -1)
    directions[..., :2] /= crops.normalise(np.ones_like(points))
    there = crops.camera.project(crops.to_camera(directions))
    np.testing.assert_allclose(there[shown], pixels[shown], rtol=1e-5, atol=0.02)
    if sharpness > 0.01:
        assert 0.1 < shown.mean() < 1


def test_of_two_places_the_heavier_is_read_though_its_peak_is_lower(functions: Functions) -> None:
    crops, _ = Crops.aim(BOXES[:1], PINHOLE, SPEC.input_size, SPEC.padding)
    answer = answers(1, 1.0)
    # Around the heavier place no two middles have the same mass, of which rounding would choose.
    answer['simcc_x'][:] = -0.1 * np.abs(np.arange(SPEC.bins[0]) - 40)
    answer['simcc_x'][..., 150] = 4.2
    answer['simcc_x'][..., 38:42] = 4
    points, _, _ = read(functions, answer, crops)
    np.testing.assert_allclose(points, simcc.read_keypoints(answer, 2.0)[0], atol=1e-3)
    assert (points[..., 0] < 30).all()


def test_answers_that_are_no_numbers_are_missing(functions: Functions) -> None:
    crops, _ = Crops.aim(BOXES[:1], PINHOLE, SPEC.input_size, SPEC.padding)
    answer = answers(1, 1.0)
    answer['simcc_y'][0, 3] = np.nan
    answer['visibility'][0, 4] = np.nan
    _, _, keypoints = read(functions, answer, crops)
    np.testing.assert_array_equal(keypoints[0, 3:5], 0)
    assert np.isfinite(keypoints).all()


def test_rows_are_finished_as_on_the_host(functions: Functions, rng: np.random.Generator) -> None:
    people, k, width = 5, 26, 256
    poses = rng.normal(size=(people, k, 3)).astype(np.float32)
    one, other = rng.normal(size=(2, people, width)).astype(np.float32)
    other[1], other[2] = one[1], -one[2]
    one, other = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (one, other))
    layout = kernel_arguments.AnswerRows(k, width)
    rows = np.full((people, layout.width), np.nan, np.float32)
    given = kernel_arguments.arguments(
        'finish', poses=poses.ctypes.data, image_embedding=one.ctypes.data,
        pose_embedding=other.ctypes.data, rows=rows.ctypes.data, count=k, width=width,
        row=layout.width,
    )  # fmt: skip
    functions['finish'](given, (WARP, 1, people))
    points, scores, their_poses, embeddings, agreement = layout.split(rows)
    np.testing.assert_array_equal(their_poses, poses)
    np.testing.assert_array_equal(embeddings, one)
    np.testing.assert_allclose(agreement, agreement_of(one, other), atol=1e-6)
    assert np.isnan(points).all()
    assert np.isnan(scores).all()
