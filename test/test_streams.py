"""Several cameras, boxes and keypoints of others, and the limits, in simulated time."""

from dataclasses import replace
import math
from pathlib import Path

import numpy as np
import pytest
from tiny_estimator import tiny_estimator
from tiny_model import Box, keypoints_in, person_box, picture, write_tiny_model
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.estimator import CameraImage, EstimatorSettings, PoseEstimator

pytestmark = pytest.mark.slow

SIZE = (640, 480)
CAMERA = Camera.from_fov(*SIZE, math.radians(60))
BOX = person_box(320, 240, 300)


def lift(estimator: PoseEstimator, stamp: float, *people: Box, score: float = 0.9) -> Poses:
    keypoints = np.array([keypoints_in(box) for box in people]).reshape(-1, 26, 2)
    scores = np.full(keypoints.shape[:2], score)
    return estimator.lift(keypoints, scores, CAMERA, stamp, skeleton=UNION)


def test_streams_have_people_of_their_own(estimator: PoseEstimator) -> None:
    for frame in range(4):
        images = [
            CameraImage(picture(BOX), CAMERA, frame / 30, 'front'),
            CameraImage(picture(), CAMERA, 7.0 + frame / 30, 'back'),
        ]
        front, back = estimator.estimate_batch(images)
    assert (len(front), len(back)) == (1, 0)
    # A stream's time is its own: the other's does not make it start over.
    assert len(estimator.estimate(picture(BOX), CAMERA, 5 / 30, stream='front')) == 1


def test_batch_answers_as_one_by_one(model: Path) -> None:
    one, other = tiny_estimator(model, threads=1), tiny_estimator(model, threads=1, streams=2)
    places = {'a': person_box(200, 240, 300), 'b': person_box(420, 220, 260)}
    for frame in range(4):
        images = [
            CameraImage(picture(box), CAMERA, frame / 30, name) for name, box in places.items()
        ]
        together = other.estimate_batch(images)
        alone = [
            one.estimate(image.image, CAMERA, image.stamp, stream=image.stream) for image in images
        ]
    for mine, theirs in zip(together, alone, strict=True):
        np.testing.assert_allclose(mine.keypoints_3d, theirs.keypoints_3d, atol=1e-4)
        assert len(mine) == 1


def test_one_stream_twice_in_a_batch_is_refused(estimator: PoseEstimator) -> None:
    image = CameraImage(picture(), CAMERA, 0.0)
    with pytest.raises(ValueError, match='each of another stream'):
        estimator.estimate_batch([image, image])


