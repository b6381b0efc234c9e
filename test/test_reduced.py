"""Pictures that are reduced while they are decoded: the same people, in the same pixels."""

from collections.abc import Iterator
import itertools
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_estimator import tiny_estimator
from tiny_model import Box, person_box, picture, write_tiny_model
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.resources import find_resource
from unihpe_ros.detector import PersonDetector
from unihpe_ros.estimator import CameraImage, EstimatorSettings, PoseEstimator

SIZE = (640, 480)
CAMERA = Camera.from_fov(*SIZE, math.radians(60))
LENS = Camera(CAMERA.K, *SIZE, np.array([-0.2, 0.05, 0.001, 0.001, 0.0]))
LARGE, SMALL = person_box(200, 240, 300), person_box(500, 240, 120)
MODEL = 'unihpe_rt'
FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@pytest.fixture
def estimator(tmp_path: Path) -> Iterator[PoseEstimator]:
    model = write_tiny_model(tmp_path)
    estimator = tiny_estimator(model, EstimatorSettings(detect_every=4), threads=1)
    yield estimator
    estimator.close()


def reduce_by_area(image: np.ndarray, factor: int) -> np.ndarray:
    extent = -(-image.shape[1] // factor), -(-image.shape[0] // factor)
    return cv2.resize(image, extent, interpolation=cv2.INTER_AREA)


def step(estimator: PoseEstimator, stamp: float, *people: Box) -> tuple[Poses, int]:
    """Look at the next picture as far as it is wanted; return by how much it was reduced."""
    factor = estimator.reduction(SIZE, CAMERA, stamp)
    image = reduce_by_area(picture(*people), factor)
    camera_image = CameraImage(image, CAMERA, stamp, whole_size=SIZE)
    assert camera_image.reduction == factor
    return estimator.estimate_batch([camera_image])[0], factor


@pytest.mark.parametrize('camera', [CAMERA, LENS], ids=['pinhole', 'lens'])
def test_crops_of_a_reduced_image_look_the_same_way(camera: Camera) -> None:
    crops, _ = Crops.aim(np.array([LARGE, SMALL]), camera, (96, 128), 1.25)
    points = np.random.default_rng(0).uniform(0, 90, (2, 9, 2))
    for factor in (2, 4, 8):
        smaller = crops.reduced(factor)
        pixels = smaller.to_image(points)
        # The middle of a block of pixels is the middle of the pixel that it becomes.
        np.testing.assert_allclose((pixels + 0.5) * factor - 0.5, crops.to_image(points))
        np.testing.assert_allclose(
            smaller.rays(pixels), crops.rays(crops.to_image(points)), atol=1e-6
        )
        assert smaller.camera is crops.reduced(factor).camera
    assert crops.reduced(1) is crops


def test_sizes_that_are_no_multiples_are_rounded_up() -> None:
    image = np.zeros((121, 161, 3), np.uint8)
    camera_image = CameraImage(image, None, 0.0, whole_size=(641, 483))
    assert (camera_image.reduction, camera_image.size) == (4, (641, 483))
    assert Camera.from_fov(641, 483, 1.0).reduced(4).width == 161
    assert CameraImage(image, None, 0.0).reduction == 1


def test_an_image_that_is_no_reduction_is_refused() -> None:
    with pytest.raises(ValueError, match=r'expected \(640, 480\) reduced by 2, 4 or 8; got \(100'):
        CameraImage(np.zeros((100, 100, 3), np.uint8), None, 0.0, whole_size=SIZE)


def test_large_people_are_looked_at_in_reduced_pictures(estimator: PoseEstimator) -> None:
    factors = []
    for frame in range(10):
        poses, factor = step(estimator, frame / 30, LARGE)
        factors.append(factor)
    # 300 px and a quarter more are 2.9 times the network's 128.
    assert set(factors[2:]) == {2}
    assert poses.track_ids.tolist() == [1]
    for frame in range(10):
        whole = estimator.estimate(picture(LARGE), CAMERA, frame / 30, stream='whole')
    np.testing.assert_allclose(poses.keypoints_2d, whole.keypoints_2d, atol=1.5)
    np.testing.assert_allclose(poses.boxes, whole.boxes, atol=3)


def test_small_people_need_the_whole_picture(estimator: PoseEstimator) -> None:
    factors = [step(estimator, frame / 30, SMALL)[1] for frame in range(8)]
    assert set(factors[2:]) == {1}
    # One small person is enough, however large another is.
    factors = [step(estimator, frame / 30, SMALL, LARGE)[1] for frame in range(8, 20)]
    assert set(factors[6:]) == {1}


def test_a_small_newcomer_is_looked_at_in_the_next_and_whole_picture(
    estimator: PoseEstimator,
) -> None:
    for frame in range(8):
        assert len(step(estimator, frame / 30, LARGE)[0]) <= 1
    history = [step(estimator, frame / 30, LARGE, SMALL) for frame in range(8, 20)]
    factors = [factor for _, factor in history]
    counts = [len(poses) for poses, _ in history]
    first = factors.index(1)
    # Found in a reduced picture, looked at in the next, reported with the second look.
    assert factors[:first] == [2] * first
    assert 1 <= first <= 4
    assert set(factors[first:]) == {1}
    assert counts[first + 1 :] == [2] * (len(counts) - first - 1)


def test_asking_for_the_reduction_moves_nobody(estimator: PoseEstimator) -> None:
    def at(frame: int) -> Box:
        return person_box(150 + 12 * frame, 240, 300)

    # Until both know the velocity: who is asked may be confirmed a picture later.
    for frame in range(14):
        for other in (-7.0, frame / 30 + 0.2, 99.0):
            estimator.reduction(SIZE, CAMERA, other)
        asked, _ = step(estimator, frame / 30, at(frame))
        plain = estimator.estimate(picture(at(frame)), CAMERA, frame / 30, stream='plain')
    # Gone: both are carried along by the prediction alone.
    for frame in range(14, 17):
        asked, _ = step(estimator, frame / 30)
        plain = estimator.estimate(picture(), CAMERA, frame / 30, stream='plain')
    assert len(asked) == len(plain) == 1
    np.testing.assert_allclose(asked.keypoints_2d, plain.keypoints_2d, atol=2)


def test_with_nobody_to_look_for_the_detector_decides(estimator: PoseEstimator) -> None:
    stamp, detector = 0.0, PersonDetector()
    assert detector.reduction((1920, 1080)) == 4
    assert detector.reduction((1280, 720)) == 2
    assert detector.reduction((640, 480)) == 1
    assert detector.reduction((100, 90)) == 1
    detector.close()
    estimator.configure(EstimatorSettings(detector='none'))
    assert estimator.reduction(SIZE, CAMERA, stamp) == 8
    assert estimator.reduction(SIZE, None, stamp, boxes=np.array([LARGE], np.float32)) == 2
    beyond = np.array([LARGE, [np.nan] * 4, [-900, -900, 900, 900]], np.float32)
    assert estimator.reduction(SIZE, CAMERA, stamp, boxes=beyond) == 2


@pytest.mark.slow
@pytest.mark.parametrize('quality', [80, 95])
def test_jpeg_of_large_people_gives_the_same_skeletons_at_half_size(
    quality: int, rng: np.random.Generator
) -> None:
    recording, estimator = BagReader(find_resource('resource/demo/people')), PoseEstimator(MODEL)
    small, scale = recording.camera, 3
    camera = Camera(small.K * [[scale], [scale], [1]], scale * small.width, scale * small.height)
    size = camera.width, camera.height
    for stamp, frame in itertools.islice(recording.frames(), 15):
        seconds, whole = stamp * 1e-9, cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
        # Grain is the detail that a rendered picture, enlarged, has not.
        grainy = (whole + rng.normal(0, 8, whole.shape)).clip(0, 255).astype(np.uint8)
        data = cv2.imencode('.jpg', grainy, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        factor = estimator.reduction(size, camera, seconds, stream='reduced')
        decoded = [cv2.imdecode(data, FLAGS[n]) for n in (1, factor)]
        camera_images = [
            CameraImage(decoded[0], camera, seconds, 'whole'),
            CameraImage(decoded[1], camera, seconds, 'reduced', whole_size=size),
        ]
        full, reduced = estimator.estimate_batch(camera_images)
    estimator.close()
    assert factor == 2
    assert len(full) == len(reduced) == 3
    # Ids are given in the order in which people are found.
    same = boxes.iou(full.boxes, reduced.boxes).argmax(1)
    assert sorted(same) == [0, 1, 2]
    height = full.boxes[:, 3] - full.boxes[:, 1]
    apart = np.linalg.norm(full.keypoints_2d - reduced.keypoints_2d[same], axis=-1)
    sure = (full.scores > 0.5) & (reduced.scores[same] > 0.5)
    assert sure.sum() > 30
    assert np.median((apart / height[:, None])[sure]) < 0.004
    assert (apart / height[:, None])[sure].max() < 0.03
    relative = [poses.keypoints_3d - poses.keypoints_3d[:, :1] for poses in (full, reduced)]
    moved = np.linalg.norm(relative[0] - relative[1][same], axis=-1)
    assert np.median(moved) < 0.01
