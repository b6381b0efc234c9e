"""Metrics: invariances, SciPy's Procrustes as the oracle, limits."""

import math

from hypothesis import given, settings, strategies as st
import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation
from unihpe_ros.core.keypoint_sigmas import COCO_SIGMAS
from unihpe_ros.core.preprocess import mirror
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.metrics.oks import oks
from unihpe_ros.metrics.pose_errors import (
    align,
    auc,
    interpolated_precision,
    keypoint_errors,
    mpjpe,
    pa_mpjpe,
    pck,
    torso_size,
)

seeds = st.integers(0, 100_000)


def random_poses(seed: int, n: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.4, size=(n, 17, 3))


@given(seeds, st.floats(0.2, 5))
@settings(deadline=None)
def test_pa_is_zero_under_any_similarity(seed: int, scale: float) -> None:
    truth = random_poses(seed)
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(3, random_state=seed).as_matrix()
    moved = scale * truth @ np.swapaxes(rotation, 1, 2) + rng.normal(size=(3, 1, 3))
    assert pa_mpjpe(moved, truth) < 1e-9
    np.testing.assert_allclose(align(moved, truth), truth, atol=1e-9)


@given(seeds)
@settings(deadline=None)
def test_pa_is_large_for_a_mirrored_pose(seed: int) -> None:
    truth = random_poses(seed, 1)
    mirrored = truth * (-1, 1, 1)
    assert pa_mpjpe(mirrored, truth) > 0.05


@given(seeds)
@settings(deadline=None)
def test_alignment_is_scipys(seed: int) -> None:
    truth = random_poses(seed, 1)[0]
    predicted = truth + np.random.default_rng(seed + 1).normal(scale=0.1, size=truth.shape)
    _, _, disparity = procrustes(truth, predicted)
    centred = truth - truth.mean(0)
    squared = (keypoint_errors(align(predicted, truth), truth) ** 2).sum()
    assert squared / (centred**2).sum() == pytest.approx(disparity, rel=1e-6)


@given(seeds)
@settings(deadline=None)
def test_alignment_never_makes_it_worse(seed: int) -> None:
    truth, predicted = random_poses(seed), random_poses(seed + 1)
    before = keypoint_errors(predicted, truth) ** 2
    after = keypoint_errors(align(predicted, truth), truth) ** 2
    assert (after.sum(-1) <= before.sum(-1) + 1e-9).all()


def test_alignment_leaves_unknown_keypoints_out() -> None:
    truth = random_poses(0)
    moved = 2 * truth + 1
    holed = moved.copy()
    holed[0, 3], truth[1, 5] = np.nan, np.nan
    assert pa_mpjpe(holed, truth) < 1e-9
    assert np.isnan(align(holed, truth)[0, 3]).all()


def test_alignment_of_a_point_is_finite() -> None:
    truth = random_poses(0)
    assert math.isfinite(pa_mpjpe(np.zeros_like(truth), truth))


def test_mpjpe_of_a_known_shift() -> None:
    truth = random_poses(0)
    assert mpjpe(truth + (0.03, 0, 0.04), truth) == pytest.approx(0.05)
    assert mpjpe(truth + (0.03, 0, 0.04), truth, root=0) == pytest.approx(0)


def test_root_stays_in_the_mean() -> None:
    truth = np.zeros((1, 17, 3))
    predicted = truth + 0.1 * np.arange(17)[None, :, None] * (1, 0, 0)
    assert mpjpe(predicted, truth, root=0) == pytest.approx(0.8)  # (0 + 0.1 + ... 1.6) / 17


def test_unknown_keypoints_are_left_out_of_every_mean() -> None:
    truth = random_poses(0)
    truth[:, 4] = np.nan
    assert mpjpe(truth + (1, 0, 0), truth) == pytest.approx(1)
    errors = keypoint_errors(truth + (1, 0, 0), truth)
    assert pck(errors, 1.0) == 1.0
    assert pck(errors, 0.99) == 0.0


def test_pck_counts_and_broadcasts() -> None:
    errors = np.array([[0.1, 0.2, 0.3, np.nan], [0.1, 0.2, 0.3, 0.4]])
    assert pck(errors, 0.2) == pytest.approx(4 / 7)
    assert pck(errors, np.array([[0.1], [0.3]])) == pytest.approx(4 / 7)
    assert pck(np.full((2, 3), np.nan), 0.1) == 0


def test_auc_is_the_mean_over_thresholds() -> None:
    errors = np.array([[0.05, 0.15]])
    assert auc(errors, [0.0, 0.1, 0.2]) == pytest.approx((0 + 0.5 + 1) / 3)


