"""PoseEstimator, end to end on painted people and a model of constants."""

import math
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from tiny_estimator import tiny_estimator
from tiny_model import (
    Box,
    keypoints_in,
    person_box,
    picture,
    skeleton_3d,
    STATURE,
    write_tiny_model,
)
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.core.stature import stature
from unihpe_ros.estimator import EstimatorSettings, PoseEstimator, STAGES
from watched_people import CAMERA, RATE, SIZE, watch

PELVIS = UNION.index('pelvis')


def test_nobody(estimator: PoseEstimator) -> None:
    poses = watch(estimator)
    assert len(poses) == 0
    assert poses.skeleton is UNION


def test_person_is_found_where_they_stand(estimator: PoseEstimator) -> None:
    box = person_box(320, 240, 300)
    poses = watch(estimator, box)
    assert poses.track_ids.tolist() == [1]
    # A pixel of the tiny crop is 3 px of the image.
    np.testing.assert_allclose(poses.keypoints_2d[0], keypoints_in(box), atol=4)
    np.testing.assert_allclose(poses.boxes[0], box, atol=5)
    assert (poses.scores > 0.9).all()


def test_newcomer_is_not_reported_on_first_sight(estimator: PoseEstimator) -> None:
    image = picture(person_box(320, 240, 300))
    assert len(estimator.estimate(image, CAMERA, 0.0)) == 0
    assert len(estimator.estimate(image, CAMERA, 0.033)) == 1


def test_single_image_is_answered_at_once(estimator: PoseEstimator) -> None:
    people = person_box(200, 240, 300), person_box(460, 240, 250)
    estimator.configure(EstimatorSettings(confirm_time=1.0))
    poses = estimator.estimate_image(picture(*people), CAMERA)
    assert poses.track_ids.tolist() == [1, 2]
    found = poses.keypoints_2d[poses.keypoints_2d[:, 0, 0].argsort()]
    np.testing.assert_allclose(found, [keypoints_in(box) for box in people], atol=5)
    assert poses.root_mode is RootMode.PROJECTIVE
    assert (poses.flags & KeypointFlag.OBSERVED).all()
    assert not poses.is_view_assumed
    assert estimator.estimate_image(picture(*people)).is_view_assumed
    assert len(estimator.estimate_image(picture())) == 0


def test_single_image_leaves_the_streams_alone(estimator: PoseEstimator) -> None:
    box = person_box(320, 240, 300)
    assert watch(estimator, box).track_ids.tolist() == [1]
    estimator.estimate_image(picture(), CAMERA)
    poses = estimator.estimate(picture(box), CAMERA, 4 / RATE)
    assert poses.track_ids.tolist() == [1]
    assert (poses.flags & KeypointFlag.OBSERVED).all()


def test_boxes_may_be_given_with_a_single_image(estimator: PoseEstimator) -> None:
    one, other = person_box(200, 240, 300), person_box(460, 240, 250)
    boxes = np.array([other], np.float32)
    poses = estimator.estimate_image(picture(one, other), CAMERA, boxes=boxes)
    np.testing.assert_allclose(poses.keypoints_2d, [keypoints_in(other)], atol=5)


@pytest.mark.parametrize('x', [100, 320, 540])
def test_person_is_placed_by_projection(estimator: PoseEstimator, x: int) -> None:
    poses = watch(estimator, person_box(x, 240, 300))
    assert poses.root_mode is RootMode.PROJECTIVE
    distance = float(np.linalg.norm(poses.keypoints_3d[0, PELVIS]))
    expected = STATURE * CAMERA.K[0, 0] / 300
    # Off the axis the painted rectangle does not shrink in the image as a real person would.
    assert expected * 0.97 < distance < expected * 1.2
    np.testing.assert_allclose(
        CAMERA.project(poses.keypoints_3d[0]), poses.keypoints_2d[0], atol=12
    )
    assert (poses.flags[0] & KeypointFlag.METRIC_ROOT).all()


def test_fused_pose_is_reported_in_the_cameras_frame(estimator: PoseEstimator) -> None:
    estimator.configure(EstimatorSettings(root_mode=RootMode.RELATIVE, fixed_bones=False))
    poses = watch(estimator, person_box(320, 240, 300))
    # The crop looks almost along the axis: only the rotation of a few pixels is between them.
    np.testing.assert_allclose(poses.keypoints_3d[0], skeleton_3d(), atol=0.02)
    assert poses.root_mode is RootMode.RELATIVE
    assert not (poses.flags & KeypointFlag.METRIC_ROOT).any()


