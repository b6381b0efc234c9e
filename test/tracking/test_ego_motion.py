"""A camera that turns and drives: people keep their ids, and stand still if they do."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tiny_estimator import tiny_estimator
from tiny_model import write_tiny_model
from unihpe_ros.bench.tracking.simulated_people import in_camera, standing
from unihpe_ros.bench.tracking.tracking_benchmark import CAMERA
from unihpe_ros.core import boxes
from unihpe_ros.core.image_input import CameraImage
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.tracking.appearance import HISTOGRAM_SIZE
from unihpe_ros.tracking.ego_motion import EgoMotion
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.refinement import TrackRefiner
from unihpe_ros.tracking.tracker import Tracker

SIZE = (CAMERA.width, CAMERA.height)
SETTINGS = EstimatorSettings(max_people=4, track_timeout=0.5)
STEP = 1 / 15
PELVIS = UNION.index('pelvis')
# Two people who stand 1.2 m apart, in the world, which is the first camera's frame.
PEOPLE = np.stack(
    [in_camera(standing(1.7), np.array([x, 4.0]), -0.5 * np.pi) for x in (-0.6, 0.6)]
)


def pose(yaw_deg: float = 0.0, ahead: float = 0.0, roll_deg: float = 0.0) -> np.ndarray:
    """Return world_from_camera of a camera turned to the right, m ahead, and rolled."""
    matrix = np.eye(4)
    turn = Rotation.from_euler('YZ', [yaw_deg, roll_deg], degrees=True)
    matrix[:3, :3], matrix[2, 3] = turn.as_matrix(), ahead
    return matrix


def seen_from(world_from_camera: np.ndarray, sources=(-1, -1)) -> Observations:
    """Return perfect observations of the two people."""
    placed = (PEOPLE - world_from_camera[:3, 3]) @ world_from_camera[:3, :3]
    pixels = CAMERA.project(placed)
    n = len(PEOPLE)
    return replace(
        Observations.none(UNION),
        sources=np.array(sources, np.intp),
        boxes=boxes.around(pixels).astype(np.float32),
        keypoints_2d=pixels.astype(np.float32),
        keypoints_3d=placed.astype(np.float32),
        relative_3d=(placed - placed[:, PELVIS, None]).astype(np.float32),
        rays=placed[..., :2] / placed[..., 2:],
        turns=np.tile(np.eye(3), (n, 1, 1)),
        scores=np.full((n, len(UNION)), 0.9, np.float32),
        agreement=np.ones(n, np.float32),
        cut=np.zeros(n, bool),
        embeddings=np.ones((n, 1), np.float32),
        colours=np.full((n, HISTOGRAM_SIZE), np.nan, np.float32),
        clothes=np.zeros((n, 0, HISTOGRAM_SIZE), np.float32),
    )


def motion(before: np.ndarray, now: np.ndarray) -> EgoMotion:
    found = EgoMotion.between(before, now, CAMERA)
    assert found is not None
    return found


def known_tracker() -> Tracker:
    """Return a tracker that knows both people, from a camera that stood still."""
    tracker = Tracker(UNION)
    for frame in range(4):
        known = tracker.predict(frame * STEP, SIZE, SETTINGS)
        ids = tracker.update(seen_from(pose(), range(2) if len(known) else (-1, -1)), SETTINGS)
    assert ids.tolist() == [1, 2]
    return tracker


def test_points_pixels_and_boxes_go_where_the_people_are():
    there = pose(yaw_deg=12, ahead=0.4)
    moved, before, now = motion(pose(), there), seen_from(pose()), seen_from(there)
    roots = before.keypoints_3d[:, PELVIS]
    np.testing.assert_allclose(moved.carry(before.keypoints_3d), now.keypoints_3d, atol=1e-5)
    np.testing.assert_allclose(moved.turn(before.relative_3d), now.relative_3d, atol=1e-5)
    # All of a body is taken to be as far as its pelvis.
    np.testing.assert_allclose(moved.pixels(before.keypoints_2d, roots), now.keypoints_2d, atol=3)
    assert boxes.iou(moved.boxes(before.boxes, roots), now.boxes).diagonal().min() > 0.9


def test_without_a_place_in_the_room_pixels_are_turned_only():
    moved, nowhere = motion(pose(), pose(yaw_deg=5, ahead=1.0)), np.full((1, 3), np.nan)
    turned = motion(pose(), pose(yaw_deg=5))
    pixels = np.array([[[300.0, 200.0], [20.0, 470.0]]])
    np.testing.assert_allclose(
        moved.pixels(pixels, nowhere), turned.pixels(pixels, np.array([[0, 0, 9.0]])), atol=1e-9
    )


def test_who_is_behind_the_camera_is_in_no_pixel():
    passed = motion(pose(), pose(ahead=5.0))
    before = seen_from(pose())
    roots = before.keypoints_3d[:, PELVIS]
    assert np.isnan(passed.boxes(before.boxes, roots)).all()
    assert np.isnan(passed.pixels(before.keypoints_2d, roots)).all()
    tracker = known_tracker()
    assert not len(tracker.predict(4 * STEP, SIZE, SETTINGS, passed))
    assert {track.id for track in tracker.lost} == {1, 2}


@pytest.mark.parametrize('yaw_deg', [-20, 20])
def test_ids_survive_a_turn_of_20_degrees_between_two_images(yaw_deg):
    there = pose(yaw_deg=yaw_deg, ahead=0.1)
    tracker = known_tracker()
    foreseen, _ = tracker.foresee(4 * STEP, SIZE, SETTINGS, motion(pose(), there))
    known = tracker.predict(4 * STEP, SIZE, SETTINGS, motion(pose(), there))
    np.testing.assert_array_equal(foreseen, known)
    seen = seen_from(there)
    rows = [row for row, box in enumerate(seen.boxes) if box[0] > 0 and box[2] < SIZE[0]]
    ids = tracker.update(seen.select(rows), SETTINGS)
    assert ids.tolist() == [row + 1 for row in rows]
    assert rows
    # As if the camera stood still, nobody is who they were.
    deaf = known_tracker()
    deaf.predict(4 * STEP, SIZE, SETTINGS)
    assert deaf.update(seen.select(rows), SETTINGS).tolist() != ids.tolist()


def test_people_who_stand_have_no_velocity_while_the_camera_drives_and_turns():
    speeds = {}
    for compensated in (True, False):
        tracker, before = known_tracker(), pose()
        for frame in range(4, 24):
            now = pose(yaw_deg=0.6 * (frame - 3), ahead=0.05 * (frame - 3))
            moved = motion(before, now) if compensated else None
            tracker.predict(frame * STEP, SIZE, SETTINGS, moved)
            tracker.update(seen_from(now, sources=(0, 1)), SETTINGS)
            before = now
        speeds[compensated] = max(np.linalg.norm(t.root_velocity) for t in tracker.tracks)
    assert speeds[True] < 0.01
    assert speeds[False] > 0.5


def test_a_person_remembered_is_found_again_where_they_are_in_the_room():
    """The camera looks away for a second, and back to another part of the picture."""
    tracker, before = known_tracker(), pose()
    yaws = [*range(0, 61, 6), *range(54, 11, -6)]
    for frame, yaw in enumerate(yaws, 4):
        now = pose(yaw_deg=yaw)
        tracker.predict(frame * STEP, SIZE, SETTINGS, motion(before, now))
        tracker.update(Observations.none(UNION), SETTINGS)
        before = now
    assert not tracker.tracks
    for frame in range(len(yaws) + 4, len(yaws) + 8):
        known = tracker.predict(frame * STEP, SIZE, SETTINGS, motion(before, before))
        rows = range(2) if len(known) else (-1, -1)
        ids = tracker.update(seen_from(before, sources=rows), SETTINGS)
    assert ids.tolist() == [1, 2]


@pytest.mark.parametrize('mode', [RootMode.PROJECTIVE, RootMode.RELATIVE])
def test_smoothing_does_not_lag_behind_a_turn_of_the_camera(mode):
    lags = {}
    for compensated in (True, False):
        refiner, before, ids = TrackRefiner(UNION), pose(), np.array([1, 2], np.uint32)
        for frame in range(15):
            now = pose(yaw_deg=1.0 * frame, ahead=0.02 * frame)
            if compensated and frame:
                roots = dict(zip((1, 2), seen_from(before).keypoints_3d[:, PELVIS], strict=True))
                is_relative = mode is RootMode.RELATIVE
                refiner.carry(motion(before, now), roots, is_relative=is_relative)
            seen = seen_from(now)
            placed = refiner.refine(ids, seen, frame * STEP, mode, SETTINGS)
            before = now
        true = seen.keypoints_3d if mode is RootMode.PROJECTIVE else seen.relative_3d
        lags[compensated] = (
            np.abs(placed.keypoints_2d - seen.keypoints_2d).mean(),
            np.abs(placed.keypoints_3d - true).mean(),
        )
    assert lags[True][0] < 0.3 * lags[False][0]
    assert lags[True][1] < 0.01
    assert lags[True][1] < lags[False][1]


def test_a_step_without_a_pose_has_no_ego_motion():
    assert EgoMotion.between(None, pose(), CAMERA) is None
    assert EgoMotion.between(pose(), None, CAMERA) is None


@pytest.mark.parametrize('wrong', [np.eye(3), np.full((4, 4), np.nan)])
def test_a_pose_that_is_none_is_refused(wrong):
    image = np.zeros((480, 640, 3), np.uint8)
    with pytest.raises(ValueError, match=r'world_from_camera: expected \(4, 4\) finite'):
        CameraImage(image, CAMERA, 0.0, world_from_camera=wrong)


@pytest.mark.parametrize('known', [True, False])
def test_people_who_are_predicted_stay_where_they_are_in_the_room(known, tmp_path):
    """Seen for five images, then hidden for two, in which the camera turns and drives."""
    estimator = tiny_estimator(write_tiny_model(tmp_path), threads=1)
    nobody = np.zeros((0, 26, 2)), np.zeros((0, 26))
    for frame in range(7):
        now = pose(yaw_deg=4.0 * max(frame - 4, 0), ahead=0.1 * max(frame - 4, 0))
        seen = seen_from(now)
        given = (seen.keypoints_2d, seen.scores) if frame < 5 else nobody
        where = now if known else None
        poses = estimator.lift(*given, CAMERA, frame * STEP, world_from_camera=where)
        if frame == 4:
            there = poses.keypoints_3d
    assert poses.track_ids.tolist() == [1, 2]
    assert not poses.observed.any()
    off = np.abs(poses.keypoints_2d - seen.keypoints_2d).mean()
    moved = (poses.keypoints_3d @ now[:3, :3].T + now[:3, 3]) - there
    if known:
        assert off < 5
        np.testing.assert_allclose(moved, 0, atol=0.02)
    else:
        assert off > 30
        assert np.abs(moved).max() > 0.2
    estimator.close()
