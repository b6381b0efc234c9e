"""What is learned of people: bones, smoothness, size, depth; and ids that come back."""

from dataclasses import replace

import numpy as np
import pytest
from unihpe_ros.bench.tracking.placement_and_jitter import depth_image, steadiness
from unihpe_ros.bench.tracking.simulated_people import (
    in_camera,
    in_sight,
    standing,
    walk_about,
    walking,
    WalkingScene,
)
from unihpe_ros.bench.tracking.tracking_benchmark import CAMERA
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.tracking.bone_lengths import apply_together, Bones, learn_together
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.one_euro import OneEuro, OneEuroSettings, smooth_together
from unihpe_ros.tracking.refinement import TrackRefiner
from unihpe_ros.tracking.root import root_weights, stature
from unihpe_ros.tracking.torso_depth import fuse, torso_depth

PELVIS = UNION.index('pelvis')
SETTINGS = EstimatorSettings()


def lengths(points: np.ndarray) -> np.ndarray:
    parents, children = np.array(UNION.bones).T
    return np.linalg.norm(points[children] - points[parents], axis=-1)


def look_at(body: np.ndarray, scores: np.ndarray, relative_3d: np.ndarray) -> Observations:
    """Return the observation of a body ``(26, 3)`` that the network took for `relative_3d`."""
    return replace(
        Observations.none(UNION),
        sources=np.zeros(1, np.intp),
        boxes=np.array([[200, 100, 300, 400]], np.float32),
        keypoints_2d=CAMERA.project(body[None]).astype(np.float32),
        keypoints_3d=body[None].astype(np.float32),
        scores=scores[None].astype(np.float32),
        relative_3d=relative_3d[None].astype(np.float32),
        rays=body[None, :, :2] / body[None, :, 2:],
        turns=np.eye(3)[None],
    )


def standing_at(z: float, height: float = 1.7, x: float = 0.0) -> np.ndarray:
    return in_camera(standing(height), np.array([x, z]), -0.5 * np.pi)


def learn(bones: Bones, points: np.ndarray, weights: np.ndarray) -> None:
    learn_together([bones], points[None], weights[None])


def straightened(bones: Bones, points: np.ndarray) -> np.ndarray:
    return apply_together([bones], points[None])[0]


def test_bones_take_the_mean_length_of_both_sides() -> None:
    bones = Bones(UNION)
    for factor in (0.9, 1.1):
        learn(bones, standing(1.7) * factor, np.ones(26))
    grown = straightened(bones, walking(1.5, 1.0))
    np.testing.assert_allclose(lengths(grown), lengths(standing(1.7)), rtol=0.01)
    parents, children = np.array(UNION.bones).T
    before = walking(1.5, 1.0)
    np.testing.assert_allclose(
        (grown[children] - grown[parents]) / lengths(grown)[:, None],
        (before[children] - before[parents]) / lengths(before)[:, None],
        atol=1e-9,
    )


def test_bones_that_are_not_seen_teach_next_to_nothing() -> None:
    bones, legs = Bones(UNION), np.ones(26)
    legs[UNION.indices('left_ankle', 'right_ankle')] = 0
    for _ in range(10):
        learn(bones, standing(1.7), np.ones(26))
    wrong = standing(1.7)
    wrong[UNION.indices('left_ankle', 'right_ankle'), 1] -= 0.5
    for _ in range(10):
        learn(bones, wrong, legs)
    kept = straightened(bones, standing(1.7))
    np.testing.assert_allclose(lengths(kept), lengths(standing(1.7)), 0.02)