def test_relative_pose_is_turned_out_of_the_crops_view(estimator: PoseEstimator) -> None:
    estimator.configure(EstimatorSettings(root_mode=RootMode.RELATIVE, fixed_bones=False))
    right = watch(estimator, person_box(580, 240, 200)).keypoints_3d[0]
    np.testing.assert_allclose(right[PELVIS], 0, atol=1e-6)
    np.testing.assert_allclose(
        np.linalg.norm(right, axis=-1), np.linalg.norm(skeleton_3d(), axis=-1), atol=1e-5
    )
    # Who faces the crop's camera at the right edge of the picture is turned to its left.
    across = right[UNION.index('left_shoulder')] - right[UNION.index('right_shoulder')]
    angle = math.degrees(math.atan2(-across[2], across[0]))
    assert angle == pytest.approx(math.degrees(math.atan2(580 - 319.5, CAMERA.K[0, 0])), abs=1)


@pytest.mark.parametrize('fov', [45.0, 90.0])
def test_unknown_camera_places_by_the_assumed_view_and_flags_it(
    estimator: PoseEstimator, fov: float
) -> None:
    estimator.configure(EstimatorSettings(default_fov_deg=fov))
    people = person_box(200, 240, 300), person_box(480, 240, 200)
    for frame in range(3):
        poses = estimator.estimate(picture(*people), None, frame / RATE)
    assert poses.root_mode is RootMode.PROJECTIVE
    flags = KeypointFlag.METRIC_ROOT | KeypointFlag.ASSUMED_VIEW
    assert ((poses.flags & flags) == flags).all()
    focal = 320 / math.tan(math.radians(fov / 2))
    near, far = poses.keypoints_3d[np.argsort(poses.keypoints_3d[:, PELVIS, 0]), PELVIS]
    assert near[2] == pytest.approx(STATURE * focal / 300, rel=0.1)
    assert far[2] > 1.3 * near[2]
    assert near[0] < 0 < far[0]


def test_calibration_that_comes_late_moves_people_at_once_and_keeps_their_ids(
    estimator: PoseEstimator,
) -> None:
    box, wide = person_box(320, 240, 300), Camera.from_fov(*SIZE, math.radians(100))
    for frame in range(10):
        before = estimator.estimate(picture(box), None, frame / RATE)
    after = estimator.estimate(picture(box), wide, 10 / RATE)
    assert (before.track_ids.tolist(), after.track_ids.tolist()) == ([1], [1])
    assert not after.is_view_assumed
    expected = wide.K[0, 0] / CAMERA.K[0, 0]
    ratio = after.keypoints_3d[0, PELVIS, 2] / before.keypoints_3d[0, PELVIS, 2]
    assert ratio == pytest.approx(expected, rel=0.03)


def test_known_stature_sets_the_scale(estimator: PoseEstimator) -> None:
    box = person_box(320, 240, 300)
    before = watch(estimator, box)
    estimator.configure(EstimatorSettings(person_height_m=1.2, smoothing=False))
    after = estimator.estimate(picture(box), CAMERA, 1 / RATE * 4)
    assert stature(after.keypoints_3d, UNION)[0] == pytest.approx(1.2, abs=1e-3)
    factor = 1.2 / stature(before.keypoints_3d, UNION)[0]
    np.testing.assert_allclose(
        after.keypoints_3d[0], before.keypoints_3d[0] * factor, atol=0.05 * factor
    )


@pytest.mark.parametrize(
    'box',
    [
        person_box(320, 420, 400),  # legs
        person_box(320, 40, 400),  # head
        person_box(10, 240, 300),  # left half
        person_box(630, 240, 300),  # right half
    ],
)
def test_person_cut_by_the_picture_is_followed(estimator: PoseEstimator, box: Box) -> None:
    poses = watch(estimator, box, frames=30)
    assert poses.track_ids.tolist() == [1]
    seen = np.clip(box, 0, (639, 479, 639, 479))
    np.testing.assert_allclose(poses.boxes[0], seen, atol=10)


