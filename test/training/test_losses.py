"""The contrastive losses: exact against SVD, safe where the closed form degenerates."""

import pytest
import torch
from torch.nn import functional
from unihpe_ros.training import contrast, losses
from unihpe_ros.training.contrast import TRIPLE_SCORES


def unit_triples(count, width, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, 3, width, generator=generator, dtype=dtype)
    return functional.normalize(rows, dim=-1)


def cosines(rows):
    x, y, z = rows.unbind(1)
    return (x * y).sum(-1), (x * z).sum(-1), (y * z).sum(-1)


@pytest.mark.parametrize('width', [3, 32, 256])
def test_largest_singular_value_equals_svd(width):
    rows = unit_triples(2000, width)
    expected = torch.linalg.svdvals(rows)[:, 0]
    found = contrast.largest_singular_value(*cosines(rows))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_gradient_is_the_derivative():
    inputs = [value.requires_grad_() for value in cosines(unit_triples(30, 8))]
    assert torch.autograd.gradcheck(contrast.largest_singular_value, inputs)


@pytest.mark.parametrize(
    'signs',
    [(1, 1, 1), (0, 0, 0), (-1, -1, 1), (1, 0, 0)],
    ids=['same', 'orthogonal', 'anti', 'pair'],
)
def test_gradients_are_finite_at_the_corners(signs):
    inputs = [torch.full((4,), float(sign), requires_grad=True) for sign in signs]
    contrast.largest_singular_value(*inputs).sum().backward()
    for value in inputs:
        assert torch.isfinite(value.grad).all()


@pytest.mark.parametrize('case', ['identical', 'orthogonal', 'antipodal'])
def test_loss_gradients_are_finite_on_embeddings_at_the_corners(case):
    row = functional.normalize(torch.randn(1, 16), dim=-1)
    rows = {
        'identical': (row, row, row),
        'orthogonal': torch.eye(3, 16).split(1),
        'antipodal': (row, -row, row),
    }[case]
    x, y, z = (value.repeat(8, 1).requires_grad_() for value in rows)
    contrast.singular_value_loss(x, y, z, 0.03).backward()
    for value in (x, y, z):
        assert torch.isfinite(value.grad).all()


def test_contrast_is_computed_in_full_precision_under_autocast():
    x, y, z = unit_triples(24, 32, dtype=torch.float32).unbind(1)
    nobody = torch.zeros(24, 24, dtype=torch.bool)

    def terms():
        return torch.stack(
            [
                contrast.singular_value_loss(x, y, z, 0.03),
                contrast.pairwise_loss([x, y, z], torch.tensor(0.05), nobody),
                contrast.near_duplicates(x.view(24, -1, 2)[..., [0, 1, 1]], 0.2).sum(),
            ]
        )

    with torch.autocast('cpu', torch.bfloat16):
        rounded = terms()
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, terms(), rtol=1e-6, atol=1e-6)


def test_matching_triples_cost_less_than_shuffled_ones():
    x = functional.normalize(
        torch.randn(32, 64, generator=torch.Generator().manual_seed(1)), dim=-1
    )
    matched = contrast.singular_value_loss(x, x, x, 0.03)
    shuffled = contrast.singular_value_loss(x, x, x.roll(1, 0), 0.03)
    assert matched < 0.1 * shuffled


def test_loss_is_blind_to_the_sign_of_a_modality():
    # The reason why training starts with the pairwise loss and keeps it.
    x, y, z = unit_triples(16, 32, dtype=torch.float32).unbind(1)
    assert contrast.singular_value_loss(x, y, z, 0.03) == pytest.approx(
        contrast.singular_value_loss(x, -y, -z, 0.03).item(), rel=1e-4
    )


def test_excluded_pairs_are_no_negatives():
    x = functional.normalize(
        torch.randn(6, 16, generator=torch.Generator().manual_seed(2)), dim=-1
    )
    twice = torch.cat([x, x])
    logits = twice @ twice.T / 0.07
    twins = torch.eye(12, dtype=torch.bool).roll(6, 0)
    assert contrast.info_nce(logits, twins) < contrast.info_nce(logits) - 0.3


def test_near_duplicates_finds_copies_only():
    poses = torch.randn(5, 26, 3, generator=torch.Generator().manual_seed(3)) * 0.3
    marked = contrast.near_duplicates(torch.cat([poses, poses[:1] + 0.005]))
    assert marked[0, 5]
    assert marked.sum() == 6 + 2


