"""Ranks and chunks: a batch that is shared out or cut up is still the same batch."""

import csv
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from tiny_datasets import write_coco, write_h36m_images, write_pose_bank
import torch
from torch import nn
from unihpe_ros.cli.main import main
from unihpe_ros.datasets.batches import image_batches, RunSampler
from unihpe_ros.datasets.catalogue import open_records
from unihpe_ros.models.unihpe import normalise, PRESETS, UniHPE
from unihpe_ros.training import ranks
from unihpe_ros.training.config import ConfigError, ImageSource, TrainConfig
from unihpe_ros.training.config_file import load_config
from unihpe_ros.training.gradient_cache import in_chunks
from unihpe_ros.training.objective import Objective

# Full precision, and the singular-value term from the second step on.
EXPERIMENT = """
preset: unihpe_slim
seed: 3
steps: 3
images:
  - {{path: {root}/h36m, kind: human36m, weight: 2}}
  - {{path: {root}/coco, kind: coco}}
image_batch: 8
poses: {root}/poses.npz
pose_batch: 16
learning_rate: 0.0001
warmup_steps: 1
singular_value_start: 0
singular_value_ramp: 2
autocast: false
workers: 0
threads: 1
log_steps: 1
"""


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    root = tmp_path_factory.mktemp('sets')
    write_h36m_images(root / 'h36m', 'train')
    write_coco(root / 'coco', 'train2017')
    rng = np.random.default_rng(0)
    # Plain pictures have no variance, and normalising them enlarges what rounding leaves.
    for path in sorted(root.rglob('*.jpg')):
        height, width = cv2.imread(str(path)).shape[:2]
        coarse = rng.integers(0, 256, (height // 8, width // 8, 3)).astype(np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (width, height)))
    write_pose_bank(root / 'poses.npz', rng)
    (root / 'shared.yaml').write_text(EXPERIMENT.format(root=root))
    return root


def log_of(run):
    with (run / 'log.csv').open(newline='') as file:
        return list(csv.DictReader(file))


def train_here(sets, out):
    """Train in this process."""
    assert main(['train', str(sets / 'shared.yaml'), '--out', str(out)]) == 0
    return log_of(out)


def train_shared(sets, out, count):
    """Train in processes of their own, as a user does."""
    launcher = ['torch.distributed.run', '--standalone', f'--nproc-per-node={count}']
    command = ['train', str(sets / 'shared.yaml'), '--out', str(out)]
    command = ['-m', *launcher, '-m', 'unihpe_ros.cli.main', *command]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'GLOO_SOCKET_IFNAME': 'lo'}
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, log_of(out)


def test_two_ranks_give_the_losses_of_one_with_twice_the_batch(sets, tmp_path):
    one = train_here(sets, tmp_path / 'one')
    said, two = train_shared(sets, tmp_path / 'two', 2)
    assert said.count('trained 3 steps') == 1
    assert [row['step'] for row in two] == ['1', '2', '3']
    for first, second in zip(one, two, strict=True):
        assert first.keys() == second.keys()
        for name in first:
            assert float(second[name]) == pytest.approx(float(first[name]), abs=1e-4), name
    assert float(one[-1]['lifting_pairwise']) > 0
    assert float(one[-1]['singular_value']) > 0
    weights = [
        torch.load(tmp_path / run / 'checkpoint.pt', weights_only=True)['model']
        for run in ('one', 'two')
    ]
    torch.manual_seed(3)
    start = dict(UniHPE('unihpe_slim').named_parameters())
    moved, apart = (
        torch.cat([(to[name] - weights[0][name]).detach().flatten() for name in start])
        for to in (start, weights[1])
    )
    # Where a gradient is next to nothing, Adam makes a whole step of what rounding leaves of it.
    assert apart.abs().mean() < 0.1 * moved.abs().mean()


def test_ranks_draw_the_samples_of_one():
    def draw(part, count):
        draws = iter(RunSampler([50, 20], [1.0, 2.0], 5, 12, 6, part))
        return [next(draws) for _ in range(count)]

    whole = draw(slice(None), 24)
    first, second = (draw(part, 12) for part in (slice(0, 3), slice(3, 6)))
    together = [
        draw
        for step in range(4)
        for rows in (first, second)
        for draw in rows[3 * step : 3 * step + 3]
    ]
    assert together == whole


def test_one_process_is_the_only_rank():
    rows = torch.arange(6.0)
    assert (ranks.count(), ranks.rank(), ranks.part(6)) == (1, 0, slice(0, 6))
    assert ranks.gather(rows) is rows
    assert ranks.total(rows) is rows


def test_a_batch_that_cannot_be_shared_is_named(monkeypatch):
    monkeypatch.setattr(ranks, 'count', lambda: 3)
    with pytest.raises(ranks.RanksError, match='batch of 8: expected a multiple of the 3 ranks'):
        ranks.part(8)


def test_batch_norm_over_ranks_is_batch_norm_over_the_batch(monkeypatch):
    torch.manual_seed(0)
    plain, shared = nn.BatchNorm2d(5), ranks.RanksBatchNorm(5)
    x = torch.randn(6, 5, 4, 3) * 3 + 2
    inputs = [x.clone().requires_grad_(), x.clone().requires_grad_()]
    outputs = [norm(value) for norm, value in zip((plain, shared), inputs, strict=True)]
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-4, atol=1e-5)
    for output in outputs:
        (output**3).sum().backward()
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad, rtol=1e-3, atol=1e-4)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(shared.state_dict()[name], value, msg=name)
    torch.testing.assert_close(shared.eval()(x), plain.eval()(x))
    monkeypatch.setattr(ranks, 'count', lambda: 2)
    net = nn.Sequential(nn.Sequential(plain), nn.ReLU())
    ranks.share_batch_norms(net)
    assert type(net[0][0]) is ranks.RanksBatchNorm
    assert torch.equal(net[0][0].running_mean, plain.running_mean)


