"""What a run survives and what it says: kills, damaged data, losses that are no numbers."""

import csv
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import singular_value_loss
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_datasets import write_coco, write_h36m_images, write_pose_bank
import torch
from unihpe_ros.datasets.batches import image_batches
from unihpe_ros.datasets.catalogue import open_records
from unihpe_ros.evaluation.predictor import TorchPredictor
from unihpe_ros.models.unihpe import PRESETS, UniHPE
from unihpe_ros.training.board import draw_panel, FOUND_COLOUR, TRUE_COLOUR
from unihpe_ros.training.checkpoint import load_checkpoint
from unihpe_ros.training.config import TrainConfig
from unihpe_ros.training.config_file import load_config
from unihpe_ros.training.failures import check_finite, NonFiniteLossError, Skipped
from unihpe_ros.training.run import Run
from unihpe_ros.training.run_logger import append_row, drop_rows_after
from unihpe_ros.training.train import train

SIZE = PRESETS['unihpe_slim'].input_size
CROPS = """
preset: unihpe_slim
images: [{{path: {root}/coco, kind: coco}}]
image_batch: 4
steps: 3
log_steps: 1
workers: 0
threads: 1
"""
POSES = """
preset: unihpe_slim
poses: {root}/poses.npz
pose_batch: 8
steps: {steps}
checkpoint_minutes: 0.0
log_steps: 10
threads: 1
"""


@pytest.fixture
def experiment(tmp_path):
    write_coco(tmp_path / 'coco', 'train2017')
    path = tmp_path / 'crops.yaml'
    path.write_text(CROPS.format(root=tmp_path))
    return path


@pytest.fixture
def batch(experiment):
    sources = [open_records('coco', experiment.parent / 'coco', 'train')]
    return next(iter(image_batches(sources, [1.0], SIZE, 4, 0, workers=0)))


def write_poses(root, steps):
    write_pose_bank(root / 'poses.npz')
    path = root / 'poses.yaml'
    path.write_text(POSES.format(root=root, steps=steps))
    return path