def test_given_boxes_take_the_place_of_the_detector(estimator: PoseEstimator) -> None:
    estimator.configure(EstimatorSettings(detector='none'))
    for frame in range(3):
        assert len(estimator.estimate(picture(BOX), CAMERA, frame / 30)) == 0
    given = np.array([BOX, [np.nan] * 4, [5, 5, 5, 5]], np.float32)
    for frame in range(3, 6):
        poses = estimator.estimate(picture(BOX), CAMERA, frame / 30, boxes=given)
    assert poses.track_ids.tolist() == [1]
    # Between, their own prediction is enough.
    assert len(estimator.estimate(picture(BOX), CAMERA, 6 / 30)) == 1


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'boxes': np.zeros(4)}, r'boxes: expected \(N, 4\)'),
        ({'depth': np.zeros((4, 4), np.float32)}, r'depth: expected that of the image'),
    ],
)
def test_malformed_extras_are_named(
    estimator: PoseEstimator, given: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        estimator.estimate(picture(), CAMERA, 0.0, **given)


def test_keypoints_of_others_are_lifted(estimator: PoseEstimator) -> None:
    for frame in range(3):
        poses = lift(estimator, frame / 30, BOX)
    assert poses.track_ids.tolist() == [1]
    assert (poses.flags & KeypointFlag.LIFTED).all()
    assert (poses.flags & KeypointFlag.METRIC_ROOT).all()
    assert np.isnan(poses.agreement).all()
    assert 2 < poses.keypoints_3d[0, UNION.index('pelvis'), 2] < 5


def test_lifted_people_of_an_assumed_view_are_flagged(estimator: PoseEstimator) -> None:
    keypoints, scores = keypoints_in(BOX)[None], np.full((1, len(UNION)), 0.9)
    for frame in range(3):
        poses = estimator.lift(keypoints, scores, replace(CAMERA, assumed=True), frame / 30)
    assert poses.is_view_assumed
    assert (poses.flags & KeypointFlag.METRIC_ROOT).all()


def test_keypoints_of_another_set_are_completed(estimator: PoseEstimator) -> None:
    index = COCO_17.indices_in(UNION)
    keypoints = keypoints_in(BOX)[None, index]
    for frame in range(3):
        poses = estimator.lift(
            keypoints, np.full((1, 17), 0.9), CAMERA, frame / 30, skeleton=COCO_17
        )
    assert len(poses) == 1
    observed = (poses.flags[0] & KeypointFlag.OBSERVED) > 0
    assert observed[index].all()
    assert not observed[UNION.index('pelvis')]
    np.testing.assert_allclose(
        poses.keypoints_2d[0, UNION.index('pelvis')],
        keypoints_in(BOX)[UNION.index('pelvis')],
        atol=25,
    )
    with pytest.raises(ValueError, match=r'expected \(N, 17, 2\)'):
        estimator.lift(keypoints[0], np.ones(17), CAMERA, 1.0, skeleton=COCO_17)


def test_depth_image_is_used_and_flagged(estimator: PoseEstimator) -> None:
    depth = np.full((480, 640), 3.5, np.float32)
    for frame in range(4):
        poses = estimator.estimate(picture(BOX), CAMERA, frame / 30, depth=depth)
    assert poses.root_mode is RootMode.DEPTH
    assert (poses.flags & KeypointFlag.DEPTH_ROOT).all()
    assert poses.keypoints_3d[0, UNION.index('pelvis'), 2] == pytest.approx(3.6, abs=0.15)
    poses = estimator.estimate(picture(BOX), CAMERA, 4 / 30)
    assert poses.root_mode is RootMode.PROJECTIVE
    assert not (poses.flags & KeypointFlag.DEPTH_ROOT).any()


def test_depth_places_people_of_a_camera_without_calibration(estimator: PoseEstimator) -> None:
    # The real lens is wider than assumed: projection alone finds 3.6 m.
    for frame in range(8):
        depth = np.full((480, 640), 2.0, np.float32)
        poses = estimator.estimate(picture(BOX), None, frame / 30, depth=depth)
    flags = KeypointFlag.DEPTH_ROOT | KeypointFlag.ASSUMED_VIEW
    assert ((poses.flags & flags) == flags).all()
    placed = poses.keypoints_3d[0]
    assert placed[UNION.index('pelvis'), 2] == pytest.approx(2.1, abs=0.15)
    # It is the view that was wrong: nobody becomes a dwarf by it.
    known = estimator.estimate_image(picture(BOX), CAMERA).keypoints_3d[0]
    sizes = [np.nanmax(points[:, 1]) - np.nanmin(points[:, 1]) for points in (placed, known)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_low_agreement_lowers_the_scores(tmp_path: Path) -> None:
    scores = {}
    for agreement in (0.9, 0.2):
        path = write_tiny_model(tmp_path, f'agrees{agreement:.0%}', agreement=agreement)
        estimator = tiny_estimator(path, threads=1)
        for frame in range(4):
            poses = estimator.estimate(picture(BOX), CAMERA, frame / 30)
        scores[agreement] = poses.scores.mean()
    assert scores[0.2] == pytest.approx(0.4 * scores[0.9], rel=0.02)


@pytest.mark.slow
def test_nobody_for_an_hour(estimator: PoseEstimator) -> None:
    for minute in range(60):
        lift(estimator, 60.0 * minute, BOX)
        lift(estimator, 60.0 * minute + 0.03, BOX)
        for frame in range(40):
            poses = lift(estimator, 60.0 * minute + 1 + 1.4 * frame)
            assert len(poses) == 0
    stream = estimator._streams['']
    assert len(stream._tracker.tracks) + len(stream._tracker.lost) == 0
    assert len(stream._refiner._known) == 0


@pytest.mark.slow
def test_fifty_people_come_and_all_leave_at_once(estimator: PoseEstimator) -> None:
    crowd = [person_box(40 + 60 * (i % 10), 60 + 90 * (i // 10), 80) for i in range(50)]
    for second in range(20):
        for frame in range(8):
            poses = lift(estimator, second + frame / 30, *crowd)
            assert len(poses) <= estimator.settings.max_people
        assert len(poses) == estimator.settings.max_people
        lift(estimator, second + 0.9)
    stream = estimator._streams['']
    assert len(stream._tracker.lost) <= 2 * estimator.settings.max_people
    assert len(stream._refiner._known) <= 3 * estimator.settings.max_people


def test_person_who_fills_the_picture(estimator: PoseEstimator) -> None:
    for frame in range(6):
        poses = lift(estimator, frame / 30, person_box(320, 500, 1900))
        assert np.isfinite(poses.boxes).all()
    assert len(poses) == 1
    for frame in range(6, 12):
        image = picture(person_box(320, 500, 1900))
        poses = estimator.estimate(image, CAMERA, frame / 30)
        assert np.isfinite(poses.keypoints_3d).all()
