"""State of a training run, and its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
import math
from pathlib import Path
from pickle import UnpicklingError
import struct
from textwrap import shorten
from typing import Any, TypeVar

import torch
from torch import nn, Tensor
from tqdm import tqdm
from unihpe_ros.core.files import replacing
from unihpe_ros.core.resources import find_resource
from unihpe_ros.models.onnx_weights import load_exported, unfold_batch_norms
from unihpe_ros.models.unihpe import PRESETS, UniHPE
from unihpe_ros.training import ranks
from unihpe_ros.training.config import changed_settings, ConfigError, TrainConfig
from unihpe_ros.training.objective import normalise, Objective

Network = TypeVar('Network', bound=nn.Module)

# What every checkpoint has to hold.
_KEYS = ('preset', 'step', 'ema')


class Run:
    """
    State of a training run that is written to and read from checkpoints.

    Parameters
    ----------
    config : TrainConfig
        The experiment.
    device : torch.device
        Where the network lives.

    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.model = self.build().to(device, memory_format=torch.channels_last)
        self.objective = self.build_objective().to(device)
        # Whether the weights are those of an exported model, to be unfolded before the first step.
        self.is_folded = False
        if config.init:
            self._start_from(Path(config.init))
        ranks.share_batch_norms(self.model)
        self.ema: dict[str, Tensor] = {}
        self.average_from_here()
        # Biases, norms and tokens are not decayed.
        parameters = [*self.model.parameters(), *self.objective.parameters()]
        self.optimizer = torch.optim.AdamW(
            [
                {'params': [p for p in parameters if p.ndim > 1]},
                {'params': [p for p in parameters if p.ndim <= 1], 'weight_decay': 0.0},
            ],
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
        )
        self.step = 0

    def average_from_here(self) -> None:
        """Let the average be the weights as they are."""
        self.ema = {name: value.clone() for name, value in self.model.state_dict().items()}
        self._share_average()

    def _share_average(self) -> None:
        # Objectives that learn from the averaged network read it here.
        if isinstance(self.objective, Objective):
            self.objective.averaged = self.ema

    def _start_from(self, path: Path) -> None:
        if path.suffix != '.pt':
            self._start_from_exported(path)
            return
        state, preset = load_checkpoint(path), self.config.preset
        if state['preset'] != preset:
            raise ConfigError(f'init: {path}: expected weights of {preset}; got {state["preset"]}')
        give_weights(self.model, state['ema'], path)

    def _start_from_exported(self, path: Path) -> None:
        files = exported_files(path)
        try:
            fresh = load_exported(self.model, files)
        except ValueError as error:
            raise ConfigError(f'init: {error}') from error
        self.is_folded = True
        if fresh:
            parts = sorted({name.partition('.')[0] for name in fresh})
            tqdm.write(f'{path} has no weights of {", ".join(parts)}: these start anew')

    def unfold(self, crops: Iterable[Tensor]) -> None:
        """Give folded batch normalisations the statistics of ``(B, h, w, 3)`` uint8 crops."""
        unfold_batch_norms(self.model, (normalise(crop) for crop in crops))
        self.average_from_here()
        self.is_folded = False

    def build(self) -> UniHPE:
        """Return a new network."""
        return UniHPE(self.config.preset)

    def build_objective(self) -> Objective:
        """Return what a batch costs."""
        return Objective(self.config)

    def learning_rate(self) -> float:
        """Linear warm-up, then a cosine to zero."""
        warm = min((self.step + 1) / max(self.config.warmup_steps, 1), 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / self.config.steps))
        return self.config.learning_rate * warm * cosine

    def update(self, loss: Tensor) -> float:
        """
        Take one optimiser step and move the average, unless the gradient is not finite.

        Returns
        -------
        float
            Norm of the gradient before it was clipped.

        """
        for group in self.optimizer.param_groups:
            group['lr'] = self.learning_rate()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        # The learned temperature is clipped with the rest, and must be as finite.
        parameters = [*self.model.parameters(), *self.objective.parameters()]
        ranks.sum_gradients(parameters)
        norm = float(nn.utils.clip_grad_norm_(parameters, self.config.clip))
        if not math.isfinite(norm):
            return norm
        self.optimizer.step()
        self.step += 1
        decay = min(1 - 1 / self.config.ema_steps, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.dtype.is_floating_point:
                    self.ema[name].lerp_(value, 1 - decay)
                else:
                    self.ema[name].copy_(value)
        return norm

    def save(self, path: Path) -> None:
        """Write a checkpoint: beside, then renamed."""
        state = {
            'config': asdict(self.config),
            'preset': self.config.preset,
            'step': self.step,
            'model': self.model.state_dict(),
            'ema': self.ema,
            'objective': self.objective.state_dict(),
            'optimizer': self.optimizer.state_dict(),
        }
        with replacing(path) as partial:
            torch.save(state, partial)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of the same experiment."""
        state = load_checkpoint(path)
        changed = changed_settings(state['config'], self.config)
        if changed:
            raise ConfigError(f'{path}: made with other settings of {", ".join(changed)}')
        give_weights(self.model, state['model'], path)
        self.objective.load_state_dict(state['objective'])
        self.optimizer.load_state_dict(state['optimizer'])
        self.ema = state['ema']
        self._share_average()
        self.is_folded = False
        self.step = state['step']

    def averaged(self) -> UniHPE:
        """Return a network with the averaged weights."""
        model = self.build().to(next(self.model.parameters()).device)
        model.load_state_dict(self.ema)
        return model


def exported_files(path: Path) -> dict[str, Path]:
    """
    Find the files of an exported model.

    Parameters
    ----------
    path : Path
        Name of a shipped model, or path of an exported one, without '.image.onnx'.

    Returns
    -------
    dict[str, Path]
        By branch: 'image' and 'lifting', or of a detector 'detector'.

    Raises
    ------
    ConfigError
        If there is none.

    """
    for folder in (path.parent, find_resource('resource/models')):
        for branches in (('image', 'lifting'), ('detector',)):
            suffixes = ['' if branch == 'detector' else f'.{branch}' for branch in branches]
            files = [folder / f'{path.name}{suffix}.onnx' for suffix in suffixes]
            if all(file.is_file() for file in files):
                return dict(zip(branches, files, strict=True))
    raise ConfigError(
        f'init: {path}: expected a checkpoint (.pt), or an exported model whose files are '
        f'{path.name}.image.onnx and {path.name}.lifting.onnx'
    )


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; ConfigError if there is none or it is damaged."""
    try:
        state: dict[str, Any] = torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError as error:
        raise ConfigError(f'{path}: no such checkpoint') from error
    except (RuntimeError, EOFError, OSError, struct.error, UnpicklingError) as error:
        # What PyTorch says of it is advice to trust the file.
        hint = 'expected one that `unihpe train` wrote'
        raise ConfigError(f'{path}: not a readable checkpoint; {hint}') from error
    missing = [key for key in _KEYS if not isinstance(state, dict) or key not in state]
    if missing:
        raise ConfigError(f'{path}: not a checkpoint of a run: it lacks {", ".join(missing)}')
    return state


def give_weights(model: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Give a network the weights of a checkpoint; ConfigError if they are another network's."""
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = shorten(str(error), 200, placeholder=' ...')
        raise ConfigError(f'{path}: weights of another network or version ({reason})') from error


def load_network(path: Path) -> UniHPE:
    """Read the averaged weights of a checkpoint; ConfigError if it is none of a UniHPE."""
    return load_averaged(path, UniHPE, PRESETS, 'a network of')


def load_averaged(
    path: Path, build: Callable[[str], Network], presets: Collection[str], expected: str
) -> Network:
    """
    Read the averaged weights of a checkpoint.

    Parameters
    ----------
    path : Path
        The checkpoint.
    build : Callable[[str], nn.Module]
        Makes the network of a preset.
    presets : Collection[str]
        The presets that it knows.
    expected : str
        What these are, for the message.

    Raises
    ------
    ConfigError
        If it is no checkpoint, or one of another preset.

    """
    state = load_checkpoint(path)
    if state['preset'] not in presets:
        names = ', '.join(presets)
        raise ConfigError(f'{path}: expected {expected} {names}; got {state["preset"]}')
    model = build(state['preset'])
    give_weights(model, state['ema'], path)
    return model
