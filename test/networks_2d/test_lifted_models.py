"""2D networks of other makers in the estimator: people, ids and metric 3D."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_detector import write_tiny_detector
from tiny_model import keypoints_in, person_box, picture, write_tiny_model
from tiny_networks_2d import write_constant_rtmo, write_rectangle_simcc
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.keypoint_sets import KEYPOINT_SETS
from unihpe_ros.core.pose import KeypointFlag, Poses
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.estimator import CameraImage, EstimatorSettings, PoseEstimator

BOXES = [person_box(200, 240, 240), person_box(460, 230, 200)]
CAMERA = Camera.from_fov(640, 480, 1.0)


@pytest.fixture
def crops(tmp_path: Path):
    made = estimator_of(tmp_path, write_rectangle_simcc(tmp_path))
    yield made
    made.close()


@pytest.fixture
def pictures(tmp_path: Path):
    """Return an estimator whose network finds the two people of BOXES in any 640x480 picture."""
    people = np.array([keypoints_in(box)[:17] for box in BOXES]) / 2
    keypoints = np.concatenate([people, np.full((2, 17, 1), 0.9)], -1)
    boxes = np.array([[*(value / 2 for value in box), 0.8] for box in BOXES])
    path = write_constant_rtmo(tmp_path / 'rtmo.onnx', boxes, keypoints, (320, 320))
    made = estimator_of(tmp_path, path)
    yield made
    made.close()


def estimator_of(folder: Path, network: Path, **settings) -> PoseEstimator:
    return PoseEstimator(
        write_tiny_model(folder),
        EstimatorSettings(smoothing=False, **settings),
        backend='onnxruntime-cpu',
        detector=write_tiny_detector(folder),
        model_2d=network,
    )


def seen(poses: Poses) -> np.ndarray:
    return (poses.flags & KeypointFlag.OBSERVED) > 0


def check_two_people(poses: Poses, tolerance: float) -> None:
    assert poses.track_ids.tolist() == [1, 2]
    order = np.argsort(poses.boxes[:, 0])
    for row, box in zip(order, BOXES, strict=True):
        coco = COCO_17.indices_in(UNION)
        off = poses.keypoints_2d[row, coco] - keypoints_in(box)[coco]
        assert np.abs(off).max() < tolerance
    assert np.isfinite(poses.keypoints_3d).all()
    depth = poses.keypoints_3d[order, UNION.index('pelvis'), 2]
    # The smaller one is farther away, and both are at some metres.
    assert 1 < depth[0] < depth[1] < 10
    assert (poses.flags & KeypointFlag.LIFTED).all()
    assert np.isnan(poses.agreement).all()


def test_crop_network_finds_follows_and_lifts(crops: PoseEstimator) -> None:
    for frame in range(4):
        poses = crops.estimate(picture(*BOXES), CAMERA, frame / 30)
    check_two_people(poses, 4)
    assert seen(poses).all()
    assert crops.spec.model == 'rectangle'
    assert crops.stage_times['lifting_branch'] > 0
    alone = crops.estimate_image(picture(*BOXES), CAMERA)
    check_two_people(alone, 4)


def test_picture_network_replaces_the_detector(pictures: PoseEstimator) -> None:
    # Nothing is painted: who is found is found by the network.
    for frame in range(4):
        poses = pictures.estimate(picture(), CAMERA, frame / 30)
    check_two_people(poses, 1)
    coco = np.isin(UNION.keypoints, COCO_17.keypoints)
    assert seen(poses)[:, coco].all()
    # What it does not know is where the 3D puts it.
    assert not seen(poses)[:, ~coco].any()
    check_two_people(pictures.estimate_image(picture(), CAMERA), 1)


def test_given_boxes_choose_among_the_people_of_a_picture(pictures: PoseEstimator) -> None:
    chosen = np.array(BOXES[1:])
    for frame in range(3):
        poses = pictures.estimate(picture(), CAMERA, frame / 30, boxes=chosen)
    assert len(poses) == 1
    assert np.abs(poses.boxes[0, 0] - BOXES[1][0]) < 30
    assert pictures.reduction((1280, 960), None, 1.0) == 4
    assert pictures.reduction((400, 300), None, 1.0) == 1


def test_reduced_pictures_are_answered_in_px_of_the_whole(pictures: PoseEstimator) -> None:
    half = np.ascontiguousarray(picture()[::2, ::2])
    for frame in range(3):
        given = CameraImage(half, CAMERA, frame / 30, whole_size=(640, 480))
        (poses,) = pictures.estimate_batch([given])
    check_two_people(poses, 2)


def test_turned_camera_is_shown_upright(tmp_path: Path) -> None:
    box = person_box(120, 160, 200)
    keypoints = np.concatenate([keypoints_in(box)[:17], np.full((17, 1), 0.9)], -1)
    path = write_constant_rtmo(
        tmp_path / 'rtmo.onnx', np.array([[*box, 0.8]]), keypoints[None], (240, 320)
    )
    estimator = estimator_of(tmp_path, path)
    for frame in range(3):
        image = CameraImage(picture(size=(320, 240)), None, frame / 30, rotation=90)
        (poses,) = estimator.estimate_batch([image])
    estimator.close()
    assert len(poses) == 1
    upright = keypoints[:, :2]
    # Turned clockwise, (x, y) of the camera becomes (239 - y, x).
    lying = np.stack([upright[:, 1], 239 - upright[:, 0]], -1)
    coco = COCO_17.indices_in(UNION)
    assert np.abs(poses.keypoints_2d[0, coco] - lying).max() < 1


@pytest.mark.parametrize('name', ['coco17', 'halpe26', 'coco133', 'openpose25', 'blazepose33'])
def test_keypoints_of_a_named_set_are_lifted(crops: PoseEstimator, name: str) -> None:
    skeleton = KEYPOINT_SETS[name]
    points = np.zeros((1, len(skeleton), 2))
    scores = np.full((1, len(skeleton)), 0.9)
    truth = keypoints_in(BOXES[0])
    for row, keypoint in enumerate(skeleton.keypoints):
        if keypoint in UNION.parents:
            points[0, row] = truth[UNION.index(keypoint)]
    # Zeros and NaN are not there, whatever their scores say.
    points[0, skeleton.index('left_wrist')] = 0
    points[0, skeleton.index('right_knee')] = np.nan
    for frame in range(3):
        poses = crops.lift(points, scores, CAMERA, frame / 30, skeleton=name)
    assert len(poses) == 1
    known = [UNION.index(one) for one in skeleton.keypoints if one in UNION.parents]
    missing = UNION.indices('left_wrist', 'right_knee')
    assert set(np.flatnonzero(seen(poses)[0])) == set(known) - set(missing)
    assert np.isfinite(poses.keypoints_3d).all()
    with pytest.raises(ValueError, match=r"expected one of coco17, .*; got 'coco18'"):
        crops.lift(points, scores, CAMERA, 1.0, skeleton='coco18')
