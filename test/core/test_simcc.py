"""SimCC: what is encoded is decoded, to a fraction of a bin."""

from hypothesis import given, strategies as st
import numpy as np
import pytest
from unihpe_ros.core import simcc

BINS, RATIO, SIGMA = 384, 2.0, 4.0
# Of a wrist, as COCO has it.
WRIST = np.array([0.062])


def logits(positions: np.ndarray, bins: int = BINS, ratio: float = RATIO) -> np.ndarray:
    return np.log(simcc.encode(positions, bins, ratio, SIGMA) + 1e-12)


@given(st.floats(8, 183), st.floats(8, 183))
def test_round_trip(x: float, y: float) -> None:
    both = logits(np.array([[x]])), logits(np.array([[y]]))
    keypoints, scores = simcc.decode(*both, RATIO, WRIST)
    np.testing.assert_allclose(keypoints[0, 0], (x, y), atol=0.05)
    assert 0.8 < scores[0, 0] <= 1


@pytest.mark.parametrize('ratio', [1.0, 2.0, 3.0])
def test_first_and_last_pixel_centre_are_where_the_bins_say(ratio: float) -> None:
    bins = int(64 * ratio)
    for position in (0.0, 31.5, 63.0):
        sharp = simcc.encode(np.array([position]), bins, ratio, 0.4)
        centre = (sharp[0] * np.arange(bins)).sum()
        assert (centre + 0.5) / ratio - 0.5 == pytest.approx(position, abs=0.05)


def test_targets_are_distributions() -> None:
    positions = np.array([0.0, 95.5, 191.0, -5.9, 196.0, -40.0, 300.0, np.nan])
    sums = simcc.encode(positions, BINS, RATIO, SIGMA).sum(-1)
    np.testing.assert_allclose(sums, [1, 1, 1, 1, 1, 0, 0, 0], atol=1e-5)


def test_decoding_does_not_follow_a_second_weaker_peak() -> None:
    both = 0.6 * simcc.encode(np.array([[40.0]]), BINS, RATIO, SIGMA) + 0.4 * simcc.encode(
        np.array([[150.0]]), BINS, RATIO, SIGMA
    )
    keypoints, scores = simcc.decode(np.log(both + 1e-12), np.log(both + 1e-12), RATIO, WRIST)
    np.testing.assert_allclose(keypoints[0, 0], (40, 40), atol=0.1)
    assert scores[0, 0] == pytest.approx(0.6, abs=0.03)


def test_the_most_probable_place_counts_not_the_highest_bin() -> None:
    # A third of the mass in one bin's spike, the rest spread around another place.
    broad = simcc.encode(np.array([[40.0]]), BINS, RATIO, SIGMA)
    spike = simcc.encode(np.array([[150.25]]), BINS, RATIO, 0.2)
    both = np.log(0.65 * broad + 0.35 * spike + 1e-12)
    assert spike.argmax() == both.argmax()
    keypoints, scores = simcc.decode(both, both, RATIO, WRIST)
    np.testing.assert_allclose(keypoints[0, 0], (40, 40), atol=0.2)
    assert scores[0, 0] == pytest.approx(0.65, abs=0.05)


def test_a_keypoint_is_where_the_expected_similarity_is_highest() -> None:
    # By brute force, at every tenth of a bin, for a narrow and a wide keypoint.
    rng = np.random.default_rng(3)
    sigmas = np.array([0.026, 0.107])
    odds = rng.gamma(0.3, size=(20, 2, BINS)) * np.exp(rng.normal(size=(20, 2, BINS)))
    found, _ = simcc.decode(np.log(odds), np.log(odds), RATIO, sigmas)
    fine = np.arange(0, BINS, 0.1)
    for k, tolerance in enumerate(simcc.tolerances(BINS, sigmas)):
        similar = np.exp(-0.5 * ((fine[:, None] - np.arange(BINS)) / tolerance) ** 2)
        expected = odds[:, k] @ similar.T
        nearest = np.abs(fine - ((found[:, k, :1] + 0.5) * RATIO - 0.5)).argmin(1)
        reached = expected[np.arange(len(odds)), nearest]
        np.testing.assert_array_less(0.98 * expected.max(1), reached)


def test_score_falls_with_uncertainty() -> None:
    flat = np.zeros((1, 1, BINS))
    chance = 2 * simcc.reach(BINS) / BINS
    assert simcc.decode(flat, flat, RATIO, WRIST)[1][0, 0] == pytest.approx(chance)
    sharp = logits(np.array([[90.0]]))
    less, more = (simcc.decode(sharp, y, RATIO, WRIST)[1][0, 0] for y in (flat, sharp))
    assert less < more


@given(st.floats(-1e4, 1e4), st.floats(0.1, 30))
def test_answer_does_not_depend_on_an_offset_of_the_logits(offset: float, gain: float) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(scale=gain, size=(2, 3, 5, 64))
    sigmas = np.repeat(WRIST, 5)
    one = simcc.decode(x, y, RATIO, sigmas)
    other = simcc.decode(x + offset, y - offset, RATIO, sigmas)
    np.testing.assert_allclose(one[0], other[0], atol=1e-3)
    np.testing.assert_allclose(one[1], other[1], atol=1e-5)
    assert (one[1] >= 0).all()
    assert (one[1] <= 1 + 1e-6).all()


def test_shapes() -> None:
    keypoints, scores = simcc.decode(np.zeros((4, 26, 192)), np.zeros((4, 26, 256)), RATIO)
    assert keypoints.shape == (4, 26, 2)
    assert scores.shape == (4, 26)
    keypoints, scores = simcc.decode(np.zeros((0, 26, 192)), np.zeros((0, 26, 256)), RATIO)
    assert keypoints.shape == (0, 26, 2)
