"""A run of training that is killed on its way and taken up again."""

from pathlib import Path

import pytest
import torch
from unihpe_ros.training.checkpoint import load_checkpoint
from unihpe_ros.training.config import TrainConfig
from unihpe_ros.training.run import Run
from unihpe_ros.training.train import train


class KilledError(Exception):
    pass


def check_resumed(
    config: TrainConfig, folder: Path, kind: type[Run], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that a run which dies at a step and resumes ends with the weights of a whole one."""
    whole = load_checkpoint(train(config, folder / 'whole'))
    update = kind.update

    def die(run, loss):
        if run.step == step:
            raise KilledError
        return update(run, loss)

    with monkeypatch.context() as patch:
        patch.setattr(kind, 'update', die)
        with pytest.raises(KilledError):
            train(config, folder / 'cut')
    resumed = load_checkpoint(train(config, folder / 'cut', resume=True))
    for name, value in whole['model'].items():
        torch.testing.assert_close(resumed['model'][name], value, rtol=0, atol=0)