def test_bones_together_are_bones_one_by_one(rng: np.random.Generator) -> None:
    one_by_one, together = ([Bones(UNION), Bones(UNION)] for _ in range(2))
    for present in (2, 1, 2):
        points = np.stack([standing(1.6), walking(1.8, 1.0)])[:present]
        points = points + rng.normal(scale=0.02, size=points.shape)
        weights = rng.uniform(size=(present, 26))
        learn_together(together[:present], points, weights)
        for row in range(present):
            learn(one_by_one[row], points[row], weights[row])
    # Bone by bone outwards, as the definition says.
    before, grown = standing(1.7), apply_together(together, np.stack([standing(1.7)] * 2))
    for row, person in enumerate(one_by_one):
        np.testing.assert_allclose(grown[row], straightened(person, before), rtol=1e-12)
        for length, parent, child in zip(
            np.exp(person.log), person.tree.parents, person.tree.children, strict=True
        ):
            step = before[child] - before[parent]
            expected = grown[row, parent] + step * length / np.linalg.norm(step)
            np.testing.assert_allclose(grown[row, child], expected, rtol=1e-9, atol=1e-9)


def test_bone_that_cannot_be_measured_teaches_nothing() -> None:
    bones = Bones(UNION)
    learn(bones, standing(1.7), np.ones(26))
    before, broken = straightened(bones, standing(1.7)), standing(1.7)
    broken[UNION.index('left_ankle')] = np.inf, 0, 0
    with np.errstate(invalid='ignore'):
        learn(bones, broken, np.ones(26))
    np.testing.assert_allclose(straightened(bones, standing(1.7)), before)


def smoothed(
    one: OneEuro,
    points: np.ndarray,
    stamp: float,
    settings: OneEuroSettings,
    weights: np.ndarray | float = 1.0,
    unit: np.ndarray | float = 1.0,
) -> np.ndarray:
    return smooth_together([one], points[None], stamp, settings, weights, unit)[0]


def test_filter_by_the_formula_of_the_paper() -> None:
    filtering, settings = OneEuro(), OneEuroSettings(min_cutoff=1.0, beta=0.0)
    smoothed(filtering, np.zeros((1, 2)), 0.0, settings)
    gain = 1 / (1 + 1 / (2 * np.pi * 1.0 * 0.1))
    out = smoothed(filtering, np.ones((1, 2)), 0.1, settings)
    np.testing.assert_allclose(out, gain)
    unsure = OneEuro()
    smoothed(unsure, np.zeros((1, 2)), 0.0, settings)
    assert smoothed(unsure, np.ones((1, 2)), 0.1, settings, np.array([0.0]))[0, 0] < 0.2 * gain


def test_filter_passes_over_what_is_missing() -> None:
    filtering, settings = OneEuro(), OneEuroSettings(1.0, 1.0)
    smoothed(filtering, np.zeros((2, 3)), 0.0, settings)
    out = smoothed(filtering, np.array([[np.nan] * 3, [0.0] * 3]), 0.1, settings)
    assert np.isnan(out[0]).all()
    np.testing.assert_array_equal(out[1], 0)
    back = smoothed(filtering, np.array([[5.0] * 3, [0.0] * 3]), 0.2, settings)
    np.testing.assert_array_equal(back[0], 5)
    # A repeated stamp moves nothing.
    np.testing.assert_array_equal(smoothed(filtering, np.full((2, 3), 9.0), 0.2, settings), back)


def test_filters_together_are_filters_one_by_one(rng: np.random.Generator) -> None:
    one_by_one, together = ([OneEuro(), OneEuro(), OneEuro()] for _ in range(2))
    settings = OneEuroSettings(np.array([1.0, 0.5]), np.array([0.3, 0.1]))
    # The third comes later, misses a look and comes back; one look is there twice.
    for stamp, present in ((0.0, 2), (0.1, 3), (0.2, 2), (0.2, 3), (0.3, 3)):
        points = rng.normal(size=(present, 2, 3))
        points[0, 0, 1] = np.nan if stamp == 0.1 else points[0, 0, 1]
        weights, units = rng.uniform(size=(2, present, 2))
        expected = [
            smoothed(one_by_one[row], points[row], stamp, settings, weights[row], units[row])
            for row in range(present)
        ]
        smooth = smooth_together(together[:present], points, stamp, settings, weights, units)
        np.testing.assert_allclose(smooth, expected, rtol=1e-12)
    assert smooth_together([], np.zeros((0, 2, 3)), 0.4, settings).shape == (0, 2, 3)