def test_agreement_is_reported_and_flagged(tmp_path: Path) -> None:
    for agreement, flagged in ((0.9, False), (0.2, True)):
        path = write_tiny_model(tmp_path, f'agrees{flagged}', agreement=agreement)
        poses = watch(tiny_estimator(path), person_box(320, 240, 300))
        assert poses.agreement[0] == pytest.approx(agreement, abs=1e-5)
        assert bool((poses.flags & KeypointFlag.LOW_AGREEMENT).all()) is flagged


def test_distorted_camera(model: Path) -> None:
    distortion = np.array([-0.3, 0.1, 0.001, -0.001, 0.0])
    camera = Camera(CAMERA.K, *SIZE, distortion)
    estimator = tiny_estimator(model)
    box = person_box(560, 240, 300)
    for frame in range(6):
        poses = estimator.estimate(picture(box), camera, frame / RATE)
    np.testing.assert_allclose(poses.keypoints_2d[0], keypoints_in(box), atol=6)


@pytest.mark.parametrize('size', [(1, 1), (17, 5), (4000, 40), (30, 900), (1920, 1080)])
def test_any_image_size(estimator: PoseEstimator, size: tuple[int, int]) -> None:
    for frame in range(3):
        assert len(estimator.estimate(picture(size=size), None, frame / RATE)) == 0


ODD_LENSES = {
    'none': None,
    'telescope': Camera.from_fov(*SIZE, 0.05),
    'door_viewer': Camera.from_fov(*SIZE, 2.9),
    'barrel': Camera(CAMERA.K, *SIZE, np.array([-0.5, 0.3, 0.01, -0.01, -0.1])),
    'pincushion': Camera(CAMERA.K, *SIZE, np.array([0.5, -0.3, 0.01, -0.01, 0.1])),
    'fisheye': Camera(CAMERA.K * (0.3, 0.3, 1), *SIZE, np.zeros(4), 'equidistant'),
}


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('camera', ODD_LENSES.values(), ids=ODD_LENSES)
def test_odd_lenses_break_nothing(
    estimator: PoseEstimator, camera: Camera | None, rng: np.random.Generator
) -> None:
    for scene in range(4):
        people = [(rng.uniform(-60, 700), rng.uniform(-60, 540)) for _ in range(3)]
        for frame in range(12):
            boxes = [person_box(x + 3 * frame, y, 80 * (scene + 1)) for x, y in people]
            shown = boxes if rng.uniform() < 0.9 else []
            stamp = 10.0 * scene + frame * rng.choice([0.0, 0.03, 0.1])
            poses = estimator.estimate(picture(*shown), camera, stamp)
            known = np.isfinite(poses.keypoints_2d).all(-1) | np.isfinite(poses.keypoints_3d).all(
                -1
            )
            assert (known | (poses.scores == 0)).all()
            assert np.isfinite(poses.boxes).all()
            assert len(poses) <= estimator.settings.max_people


def test_channel_order_and_input_size_follow_the_spec(tmp_path: Path) -> None:
    path = write_tiny_model(
        tmp_path, channels='bgr', input_size=(72, 96), simcc_ratio=3.0, mean=(120.0,) * 3
    )
    poses = watch(tiny_estimator(path), person_box(320, 240, 300))
    np.testing.assert_allclose(
        poses.keypoints_2d[0], keypoints_in(person_box(320, 240, 300)), atol=6
    )


def test_stage_times_name_every_stage(estimator: PoseEstimator) -> None:
    watch(estimator, person_box(320, 240, 300))
    assert tuple(estimator.stage_times) == STAGES
    assert all(seconds > 0 for seconds in estimator.stage_times.values())


def test_poses_outlive_the_next_image(estimator: PoseEstimator) -> None:
    one = watch(estimator, person_box(320, 240, 300))
    copies = one.keypoints_2d.copy(), one.keypoints_3d.copy(), one.scores.copy()
    estimator.estimate(picture(person_box(340, 250, 300)), CAMERA, 1.0)
    for kept, copy in zip((one.keypoints_2d, one.keypoints_3d, one.scores), copies, strict=True):
        np.testing.assert_array_equal(kept, copy)


def test_another_thread_may_estimate(estimator: PoseEstimator) -> None:
    answers: list[Poses] = []
    thread = Thread(target=lambda: answers.append(watch(estimator, person_box(320, 240, 300))))
    thread.start()
    thread.join()
    assert answers[0].track_ids.tolist() == [1]
