"""`unihpe export`: the crops that a model asks for."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import nn
from unihpe_ros.cli.main import main
from unihpe_ros.engines import load_engine
from unihpe_ros.models.detector_network import DetectorNetwork, DETECTORS
from unihpe_ros.models.unihpe import UniHPE
from unihpe_ros.training.config import TrainConfig


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


def test_a_padding_is_refused_for_a_detector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = next(iter(DETECTORS))
    path = checkpoint(tmp_path, DetectorNetwork(preset), TrainConfig(preset=preset))
    assert main(['export', str(path), '--out', str(tmp_path), '--padding', '1.1']) == 1
    assert 'a detector is given whole pictures' in capsys.readouterr().err
    assert not list(tmp_path.glob('*.onnx'))
