"""A keypoint that is hardly there is missing, for the robot as in training and evaluation."""

import numpy as np
import torch
from unihpe_ros.core.model_spec import MISSING_SCORE
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.datasets.projection import corrupt
from unihpe_ros.models.unihpe import UniHPE
from unihpe_ros.training.objective import own_keypoints


def test_missing_keypoints_are_zeros():
    rays = np.array([[[0.1, 0.2], [0.3, 0.4], [np.nan, 0.5], [0.6, np.inf], [0.7, 0.8]]])
    scores = np.array([[0.9, MISSING_SCORE / 2, 0.9, 0.9, np.nan]])
    expected = np.zeros((1, 5, 3), np.float32)
    expected[0, 0] = 0.1, 0.2, 0.9
    found = lifting_input(rays, scores)
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)
    assert lifting_input(rays[0, :1], np.array([MISSING_SCORE], np.float32)).any()
    assert lifting_input(np.zeros((0, 5, 2)), np.zeros((0, 5))).shape == (0, 5, 3)


def test_training_hides_what_the_robot_hides():
    generator = torch.Generator().manual_seed(0)
    answer = {
        'simcc_x': 9 * torch.randn(6, 26, 288, generator=generator),
        'simcc_y': 9 * torch.randn(6, 26, 384, generator=generator),
        'visibility': 9 * torch.randn(6, 26, generator=generator),
        'feature': torch.zeros(6, 4),
    }
    own = own_keypoints(answer, UniHPE('unihpe_rt')).numpy()
    missing = own[..., 2] < MISSING_SCORE
    assert 0.1 < missing.mean() < 0.9
    assert not own[missing].any()
    assert own[~missing].all(-1).any()
    # The rule changes nothing that went through it already.
    assert np.array_equal(lifting_input(own[..., :2], own[..., 2]), own)


def test_noise_of_training_leaves_no_hardly_seen_keypoint():
    clean = np.random.default_rng(0).normal(0, 0.4, (200, 26, 2)).astype(np.float32)
    clean[0] = np.nan
    seen = corrupt(clean, np.random.default_rng(1))
    assert np.isfinite(seen).all()
    assert not seen[0].any()
    assert not seen[seen[..., 2] < MISSING_SCORE].any()
