"""`unihpe export`: the crops that a model asks for."""

import copy
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from unihpe_ros.cli.main import main
from unihpe_ros.engines.backend_choice import load_engine
from unihpe_ros.engines.model_files import load_pair
from unihpe_ros.models.detector_network import DetectorNetwork, DETECTORS
from unihpe_ros.models.export import export, export_detector
from unihpe_ros.models.onnx_weights import fold_batch_norms, load_exported
from unihpe_ros.models.unihpe import UniHPE
from unihpe_ros.training.checkpoint import exported_files, mean_weights
from unihpe_ros.training.config import TrainConfig

pytestmark = pytest.mark.slow


def checkpoint(folder: Path, network: nn.Module, config: TrainConfig) -> Path:
    """Store a network as a run's checkpoint."""
    path = folder / 'checkpoint.pt'
    state = {'preset': config.preset, 'step': 1, 'ema': network.state_dict()}
    torch.save(state | {'config': asdict(config)}, path)
    return path


@pytest.mark.parametrize(('options', 'padding'), [([], 1.2), (['--padding', '1.1'], 1.1)])
def test_a_model_asks_for_the_crops_it_learned_from_unless_told_otherwise(
    tmp_path: Path, options: list[str], padding: float
) -> None:
    config = TrainConfig(preset='unihpe_slim', padding=1.2)
    path = checkpoint(tmp_path, UniHPE('unihpe_slim'), config)
    assert main(['export', str(path), '--out', str(tmp_path), *options]) == 0
    for branch in ('image', 'lifting'):
        engine = load_engine(tmp_path / f'unihpe_slim.{branch}.onnx')
        assert engine.spec.padding == padding
        engine.close()


def test_several_runs_are_averaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = TrainConfig(preset='unihpe_slim')
    paths, networks = [], [UniHPE('unihpe_slim') for _ in range(2)]
    for number, network in enumerate(networks):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths.append(str(checkpoint(folder, network, config)))
    states = [network.state_dict() for network in networks]
    name = 'image_branch.gather.weight'
    mean = mean_weights(states)[name]
    torch.testing.assert_close(mean, (states[0][name] + states[1][name]) / 2)
    assert main(['export', *paths, '--out', str(tmp_path)]) == 0
    again = UniHPE('unihpe_slim')
    load_exported(again, exported_files(tmp_path / 'unihpe_slim'))
    torch.testing.assert_close(again.state_dict()[name], mean, atol=1e-3, rtol=1e-2)
    other = tmp_path / 'other'
    other.mkdir()
    odd = checkpoint(other, UniHPE('unihpe_rt'), TrainConfig(preset='unihpe_rt'))
    assert main(['export', str(odd), paths[0], '--out', str(tmp_path)]) == 1
    assert 'expected checkpoints of one network' in capsys.readouterr().err


def test_an_exported_detector_is_averaged_with_a_run_that_continued_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = next(iter(DETECTORS))
    first, second = (DetectorNetwork(preset).eval() for _ in range(2))
    for network in (first, second):
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_var, 0.5, 2)
                nn.init.uniform_(module.weight, 0.5, 2)
    export_detector(first, tmp_path, 'first', '', '')
    paths = [
        str(tmp_path / 'first'),
        str(checkpoint(tmp_path, second, TrainConfig(preset=preset))),
    ]
    image = torch.rand(1, 3, *network.preset.input_size[::-1])
    for shares, alone in (('1 0', first), ('0 1', second)):
        options = ['--out', str(tmp_path), '--name', 'mean', '--shares', *shares.split()]
        assert main(['export', *paths, *options]) == 0
        again = DetectorNetwork(preset).eval()
        load_exported(again, exported_files(tmp_path / 'mean'))
        with torch.no_grad():
            torch.testing.assert_close(again(image), alone(image), atol=0.05, rtol=0.05)
    folded = [copy.deepcopy(network) for network in (first, second)]
    for network in folded:
        fold_batch_norms(network)
    assert main(['export', *paths, *options[:4], '--shares', '1', '3']) == 0
    load_exported(again, exported_files(tmp_path / 'mean'))
    name = 'heads.0.0.0.weight'
    one, other = (network.state_dict()[name] for network in folded)
    torch.testing.assert_close(
        again.state_dict()[name], 0.25 * one + 0.75 * other, atol=1e-3, rtol=0.01
    )
    assert main(['export', *paths, *options[:2], '--shares', '1']) == 1
    assert (
        '--shares: expected a number of 0 or more for each of 2 models' in capsys.readouterr().err
    )


