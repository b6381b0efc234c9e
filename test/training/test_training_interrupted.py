"""Runs that are told to end, and runs that meet in one folder."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest
from tiny_datasets import write_coco, write_pose_bank
import torch
from unihpe_ros.cli.main import main
from unihpe_ros.training.checkpoint import load_checkpoint
from unihpe_ros.training.config import ConfigError
from unihpe_ros.training.config_file import load_config
from unihpe_ros.training.run import Run
from unihpe_ros.training.signals import InterruptedRun, Signals
from unihpe_ros.training.train import train

POSES = """
preset: unihpe_slim
poses: {root}/poses.npz
pose_batch: 8
steps: 100000
log_steps: 1
threads: 1
"""
CROPS = """
preset: unihpe_slim
images: [{{path: {root}/coco, kind: coco}}]
image_batch: 2
steps: 100000
log_steps: 1
workers: 2
threads: 1
"""


@pytest.fixture
def poses(tmp_path):
    write_pose_bank(tmp_path / 'poses.npz')
    path = tmp_path / 'poses.yaml'
    path.write_text(POSES.format(root=tmp_path))
    return path


@pytest.fixture
def crops(tmp_path):
    write_coco(tmp_path / 'coco', 'train2017')
    path = tmp_path / 'crops.yaml'
    path.write_text(CROPS.format(root=tmp_path))
    return path


def start(experiment, out, **options):
    command = [sys.executable, '-m', 'unihpe_ros.cli.main', 'train', experiment, '--out', out]
    return subprocess.Popen(
        [*map(str, command)],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def await_steps(out, process):
    """Wait until a step was taken."""
    log, deadline = out / 'log.csv', time.monotonic() + 300
    while not (log.exists() and log.read_text().count('\n') > 2):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(process):
    return Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text().split()


@pytest.mark.parametrize('send', [os.kill, os.killpg], ids=['alone', 'group'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['int', 'term'])
def test_a_run_that_is_told_to_end_saves_its_last_step(crops, tmp_path, number, send):
    out = tmp_path / 'run'
    # Ctrl-C reaches the readers as well; so does what ends a service or a job.
    with start(crops, out, start_new_session=True) as process:
        await_steps(out, process)
        readers = children(process)
        assert len(readers) >= 2
        send(process.pid, number)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number, errors
    step = load_checkpoint(out / 'checkpoint.pt')['step']
    assert errors.splitlines()[-1] == (
        f'unihpe train: interrupted at step {step}; --resume goes on'
    )
    assert 'Traceback' not in errors
    assert not list(out.glob('.*partial*'))
    assert not [reader for reader in readers if Path(f'/proc/{reader}').exists()]
    # The next one may have the folder, and goes on.
    config = load_config(crops, {'steps': step + 1, 'workers': 0})
    with pytest.raises(ConfigError, match='made with other settings of steps'):
        train(config, out, resume=True)


def test_an_interrupted_run_resumes_to_the_same_weights(poses, tmp_path, monkeypatch):
    config = load_config(poses, {'steps': 6})
    whole = load_checkpoint(train(config, tmp_path / 'whole'))
    update = Run.update

    def interrupted(run, loss):
        if run.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return update(run, loss)

    with monkeypatch.context() as patch:
        patch.setattr(Run, 'update', interrupted)
        with Signals() as signals, pytest.raises(InterruptedRun) as caught:
            train(config, tmp_path / 'cut', signals=signals)
    assert (caught.value.number, caught.value.step) == (signal.SIGTERM, 4)
    assert load_checkpoint(tmp_path / 'cut/checkpoint.pt')['step'] == 4
    resumed = load_checkpoint(train(config, tmp_path / 'cut', resume=True))
    for name, value in whole['model'].items():
        assert torch.equal(resumed['model'][name], value), name


def test_a_finished_run_is_left_as_it_is(poses, tmp_path, capsys):
    out = tmp_path / 'run'
    settings = {
        'steps': 2,
        'checkpoint_minutes': 0.0,
        'validation_poses': str(tmp_path / 'poses.npz'),
    }
    pairs = [f'--set={name}={value}' for name, value in settings.items()]
    command = ['train', str(poses), '--out', str(out), *pairs]

    def files():
        return {path: path.read_bytes() for path in out.rglob('*') if path.is_file()}

    assert main(command) == 0
    before = files()
    scores = before[out / 'validation.csv'].splitlines(keepends=True)
    assert [line.split(b',')[0] for line in scores] == [b'step', b'1', b'2']
    capsys.readouterr()
    assert main([*command, '--resume']) == 0
    said = f'poses is finished already, all 2 steps: {out}/checkpoint.pt'
    assert capsys.readouterr().out.splitlines() == [said]
    train(load_config(poses, settings), out, resume=True)
    assert files() == before
    # Ended between its last step and its last scores, it lacks these.
    (out / 'validation.csv').write_bytes(b''.join(scores[:2]))
    assert main([*command, '--resume']) == 0
    assert (out / 'validation.csv').read_bytes() == before[out / 'validation.csv']


@pytest.fixture(autouse=True)
def heeded_ctrl_c():
    """Heed SIGINT though the tests may run in the background of a shell, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_who_insists_ends_a_run_in_the_middle_of_a_step(poses, tmp_path, monkeypatch):
    def hang(run, loss):
        del run, loss
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        pytest.fail('the step went on')

    monkeypatch.setattr(Run, 'update', hang)
    with Signals() as signals, pytest.raises(InterruptedRun) as caught:
        train(load_config(poses), tmp_path / 'run', signals=signals)
    assert not caught.value.is_whole
    assert not (tmp_path / 'run/checkpoint.pt').exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Signals():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_before_the_first_step_there_is_nothing_to_save(poses, tmp_path, monkeypatch):
    monkeypatch.setattr(
        'unihpe_ros.training.train.load_pose_bank', lambda _: signal.raise_signal(signal.SIGTERM)
    )
    with Signals() as signals, pytest.raises(InterruptedRun) as caught:
        train(load_config(poses), tmp_path / 'run', signals=signals)
    assert caught.value.step == 0
    assert not (tmp_path / 'run/checkpoint.pt').exists()


HOLD = """
import sys
from pathlib import Path
from unihpe_ros.training.run_folder import run_folder
with run_folder(Path(sys.argv[1]), resume=True):
    print('held', flush=True)
    sys.stdin.read()
"""


def test_a_folder_has_one_run_at_a_time(poses, tmp_path):
    out = tmp_path / 'run'
    command = [sys.executable, '-c', HOLD, str(out)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout.readline() == 'held\n'
            with pytest.raises(ConfigError, match=rf'run: process {other.pid} trains here; wait'):
                train(load_config(poses, {'steps': 1}), out)
            assert not (out / 'checkpoint.pt').exists()
        finally:
            other.kill()
    # A process that dies lets go.
    assert train(load_config(poses, {'steps': 1}), out).exists()
