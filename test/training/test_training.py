"""The training loop: learns, resumes to the same run, and refuses what it can't use."""

import csv

from killed_runs import check_resumed
import pytest
from tiny_datasets import write_pose_bank
import torch
from unihpe_ros.cli.train import parse_settings
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.training.checkpoint import load_checkpoint
from unihpe_ros.training.config import ConfigError
from unihpe_ros.training.config_file import load_config
from unihpe_ros.training.failures import NonFiniteLossError
from unihpe_ros.training.objective import Objective
from unihpe_ros.training.run import Run
from unihpe_ros.training.train import train

SETTINGS = """
preset: unihpe_rt
seed: 3
steps: 12
poses: {poses}
pose_batch: 32
warmup_steps: 2
ema_steps: 5
log_steps: 4
threads: 1
validation_poses: {poses}
"""


@pytest.fixture
def experiment(tmp_path):
    write_pose_bank(tmp_path / 'poses.npz')
    path = tmp_path / 'lifter.yaml'
    path.write_text(SETTINGS.format(poses=tmp_path / 'poses.npz'))
    return path


def rows(path):
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


def test_learns_and_logs(experiment, tmp_path):
    config = load_config(experiment, {'steps': 60, 'pose_batch': 64})
    checkpoint = train(config, tmp_path / 'run')
    log = rows(tmp_path / 'run/log.csv')
    assert [int(row['step']) for row in log] == list(range(4, 61, 4))
    assert float(log[-1]['lifting_pose']) < 0.5 * float(log[0]['lifting_pose'])
    scores = rows(tmp_path / 'run/validation.csv')[-1]
    assert float(scores['lifted_true_pa_mpjpe_mm']) < float(scores['flat_depth_pa_mpjpe_mm'])
    assert load_checkpoint(checkpoint)['step'] == 60