def test_exported_pose_networks_need_a_checkpoint_beside_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(UniHPE('unihpe_slim').eval(), tmp_path, 'mine', '', '')
    assert main(['export', str(tmp_path / 'mine'), '--out', str(tmp_path)]) == 1
    assert 'mine: expected a checkpoint (.pt) among the pose networks' in capsys.readouterr().err


def test_a_temperature_is_in_the_answers_and_not_in_the_weights(tmp_path: Path) -> None:
    network = UniHPE('unihpe_slim').eval()
    plain, *_ = export(network, tmp_path, 'plain', '', '')
    warm, *_ = export(network, tmp_path, 'warm', '', '', temperature=1.5)
    for name in plain.outputs:
        factor = 1.5 if name.startswith('simcc') else 1.0
        np.testing.assert_allclose(warm.outputs[name], factor * plain.outputs[name], rtol=1e-5)
    again = UniHPE('unihpe_slim')
    load_exported(again, exported_files(tmp_path / 'warm'))
    unfold = {name: value for name, value in again.state_dict().items() if 'head.x.' in name}
    for name, value in unfold.items():
        np.testing.assert_allclose(value, network.state_dict()[name], atol=1e-3)
    assert unfold


def test_the_scores_of_an_exported_detector_are_calibrated(tmp_path: Path) -> None:
    network = DetectorNetwork(next(iter(DETECTORS))).eval()
    for head in network.heads:
        torch.nn.init.normal_(head[-1].weight)
    (plain,) = export_detector(network, tmp_path, 'plain', '', '')
    (line,) = export_detector(network, tmp_path, 'line', '', '', calibration=(1.5, -0.7))
    before, after = plain.outputs['detections'], line.outputs['detections']
    np.testing.assert_allclose(after[..., 0], 1.5 * before[..., 0] - 0.7, atol=0.02)
    np.testing.assert_allclose(after[..., 1:], before[..., 1:], atol=1e-4)


def test_what_is_of_crops_is_refused_for_a_detector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = next(iter(DETECTORS))
    path = checkpoint(tmp_path, DetectorNetwork(preset), TrainConfig(preset=preset))
    assert main(['export', str(path), '--out', str(tmp_path), '--padding', '1.1']) == 1
    assert '--padding: not of a detector' in capsys.readouterr().err
    assert not list(tmp_path.glob('*.onnx'))


def test_a_lifting_branch_is_replaced_beside_its_image_branch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = UniHPE('unihpe_slim')
    before = export(network, tmp_path, 'mine', 'before', 'none', padding=1.1)
    bytes_before = before[0].path.read_bytes()
    nn.init.normal_(network.refiner.last.weight)
    path = str(checkpoint(tmp_path, network, TrainConfig(preset='unihpe_slim')))
    model = str(tmp_path / 'mine')
    options = ['--lifting-of', model, '--out', str(tmp_path), '--training', 'refined']
    assert main(['export', path, *options]) == 0
    assert before[0].path.read_bytes() == bytes_before
    image, lifting = load_pair(model)
    assert lifting.spec.training == 'refined'
    assert lifting.spec.weights == image.spec.weights
    assert lifting.outputs['sigma'][1] == 26
    changed = lifting.infer(before[1].inputs)['lifted_pose3d'] - before[1].outputs['lifted_pose3d']
    assert np.abs(changed).max() > 0.01
    assert main(['export', path, *options, '--padding', '1.2']) == 1
    assert '--padding: is that of the image branch' in capsys.readouterr().err
    nn.init.normal_(network.image_branch.gather.bias)
    path = str(checkpoint(tmp_path, network, TrainConfig(preset='unihpe_slim')))
    assert main(['export', path, *options]) == 1
    assert 'expected the image branch of the checkpoint; 1 weights' in capsys.readouterr().err
