"""Lifting samples: what is projected is what the estimator would see."""

import numpy as np
import pytest
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.preprocess import mirror
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.datasets.poses import load_pose_bank
from unihpe_ros.datasets.projection import corrupt, lifting_batch, mistake, project_poses
from unihpe_ros.datasets.records import DatasetError

SIZE = (144, 192)


@pytest.fixture
def bank():
    rng = np.random.default_rng(0)
    standing = rng.normal(0, 0.25, (40, 26, 3)) + [1.0, 2.0, 1.0]
    return standing.astype(np.float32)


def test_projection_keeps_the_pose_rigid(bank):
    _, relative = project_poses(bank.astype(np.float64), np.random.default_rng(1), SIZE)
    pelvis = UNION.index('pelvis')
    assert np.abs(relative[:, pelvis]).max() < 1e-6
    expected = np.linalg.norm(bank - bank[:, pelvis : pelvis + 1], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(relative, axis=-1), expected, atol=1e-4)


def test_projection_agrees_with_a_crop_of_a_real_camera():
    """A person in front of a camera: Crop's normalised rays are what the lifter is trained on."""
    rng = np.random.default_rng(2)
    camera = Camera.from_fov(640, 480, 1.0)
    points = rng.normal(0, 0.3, (26, 3)) + [0.8, 0.1, 3.0]
    pixels = camera.project(points)
    box = np.concatenate([pixels.min(0), pixels.max(0)])
    crop = Crops.from_box(box, camera, SIZE)
    seen = crop.normalise(crop.rays(pixels))
    turned = points @ crop.virtual_from_camera.T
    scale = crop.focal / (0.5 * SIZE[1])
    np.testing.assert_allclose(seen, turned[:, :2] / turned[:, 2:] * scale, atol=1e-9)
    assert np.abs(seen[:, 1]).max() < 1.05 / 1.25 + 0.1


def test_exactly_aimed_boxes_fill_the_crop(bank):
    clean, _ = project_poses(bank.astype(np.float64), np.random.default_rng(3), SIZE, jitter=0.0)
    extent = np.ptp(clean, axis=1) / [2 * SIZE[0] / SIZE[1], 2.0]
    np.testing.assert_allclose(extent.max(1), 1 / 1.25, atol=1e-5)


def test_corruption_without_strength_is_the_truth(bank):
    clean, _ = project_poses(bank.astype(np.float64), np.random.default_rng(4), SIZE, jitter=0.0)
    seen = corrupt(clean, np.random.default_rng(5), strength=0.0)
    inside = (np.abs(clean) < 1.3).all(-1)
    np.testing.assert_allclose(seen[inside][:, :2], clean[inside], atol=1e-6)


def test_missing_keypoints_are_all_zero_and_sets_occur(bank):
    clean = np.zeros((4000, 26, 2), np.float32)
    seen = corrupt(clean, np.random.default_rng(6))
    missing = seen[..., 2] == 0
    assert (seen[missing] == 0).all()
    only_coco = np.array([name in COCO_17.keypoints for name in UNION.keypoints])
    assert (missing[:, ~only_coco].all(1)).mean() == pytest.approx(0.35, abs=0.08)


def test_mistakes_exchange_sides_and_move_keypoints_that_are_known():
    seen = np.zeros((20000, 26, 3), np.float32)
    left, right = UNION.index('left_wrist'), UNION.index('right_wrist')
    seen[:, left], seen[:, right] = (1, 0, 0.9), (-1, 0, 0.8)
    mistake(seen, np.random.default_rng(8))
    exchanged = seen[:, left, 2] == np.float32(0.8)
    assert (seen[exchanged, right, 2] == np.float32(0.9)).all()
    # Alone, with the arm, or with the whole body.
    assert exchanged.mean() == pytest.approx(0.025, abs=0.004)
    moved = np.abs(np.abs(seen[:, (left, right), :2]) - (1, 0)).max(-1) > 0
    assert moved.mean() == pytest.approx(0.003, abs=0.001)
    missing = np.delete(seen, (left, right), axis=1)
    assert (missing == 0).all()


def test_some_people_of_a_batch_are_seen_exactly(bank):
    batch = lifting_batch(bank, 2000, np.random.default_rng(9), SIZE)
    off = np.abs(batch.keypoints[..., :2] - batch.clean).max(-1)
    off[batch.keypoints[..., 2] == 0] = 0
    assert (off.max(1) < 1e-6).mean() == pytest.approx(0.15, abs=0.05)


def test_batches_hang_on_the_seed_alone(bank):
    first = lifting_batch(bank, 64, np.random.default_rng([7, 1]), SIZE)
    again = lifting_batch(bank, 64, np.random.default_rng([7, 1]), SIZE)
    other = lifting_batch(bank, 64, np.random.default_rng([7, 2]), SIZE)
    assert np.array_equal(first.keypoints, again.keypoints)
    assert not np.array_equal(first.keypoints, other.keypoints)


def test_mirroring_twice_is_nothing(bank):
    np.testing.assert_array_equal(mirror(mirror(bank, UNION), UNION), bank)


def test_banks_without_poses_or_with_odd_ones_are_named(bank, tmp_path):
    path, names = tmp_path / 'bank.npz', np.array(UNION.keypoints)
    np.savez(path, positions=bank, keypoints=names)
    np.testing.assert_array_equal(load_pose_bank(path), bank)
    for odd in (bank[:0], np.where(bank == bank[3, 4, 1], np.nan, bank)):
        np.savez(path, positions=odd, keypoints=names)
        with pytest.raises(DatasetError, match=r'bank\.npz: positions: expected finite poses'):
            load_pose_bank(path)
    np.savez(path, positions=bank, keypoints=names[::-1])
    with pytest.raises(DatasetError, match='expected keypoints of union26'):
        load_pose_bank(path)
    with pytest.raises(DatasetError, match=r'no such pose bank; make it with `unihpe render'):
        load_pose_bank(tmp_path / 'none.npz')