def test_smoothing_calms_five_times_for_30_ms() -> None:
    on, off = (steadiness(EstimatorSettings(smoothing=s), seconds=4.0) for s in (True, False))
    assert on.jitter < off.jitter / 5
    assert on.lag - off.lag <= 0.030


@pytest.mark.parametrize('smoothing', [True, False])
def test_person_cut_by_the_picture_does_not_jump(smoothing: bool) -> None:
    people, settings = TrackRefiner(UNION), EstimatorSettings(smoothing=smoothing)
    body, rng = standing_at(3.0), np.random.default_rng(1)
    order = np.argsort(body[:, 1])  # From the head down.
    depths = []
    for frame in range(60):
        scores = np.full(26, 0.9)
        hidden = max(0, (frame - 30) // 2)  # The lower edge of the picture moves up.
        scores[order[len(order) - hidden :]] = 0.05
        # What the network makes of somebody cut off is of another size.
        size = 1.0 + 0.01 * hidden
        relative_3d = size * (body - body[PELVIS]) + rng.normal(scale=0.005, size=(26, 3))
        placed = people.refine(
            np.ones(1, np.uint32),
            look_at(body, scores, relative_3d),
            frame / 30,
            RootMode.PROJECTIVE,
            settings,
        )
        depths.append(float(placed.keypoints_3d[0, PELVIS, 2]))
    steps = np.abs(np.diff(depths)) / 3.0
    assert steps.max() < 0.03
    assert np.abs(np.array(depths) / 3.0 - 1).max() < 0.06


def test_known_stature_is_reached() -> None:
    body = standing_at(3.0, 1.5)
    placed = TrackRefiner(UNION).refine(
        np.ones(1, np.uint32),
        look_at(body, np.full(26, 0.9), 1.2 * (body - body[PELVIS])),
        0.0,
        RootMode.PROJECTIVE,
        EstimatorSettings(person_height_m=float(stature(body, UNION))),
    )
    np.testing.assert_allclose(placed.keypoints_3d[0, PELVIS], body[PELVIS], atol=0.02)


def test_long_arms_and_broad_shoulders_do_not_bring_somebody_nearer() -> None:
    body = standing_at(3.0)
    relative_3d = body - body[PELVIS]
    neck, aside = relative_3d[UNION.index('neck')], root_weights(UNION) < 1
    relative_3d[aside] = neck + 0.8 * (relative_3d[aside] - neck)  # As the network takes them.
    placed = TrackRefiner(UNION).refine(
        np.ones(1, np.uint32),
        look_at(body, np.full(26, 0.9), relative_3d),
        0.0,
        RootMode.PROJECTIVE,
        EstimatorSettings(person_height_m=1.7, smoothing=False),
    )
    assert placed.keypoints_3d[0, PELVIS, 2] == pytest.approx(3.0, abs=0.03)


def test_giant_is_taken_for_a_network_s_error() -> None:
    body = standing_at(3.0)
    placed = TrackRefiner(UNION).refine(
        np.ones(1, np.uint32),
        look_at(body, np.full(26, 0.9), 1.2 * (body - body[PELVIS])),
        0.0,
        RootMode.PROJECTIVE,
        SETTINGS,
    )
    assert placed.keypoints_3d[0, PELVIS, 2] == pytest.approx(3.0, rel=0.09)


def scene_of(body: np.ndarray) -> WalkingScene:
    pixels = CAMERA.project(body[None])
    return WalkingScene(0.0, body[None], pixels, in_sight(body[None], pixels, CAMERA))


@pytest.mark.parametrize('z', [1.5, 3.0, 5.0])
def test_depth_image_places_the_root_and_teaches_the_size(z: float) -> None:
    body, rng = standing_at(z), np.random.default_rng(0)
    depth = depth_image(scene_of(body), rng)
    people = TrackRefiner(UNION)
    look = look_at(body, np.full(26, 0.9), 1.1 * (body - body[PELVIS]))
    for frame in range(5):
        placed = people.refine(
            np.ones(1, np.uint32), look, frame / 30, RootMode.DEPTH, SETTINGS, depth
        )
    assert placed.measured.all()
    assert placed.keypoints_3d[0, PELVIS, 2] == pytest.approx(body[PELVIS, 2], rel=0.025)
    # The camera goes blind: what it taught stays.
    placed = people.refine(np.ones(1, np.uint32), look, 0.2, RootMode.PROJECTIVE, SETTINGS)
    assert not placed.measured.any()
    assert placed.keypoints_3d[0, PELVIS, 2] == pytest.approx(body[PELVIS, 2], rel=0.03)


def test_torso_depth_refuses_outliers_and_holes() -> None:
    body = standing_at(3.0)
    pixels = CAMERA.project(body)
    depth = depth_image(scene_of(body), np.random.default_rng(0))
    z, sigma = torso_depth(depth, pixels, body, UNION)
    depth[: int(pixels[UNION.index('neck'), 1] + 10)] = 1.0  # Something before the shoulders.
    assert torso_depth(depth, pixels, body, UNION)[0] == pytest.approx(z, abs=0.05)
    assert 0 < sigma < 0.1
    assert np.isnan(torso_depth(np.zeros_like(depth), pixels, body, UNION)[0])
    assert np.isnan(torso_depth(depth, pixels + 1e5, body, UNION)[0])


def leaning(body: np.ndarray, slope: float) -> np.ndarray:
    """Return a body that leans away from the camera about its root."""
    tilted = body.copy()
    tilted[:, 2] -= slope * (body[:, 1] - body[PELVIS, 1])
    return tilted


@pytest.mark.parametrize('z', [1.0, 2.0])
@pytest.mark.parametrize('slope', [-0.25, 0.25])
def test_torso_depth_does_not_follow_a_skeleton_that_leans_wrongly(z: float, slope: float) -> None:
    body = standing_at(z)
    depth = depth_image(scene_of(body), np.random.default_rng(0))
    found, _ = torso_depth(depth, CAMERA.project(body), leaning(body, slope), UNION)
    assert found == pytest.approx(body[PELVIS, 2], abs=0.025)  # 0.06 to 0.07 with the lean.


@pytest.mark.parametrize('heading', [0.0, 0.3, np.pi - 0.3, np.pi])
def test_arm_before_the_torso_is_not_taken_for_it(heading: float) -> None:
    body = in_camera(walking(1.7, 0.4), np.array([0.0, 1.5]), heading)
    depth = depth_image(scene_of(body), np.random.default_rng(0))
    found, _ = torso_depth(depth, CAMERA.project(body), body, UNION)
    assert found == pytest.approx(body[PELVIS, 2], abs=0.03)


def test_depths_are_fused_by_their_uncertainty() -> None:
    assert fuse(3.0, 0.3, 3.3, 0.01) == pytest.approx(3.3, abs=0.01)
    assert fuse(3.0, 0.1, 3.2, 0.1) == pytest.approx(3.1)
    assert np.isnan(fuse(3.0, 0.1, 6.0, 0.02))
    assert np.isnan(fuse(3.0, 0.1, np.nan, np.nan))


def test_skeletons_of_the_walkers_keep_their_bones() -> None:
    first, *rest = (scene.keypoints_3d[0] for scene in walk_about(2, 0.5, 30.0, 0, CAMERA))
    for body in rest:
        np.testing.assert_allclose(lengths(body), lengths(first), rtol=1e-6)
