"""Placing skeletons: exact where the observation is, robust where it is not."""

from hypothesis import given, settings, strategies as st
import numpy as np
import pytest
from tiny_model import skeleton_3d, STATURE
from unihpe_ros.bench.tracking.simulated_people import standing
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.tracking.observations import build_observations
from unihpe_ros.tracking.root import (
    locate_root,
    plausible_size,
    root_weights,
    scale_to_stature,
    stature,
)

CAMERA = Camera.from_fov(640, 480, 1.0)


def bodies(rng: np.random.Generator, n: int) -> np.ndarray:
    """``(n, 26, 3)`` root-relative skeletons in random poses, m."""
    points = skeleton_3d() + rng.normal(scale=0.1, size=(n, 26, 3))
    return points - points[:, UNION.indices('pelvis')]


def rays_of(points: np.ndarray) -> np.ndarray:
    return points[..., :2] / points[..., 2:]


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(deadline=None)
def test_root_is_found_exactly_from_exact_rays(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    relative_3d, root = bodies(rng, n), rng.uniform((-2, -1, 2), (2, 1, 12), (n, 3))
    found, residual = locate_root(
        relative_3d, rays_of(relative_3d + root[:, None]), rng.uniform(0.1, 1, (n, 26))
    )
    np.testing.assert_allclose(found, root, atol=1e-6)
    np.testing.assert_allclose(residual, 0, atol=1e-8)


def test_root_is_the_least_squares_one(rng: np.random.Generator) -> None:
    relative_3d, weights = bodies(rng, 1), np.full((1, 26), 0.5)
    rays = rays_of(relative_3d + (0.3, 0.2, 4)) + rng.normal(scale=1e-3, size=(1, 26, 2))
    found, _ = locate_root(relative_3d, rays, weights)
    u, v = rays[0].T
    x, y, z = relative_3d[0].T
    one, zero = np.ones(26), np.zeros(26)
    rows = np.concatenate([np.column_stack([one, zero, -u]), np.column_stack([zero, one, -v])])
    expected = np.linalg.lstsq(rows, np.concatenate([u * z - x, v * z - y]), rcond=None)[0]
    # Reweighting moves the answer a little, noise being noise.
    np.testing.assert_allclose(found[0], expected, atol=0.02)


def test_few_wrong_keypoints_do_not_carry_the_person_away(rng: np.random.Generator) -> None:
    relative_3d, root = bodies(rng, 20), np.array([0.2, 0.1, 4.0])
    rays = rays_of(relative_3d + root)
    rays[:, :3] += rng.uniform(0.1, 0.3, (20, 3, 2))
    found, _ = locate_root(relative_3d, rays, np.ones((20, 26)))
    assert np.linalg.norm(found - root, axis=1).max() < 0.15
    lighter, _ = locate_root(
        relative_3d, rays, np.where(np.arange(26) < 3, 0.0, 1.0) + 0 * rays[..., 0]
    )
    np.testing.assert_allclose(lighter, np.tile(root, (20, 1)), atol=1e-6)


def test_too_little_seen_places_nobody(rng: np.random.Generator) -> None:
    relative_3d = bodies(rng, 4)
    rays = rays_of(relative_3d + (0, 0, 4.0))
    weights = np.ones((4, 26))
    weights[0, 1:] = 0  # one keypoint
    weights[1] = 0
    weights[2] = np.nan
    rays[3, 2:] = np.nan  # two are enough
    found, residual = locate_root(relative_3d, rays, weights)
    assert np.isnan(found[:3]).all()
    assert np.isnan(residual[:3]).all()
    np.testing.assert_allclose(found[3], (0, 0, 4), atol=1e-6)


def test_person_behind_the_camera_is_not_placed(rng: np.random.Generator) -> None:
    relative_3d = bodies(rng, 1)
    found, _ = locate_root(relative_3d, -rays_of(relative_3d + (0, 0, 4.0)), np.ones((1, 26)))
    assert np.isnan(found).all()


def test_nobody() -> None:
    found, residual = locate_root(np.zeros((0, 26, 3)), np.zeros((0, 26, 2)), np.zeros((0, 26)))
    assert found.shape == (0, 3)
    assert residual.shape == (0,)


def test_unseen_keypoints_are_completed_where_the_skeleton_projects(
    rng: np.random.Generator,
) -> None:
    relative_3d, root = bodies(rng, 2), np.array([[0.5, 0, 4.0], [-1, 0.2, 5]])
    boxes = np.array([(300, 50, 500, 400), (100, 100, 260, 420)])
    together, _ = Crops.aim(boxes, CAMERA, (96, 128), 1.25)
    truth = together.project(relative_3d + root[:, None])
    scores = np.ones((2, 26), np.float32)
    scores[:, ::3] = 0
    seen = np.where(scores[..., None] > 0, truth, rng.uniform(0, 640, truth.shape))
    found = build_observations(
        together,
        UNION,
        np.zeros(2, np.intp),
        seen,
        scores,
        relative_3d,
        np.ones((2, 1), np.float32),
        np.ones(2, np.float32),
        np.zeros(2, np.bool_),
        EstimatorSettings(),
    )
    expected = together.to_camera(relative_3d + root[:, None])
    np.testing.assert_allclose(found.keypoints_3d, expected, atol=1e-5)
    np.testing.assert_allclose(found.keypoints_2d, truth, atol=1e-3)


def test_stature_is_measured_along_the_bones() -> None:
    # The bones of the constant skeleton run a little crooked.
    tall = stature(skeleton_3d(), UNION)
    assert STATURE < tall < STATURE * 1.1
    bent = skeleton_3d()
    knees = UNION.indices('left_knee', 'right_knee')
    ankles = UNION.indices('left_ankle', 'right_ankle')
    shins = bent[ankles] - bent[knees]
    bent[ankles] = bent[knees] + shins[:, [0, 2, 1]]  # knees bent by a right angle
    assert stature(bent, UNION) == pytest.approx(tall)


@given(st.floats(0.8, 2.2))
def test_scaling_reaches_the_stature_asked_for(height: float) -> None:
    scaled = scale_to_stature(skeleton_3d()[None], UNION, height)
    assert stature(scaled, UNION)[0] == pytest.approx(height, rel=1e-4)
    np.testing.assert_allclose(scaled[0, UNION.index('pelvis')], 0, atol=1e-7)


def test_absurd_skeleton_is_not_blown_up() -> None:
    assert np.abs(scale_to_stature(skeleton_3d()[None] * 0.01, UNION, 1.8)).max() < 0.05


def test_only_the_unlikely_tall_are_shrunk() -> None:
    bodies = np.stack([standing(height) for height in (1.0, 1.7, 2.0)])
    shrunk = plausible_size(bodies, UNION)
    np.testing.assert_array_equal(shrunk[:2], bodies[:2])
    assert 1.75 < stature(shrunk[2], UNION) < 1.85
    assert np.isnan(plausible_size(np.full((1, 26, 3), np.nan), UNION)).all()


def test_keypoints_that_tell_the_stature() -> None:
    weights = root_weights(UNION)
    assert (weights[UNION.indices('head_top', 'left_hip', 'right_ankle')] == 1).all()
    assert (weights[UNION.indices('left_wrist', 'right_elbow', 'nose')] < 0.3).all()