def test_simcc_loss_is_zero_at_its_target():
    target = torch.softmax(torch.randn(2, 3, 40), -1)
    weight = torch.ones(2, 3)
    logits = target.log()
    assert losses.simcc_loss(logits, logits, target, target, weight).abs() < 1e-5
    assert losses.simcc_loss(torch.zeros_like(logits), logits, target, target, weight) > 0.05


def test_pose_loss_is_mean_distance_over_known_keypoints():
    truth = torch.zeros(1, 4, 3)
    truth[0, 3] = float('nan')
    predicted = torch.zeros(1, 4, 3)
    predicted[0, 0] = torch.tensor([0.3, 0.4, 0.0])
    loss = losses.pose_loss(predicted, truth, torch.ones(1, 4))
    assert loss.item() == pytest.approx(0.5 / 3, abs=1e-3)


def test_scores_of_comparison_have_their_limits_and_the_gradient_is_the_derivative():
    one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    cases = {'same': (one, one, one), 'orthogonal': (zero, zero, zero), 'anti': (-one, -one, one)}
    limits = {
        'singular_value': {'same': 3**0.5, 'orthogonal': 1.0, 'anti': 3**0.5},
        'resultant': {'same': 3.0, 'orthogonal': 1.0, 'anti': 1 / 3},
        'volume': {'same': 0.0, 'orthogonal': -1.0, 'anti': 0.0},
    }
    for name, score in TRIPLE_SCORES.items():
        for case, cosine in cases.items():
            assert score(*cosine).item() == pytest.approx(limits[name][case], abs=0.011)
        inputs = [value.requires_grad_() for value in cosines(unit_triples(30, 8))]
        assert torch.autograd.gradcheck(score, inputs)


def test_resultant_and_volume_are_what_they_say():
    rows = unit_triples(50, 8)
    torch.testing.assert_close(
        TRIPLE_SCORES['resultant'](*cosines(rows)), rows.sum(1).square().sum(-1) / 3
    )
    volume = (rows @ rows.mT).det().sqrt()
    torch.testing.assert_close(TRIPLE_SCORES['volume'](*cosines(rows)), -volume, atol=1e-3, rtol=0)


@pytest.mark.parametrize('name', TRIPLE_SCORES)
def test_every_score_trains_on_identical_embeddings_and_prefers_matches(name):
    x = functional.normalize(
        torch.randn(16, 32, generator=torch.Generator().manual_seed(4)), dim=-1
    ).requires_grad_()
    score = TRIPLE_SCORES[name]
    matched = contrast.singular_value_loss(x, x, x, 0.07, score=score)
    matched.backward()
    assert torch.isfinite(x.grad).all()
    y = functional.normalize(
        torch.randn(16, 32, generator=torch.Generator().manual_seed(5)), dim=-1
    )
    assert matched < contrast.singular_value_loss(x, y.roll(1, 0), y, 0.07, score=score)


def test_reprojection_is_blind_to_scale_shift_and_depth_and_to_what_is_unknown():
    generator = torch.Generator().manual_seed(0)
    poses = torch.randn(3, 26, 3, generator=generator, requires_grad=True)
    truth = (0.7 * poses[..., :2] + torch.tensor([0.3, -0.2])).detach().clone()
    weight = torch.ones(3, 26)
    weight[0, 5] = 0
    truth[0, 5] = 9
    truth[1, 7] = torch.nan
    weight[2, 3:] = 0
    truth[2] = 5 * torch.randn(26, 2, generator=generator)
    assert losses.reprojection_loss(poses, truth, weight) < 2e-3
    truth[0, 4] += 1
    loss = losses.reprojection_loss(poses, truth, weight)
    assert 0.01 < loss < 0.2
    loss.backward()
    assert poses.grad.isfinite().all()
    assert poses.grad[2].abs().max() == 0


def test_radii_settle_where_two_thirds_of_the_errors_are():
    errors = torch.linspace(0.001, 0.1, 1000)
    truth = torch.zeros(1000, 1, 3)
    predicted = torch.nn.functional.pad(errors[:, None, None], (0, 2)).requires_grad_()
    radius = torch.tensor(0.02, requires_grad=True)
    optimizer = torch.optim.Adam([radius], lr=1e-3)
    for _ in range(200):
        optimizer.zero_grad()
        losses.sigma_loss(radius.expand(1000, 1), predicted, truth).backward()
        optimizer.step()
    assert radius.item() == pytest.approx(0.068, abs=0.002)
    assert predicted.grad is None
    truth[:500] = float('nan')
    halves = losses.sigma_loss(radius.expand(1000, 1), predicted, truth)
    assert halves.item() == pytest.approx(
        losses.sigma_loss(radius.expand(500, 1), predicted[500:], truth[500:]).item()
    )