def test_kill_9_and_resume_give_the_same_weights(tmp_path):
    experiment = write_poses(tmp_path, steps=60)
    whole = load_checkpoint(train(load_config(experiment), tmp_path / 'whole'))
    out = tmp_path / 'cut'
    command = [sys.executable, '-m', 'unihpe_ros.cli.main', 'train', experiment, '--out', out]
    with subprocess.Popen(
        [*map(str, command)],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 120
        while not (out / 'checkpoint.pt').exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert load_checkpoint(out / 'checkpoint.pt')['step'] < 60
    resumed = load_checkpoint(train(load_config(experiment), out, resume=True))
    for kind in ('model', 'ema'):
        for name, value in whole[kind].items():
            assert torch.equal(resumed[kind][name], value), name
    with (out / 'log.csv').open(newline='') as file:
        assert [row['step'] for row in csv.DictReader(file)] == [
            '10',
            '20',
            '30',
            '40',
            '50',
            '60',
        ]


def test_what_a_kill_left_of_a_row_is_dropped(tmp_path):
    path = tmp_path / 'log.csv'
    for step in (10, 20, 30):
        append_row(path, {'step': step, 'loss': 0.5})
    whole = path.read_bytes()
    path.write_bytes(whole + b'4')
    drop_rows_after(path, 20)
    assert path.read_bytes() == whole[: whole.index(b'30')]
    append_row(path, {'step': 30, 'loss': 0.5})
    assert path.read_bytes() == whole
    path.write_bytes(b'ste')
    drop_rows_after(path, 20)
    assert not path.exists(), 'half a header is no header'


def test_damaged_pictures_are_skipped_and_counted(experiment, tmp_path, capsys):
    write_h36m_images(tmp_path / 'h36m', 'train')
    broken = Path(open_records('human36m', tmp_path / 'h36m', 'train')[0].source)
    broken.write_bytes(b'no picture')
    images = [{'path': str(tmp_path / 'h36m'), 'kind': 'human36m'}]
    train(load_config(experiment, {'images': images}), tmp_path / 'run')
    (line,) = (tmp_path / 'run/skipped.txt').read_text().splitlines()
    assert str(broken) in line
    assert '1 records or shards could not be read' in capsys.readouterr().out


def test_what_is_left_out_is_named_once(tmp_path):
    skipped = Skipped(tmp_path / 'skipped.txt')
    assert skipped.summary() == ''
    skipped.add(['a: odd', 'b:\n odd', 'a: odd'])
    Skipped(skipped.path).add(['b: odd', 'c: odd'])
    assert skipped.path.read_text() == 'a: odd\nb: odd\nc: odd\n'
    assert skipped.summary() == f'3 records or shards could not be read: {skipped.path}'


def test_a_loss_that_is_no_number_names_step_term_and_samples(batch, tmp_path):
    check_finite(6, {'loss': 1.0, 'pose': 1.0}, batch, tmp_path / 'bad.txt')
    batch.relative[2, 3, 0] = float('inf')
    with pytest.raises(NonFiniteLossError) as caught:
        check_finite(7, {'loss': float('nan'), 'pose': float('inf')}, batch, tmp_path / 'bad.txt')
    assert str(caught.value).startswith('step 7: the loss is not finite; terms: pose; samples: ')
    assert f'samples: {batch.sources[2]} (odd labels); {batch.sources[0]};' in str(caught.value)
    lines = (tmp_path / 'bad_rank0.txt').read_text().splitlines()
    assert len(lines) == 1 + 4
    assert lines[1] == f'{batch.sources[2]} (odd labels)'


def test_a_gradient_that_is_no_number_spoils_no_weights(tmp_path):
    run = Run(TrainConfig(preset='unihpe_slim', poses='none'), torch.device('cpu'))
    before = run.model.decoder.out.weight.detach().clone()
    for parameter in (run.model.decoder.out.weight, run.objective.log_temperature):
        assert np.isinf(run.update((parameter * float('inf')).sum()))
        assert torch.equal(run.model.decoder.out.weight, before)
        assert run.objective.log_temperature.isfinite()
        assert run.step == 0


def test_tensorboard_has_the_curves_and_crops(experiment, tmp_path):
    train(load_config(experiment), tmp_path / 'run')
    events = EventAccumulator(str(tmp_path / 'run/tensorboard'), size_guidance={'images': 0})
    events.Reload()
    with (tmp_path / 'run/log.csv').open(newline='') as file:
        losses = [float(row['loss']) for row in csv.DictReader(file)]
    assert [point.step for point in events.Scalars('train/loss')] == [1, 2, 3]
    found = [point.value for point in events.Scalars('train/loss')]
    assert found == pytest.approx(losses, rel=1e-4)
    (picture,) = events.Images('crops')
    assert (picture.width, picture.height) == (4 * SIZE[0], SIZE[1])


def test_without_tensorboard_training_goes_on(experiment, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', None)
    train(load_config(experiment), tmp_path / 'run')
    assert "no TensorBoard: pip install 'unihpe_ros[train]'" in capsys.readouterr().out
    assert not (tmp_path / 'run/tensorboard').exists()


def test_the_panel_shows_truth_and_prediction(batch):
    class Sure(TorchPredictor):
        def encode_image(self, images):
            answer = dict(super().encode_image(images))
            answer['simcc_x'] = (
                40
                * np.eye(answer['simcc_x'].shape[-1], dtype=np.float32)[[[9] * 26] * len(images)]
            )
            answer['simcc_y'] = (
                40
                * np.eye(answer['simcc_y'].shape[-1], dtype=np.float32)[[[9] * 26] * len(images)]
            )
            answer['visibility'] = np.full_like(answer['visibility'], 9)
            return answer

    batch.image.zero_()
    panel = draw_panel(Sure(UniHPE('unihpe_slim')), batch, count=2)
    assert panel.shape == (SIZE[1], 2 * SIZE[0], 3)
    assert tuple(panel[4, 4]) == FOUND_COLOUR
    place = batch.normalised[0] * SIZE[1] / 2 + (torch.tensor(SIZE) - 1) / 2
    inside = batch.weight[0] > 0
    x, y = place[inside][-1].round().int().tolist()
    assert tuple(panel[y, x]) == TRUE_COLOUR


def test_the_schedule_and_the_average():
    run = Run(
        TrainConfig(
            preset='unihpe_slim',
            poses='none',
            steps=100,
            warmup_steps=10,
            learning_rate=1.0,
            ema_steps=4,
        ),
        torch.device('cpu'),
    )
    rates = []
    for run.step in range(100):
        rates.append(run.learning_rate())
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(0.5 * (1 + np.cos(0.09 * np.pi)))
    assert rates[50] == pytest.approx(0.5)
    assert rates[99] < 1e-3
    run.step = 99
    parameter = run.model.decoder.out.bias
    old, average = parameter.detach().clone(), run.ema['decoder.out.bias'].clone()
    run.update(parameter.sum())
    assert not torch.equal(parameter, old)
    torch.testing.assert_close(run.ema['decoder.out.bias'], average.lerp(parameter.detach(), 0.25))
    assert run.model.image_branch.head.heatmaps.weight.is_contiguous(
        memory_format=torch.channels_last
    )


def test_all_methods_of_the_loss_give_the_same_values():
    (table,) = singular_value_loss.measure(batch=8, width=16, repeats=1).tables
    assert list(table.rows) == list(singular_value_loss.METHODS)
    assert table.rows[singular_value_loss.CLOSED_FORM][1] == 1
    assert all(time > 0 and error < 100 for time, _, error in table.rows.values())
    x, y, z = torch.nn.functional.normalize(torch.randn(3, 5, 8), dim=-1).double()
    closed, *others = (method(x, y, z) for method in singular_value_loss.METHODS.values())
    for other in others:
        torch.testing.assert_close(closed, other)