def test_torso_is_the_longer_diagonal() -> None:
    pose = np.full((2, 17, 2), np.nan)
    corners = COCO_17.indices('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip')
    pose[:, corners] = [[4, 0], [0, 0], [3, 3], [0, 3]]
    pose[1, corners[0]] = np.nan
    np.testing.assert_allclose(torso_size(pose), [5, math.sqrt(18)])
    assert np.isnan(torso_size(np.full((1, 17, 2), np.nan))).all()


def test_oks_of_known_errors(rng: np.random.Generator) -> None:
    truth = rng.uniform(0, 100, (2, 17, 2))
    area = np.array([5000.0, 800.0])
    every = np.ones((2, 17), bool)
    np.testing.assert_allclose(oks(truth, truth, area, every), 1)
    # One standard deviation off, by COCO's definition: exp(-1/2) at d = k sqrt(area).
    shift = (2 * COCO_SIGMAS * np.sqrt(area)[:, None])[..., None] * (1, 0)
    np.testing.assert_allclose(oks(truth + shift, truth, area, every), math.exp(-0.5))


def test_oks_counts_labelled_keypoints_alone(rng: np.random.Generator) -> None:
    truth = rng.uniform(0, 100, (17, 2))
    predicted = truth.copy()
    predicted[:5] += 1000
    labelled = np.arange(17) >= 5
    assert oks(predicted, truth, np.array(900.0), labelled) == pytest.approx(1)
    predicted[5] = np.nan  # labelled and not found counts as a miss
    assert oks(predicted, truth, np.array(900.0), labelled) == pytest.approx(11 / 12)
    assert math.isnan(float(oks(predicted, truth, np.array(900.0), np.zeros(17, bool))))


def average_precision(similarities: np.ndarray, scores: np.ndarray, truths: int) -> float:
    ranked = similarities[np.argsort(-scores, kind='stable')]
    thresholds = np.linspace(0.5, 0.95, 10) - 1e-9
    return float(np.mean([interpolated_precision(ranked >= t, truths) for t in thresholds]))


def brute_force_ap(similarities: list[float], scores: list[float], truths: int) -> float:
    """Average precision as the COCO evaluation defines it, written down naively."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    total = 0.0
    for step in range(10):
        threshold = 0.5 + 0.05 * step
        hits, curve = 0, []
        for rank, index in enumerate(order, 1):
            hits += similarities[index] >= threshold - 1e-9
            curve.append((hits / truths, hits / rank))
        for point in range(101):
            reached = [precision for recall, precision in curve if recall >= point / 100 - 1e-12]
            total += max(reached, default=0.0)
    return total / 1010


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 1000)), max_size=12, unique_by=lambda x: x[1]
    ),
    st.integers(1, 14),
)
def test_average_precision_is_cocos(found: list[tuple[float, int]], truths: int) -> None:
    found = found[:truths]
    similarities, scores = [s for s, _ in found], [float(c) for _, c in found]
    given_ap = average_precision(np.array(similarities), np.array(scores), truths)
    assert given_ap == pytest.approx(brute_force_ap(similarities, scores, truths), abs=1e-9)


def test_average_precision_counts_a_recall_that_is_just_reached() -> None:
    # 7 of 10 found: 71 of 101 recall points, 0.00 to 0.70.
    assert average_precision(np.ones(7), np.arange(7.0), 10) == pytest.approx(71 / 101)


def test_average_precision_limits() -> None:
    assert average_precision(np.ones(4), np.arange(4.0), 4) == pytest.approx(1)
    assert average_precision(np.zeros(2), np.ones(2), 2) == 0
    assert average_precision(np.zeros(0), np.zeros(0), 3) == 0


def test_mirror_is_an_involution() -> None:
    points = np.random.default_rng(0).normal(size=(4, 26, 3))
    np.testing.assert_array_equal(mirror(mirror(points, UNION), UNION), points)
    pixels = np.random.default_rng(0).uniform(0, 640, (26, 2))
    there = mirror(pixels, UNION, 640)
    np.testing.assert_allclose(mirror(there, UNION, 640), pixels)
    left, right = UNION.indices('left_wrist', 'right_wrist')
    np.testing.assert_allclose(there[left], (639 - pixels[right, 0], pixels[right, 1]))


@pytest.mark.parametrize('measure', [keypoint_errors, mpjpe, align, pa_mpjpe])
def test_unequal_shapes_are_refused(measure: object) -> None:
    with pytest.raises(ValueError, match=r'expected equal shapes; got \(1, 17, 3\) and \(1, 16'):
        measure(np.zeros((1, 17, 3)), np.zeros((1, 16, 3)))