def test_missing_held_out_data_are_named_before_the_first_step(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(Run, 'update', lambda *_: pytest.fail('a step was taken'))
    config = load_config(experiment, {'validation_poses': str(tmp_path / 'none.npz')})
    with pytest.raises(DatasetError, match=r'none\.npz: no such pose bank; make it with'):
        train(config, tmp_path / 'run')


def test_a_killed_run_resumes_to_the_same_weights(experiment, tmp_path, monkeypatch):
    config = load_config(experiment, {'checkpoint_minutes': 0.0})
    check_resumed(config, tmp_path, Run, 7, monkeypatch)
    assert rows(tmp_path / 'cut/log.csv')[-1]['step'] == '12'


def test_refuses_to_overwrite_a_run(experiment, tmp_path):
    config = load_config(experiment, {'steps': 1})
    train(config, tmp_path / 'run')
    with pytest.raises(ConfigError, match='exists; give --resume'):
        train(config, tmp_path / 'run')


def test_refuses_to_resume_with_other_settings(experiment, tmp_path):
    train(load_config(experiment, {'steps': 1}), tmp_path / 'run')
    with pytest.raises(ConfigError, match='other settings of learning_rate'):
        train(
            load_config(experiment, {'steps': 1, 'learning_rate': 0.1}),
            tmp_path / 'run',
            resume=True,
        )


def test_damaged_checkpoint_is_named(experiment, tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run/checkpoint.pt').write_bytes(b'PK no checkpoint')
    with pytest.raises(ConfigError, match=r'checkpoint\.pt: not a readable checkpoint'):
        train(load_config(experiment), tmp_path / 'run', resume=True)


def test_weights_of_something_else_are_not_started_from(experiment, tmp_path):
    torch.save({'preset': 'unihpe_slim', 'step': 1, 'ema': {}}, tmp_path / 'other.pt')
    torch.save({'preset': 'unihpe_rt', 'step': 1, 'ema': {}}, tmp_path / 'older.pt')
    torch.save({'state_dict': {}}, tmp_path / 'foreign.pt')
    for name, words in (
        ('other', r'init: .*other\.pt: expected weights of unihpe_rt; got unihpe_slim'),
        ('older', r'older\.pt: weights of another network or version \(Error'),
        ('foreign', r'foreign\.pt: not a checkpoint of a run: it lacks preset, step, ema'),
    ):
        with pytest.raises(ConfigError, match=words):
            train(
                load_config(experiment, {'init': str(tmp_path / f'{name}.pt')}), tmp_path / 'run'
            )


def test_a_refiner_is_trained_alone_and_from_runs_that_had_none(experiment, tmp_path):
    train(load_config(experiment, {'steps': 2}), tmp_path / 'first')
    state = load_checkpoint(tmp_path / 'first/checkpoint.pt')
    old = {name: value for name, value in state['ema'].items() if 'refiner' not in name}
    torch.save({**state, 'ema': old}, tmp_path / 'old.pt')
    parts = ['image_branch', 'encoder_2d', 'encoder_3d', 'decoder']
    projections = [f'project_{name}' for name in ('image', '2d', '3d')]
    settings = {'init': str(tmp_path / 'old.pt'), 'frozen': parts + projections}
    train(load_config(experiment, settings), tmp_path / 'second')
    ends = load_checkpoint(tmp_path / 'second/checkpoint.pt')['ema']
    assert all(torch.equal(ends[name], value) for name, value in old.items())
    assert ends['refiner.last.weight'].abs().max() > 0
    log = rows(tmp_path / 'second/log.csv')
    assert {'refined_pose', 'refined_bone', 'sigma'} < set(log[-1])
    assert 'lifting_pose' not in log[-1]
    # Another model takes the refiner over, and one from before there were any has none.
    refiner = str(tmp_path / 'second/checkpoint.pt')
    run = Run(load_config(experiment, {'refiner': refiner, 'seed': 5}), torch.device('cpu'))
    taken = run.model.state_dict()
    assert torch.equal(taken['refiner.last.weight'], ends['refiner.last.weight'])
    assert not torch.equal(taken['decoder.out.weight'], ends['decoder.out.weight'])
    with pytest.raises(ConfigError, match=r'old\.pt: expected a run with a refiner'):
        Run(load_config(experiment, {'refiner': str(tmp_path / 'old.pt')}), torch.device('cpu'))


def test_a_loss_that_is_not_finite_names_step_and_term(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(
        Objective,
        'pose_terms',
        lambda *_: {'lifting_pose': torch.tensor(float('nan')), 'auto_pose': torch.tensor(1.0)},
    )
    with pytest.raises(
        NonFiniteLossError, match='step 0: the loss is not finite; terms: lifting_pose'
    ):
        train(load_config(experiment), tmp_path / 'run')


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('stesp: 4', 'unknown key stesp'),
        ('steps: many', "steps: expected int; got 'many'"),
        ('loss: {poze: 1}', 'unknown key poze'),
        ('images: data', 'images: expected a list'),
        ('steps: 4', 'expected images or poses to train on'),
        ('- 4', 'expected a mapping'),
        ('{poses: a.npz, steps: 0}', 'steps: expected at least 1; got 0'),
        ('{poses: a.npz, log_steps: 0}', 'log_steps: expected at least 1; got 0'),
        ('images: [{path: a, weight: 0}]', 'images: weight: expected above 0; got 0.0'),
        ('{poses: a.npz, ema_steps: 0.5}', 'ema_steps: expected at least 1; got 0.5'),
        ('{poses: a.npz, learning_rate: -1}', 'learning_rate: expected above 0; got -1'),
        ('{poses: a.npz, clip: .nan}', 'clip: expected above 0; got nan'),
        ('{poses: a.npz, workers: -1}', 'workers: expected at least 0; got -1'),
        ('{poses: a.npz, loss: {bone: -2}}', 'loss: bone: expected at least 0; got -2'),
        ('a: [', 'not YAML'),
    ],
)
def test_configuration_errors_name_file_and_key(tmp_path, text, words):
    path = tmp_path / 'odd.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(path)
    assert 'odd.yaml' in str(caught.value)


def test_a_name_left_blank_is_none_given(experiment):
    assert load_config(experiment, parse_settings(['validation_poses='])).validation_poses == ''


def test_a_setting_that_is_no_yaml_is_named():
    with pytest.raises(ConfigError, match=r'--set images=\[: not YAML'):
        parse_settings(['images=['])


def test_missing_configuration_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r'none\.yaml: No such file'):
        load_config(tmp_path / 'none.yaml')