@pytest.fixture(scope='module')
def batch(sets):
    sources = [open_records('human36m', sets / 'h36m', 'train')]
    size = PRESETS['unihpe_slim'].input_size
    return next(iter(image_batches(sources, [1.0], size, 6, 0, workers=0)))


def gradients(batch, chunk, training):
    torch.manual_seed(0)
    model = UniHPE('unihpe_slim').train(training)
    config = TrainConfig(images=(ImageSource(),), chunk=chunk, singular_value_start=0)
    objective = Objective(config)
    terms = objective.image_terms(model, batch, np.random.default_rng(0), 5000)
    objective.total(terms).backward()
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return terms, {**found, 'temperature': objective.log_temperature.grad}, model


def test_chunks_give_the_plain_gradient(batch):
    # Evaluation mode: batch normalisation without the statistics of the batch.
    terms, plain, _ = gradients(batch, 0, training=False)
    terms_cut, cut, _ = gradients(batch, 4, training=False)
    for name, term in terms.items():
        torch.testing.assert_close(terms_cut[name], term, rtol=0, atol=1e-5, msg=name)
    assert cut.keys() == plain.keys()
    for name, gradient in plain.items():
        scale = gradient.abs().max().clamp_min(1)
        assert (cut[name] - gradient).abs().max() < 1e-5 * scale, name
    assert terms['singular_value'] > 0


def test_chunks_count_once_in_the_running_statistics(batch):
    _, _, model = gradients(batch, 3, training=True)
    name = 'image_branch.backbone.stem.1'
    assert model.get_submodule(name).num_batches_tracked == 2
    with torch.no_grad():
        torch.manual_seed(0)
        other = UniHPE('unihpe_slim').train()
        for rows in batch.image.split(3):
            other.encode_image(normalise(rows))
    torch.testing.assert_close(
        model.get_submodule(name).running_var, other.get_submodule(name).running_var
    )


def test_chunks_keep_no_activations():
    live = []

    class Net(nn.Module):
        def forward(self, x):
            y = x.exp()
            live.append(y.untyped_storage()._weak_ref())
            return {'y': y.sin().sum(-1)}

    net = Net()
    x = torch.zeros(6, 100, requires_grad=True)
    outputs = in_chunks(lambda model, rows: model(rows), net, [x], 2)
    passes = len(live)
    outputs['y'].sum().backward()
    assert (passes, len(live)) == (3, 6)
    torch.testing.assert_close(x.grad, torch.full((6, 100), float(np.cos(1))))


def test_settings_that_are_no_settings(tmp_path):
    path = tmp_path / 'odd.yaml'
    path.write_text('poses: a.npz\nchunk: few')
    with pytest.raises(ConfigError, match="chunk: expected int; got 'few'"):
        load_config(path)
