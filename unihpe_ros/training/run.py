"""A training run: network, objective, optimiser, batches and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor
from tqdm import tqdm
from unihpe_ros.core.files import replacing
from unihpe_ros.datasets.batches import image_batches
from unihpe_ros.datasets.catalogue import damaged_parts, open_records
from unihpe_ros.evaluation.predictor import TorchPredictor
from unihpe_ros.models.onnx_weights import load_exported, unfold_batch_norms
from unihpe_ros.models.unihpe import normalise, UniHPE
from unihpe_ros.training import ranks
from unihpe_ros.training.board import draw_panel
from unihpe_ros.training.checkpoint import exported_files, give_weights, load_checkpoint, REFINER
from unihpe_ros.training.config import changed_settings, ConfigError, TrainConfig
from unihpe_ros.training.held_out import HeldOut, HeldOutPeople
from unihpe_ros.training.objective import Objective


class Run:
    """
    State of a training run, and the data it trains and is evaluated on.

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
        if config.refiner:
            self._take_refiner(Path(config.refiner))
        ranks.share_batch_norms(self.model)
        for name in config.frozen:
            self._frozen(name).requires_grad_(False)
        self.ema: dict[str, Tensor] = {}
        self.average_from_here()
        # Biases, norms and tokens are not decayed.
        parameters = self._learned()
        self.optimizer = torch.optim.AdamW(
            [
                {'params': [p for p in parameters if p.ndim > 1]},
                {'params': [p for p in parameters if p.ndim <= 1], 'weight_decay': 0.0},
            ],
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
        )
        self.step = 0

    def _frozen(self, name: str) -> nn.Module:
        try:
            return self.model.get_submodule(name)
        except AttributeError as error:
            raise ConfigError(f'frozen: {name}: {self.config.preset} has no such part') from error

    def _learned(self) -> list[nn.Parameter]:
        parameters = [*self.model.parameters(), *self.objective.parameters()]
        return [parameter for parameter in parameters if parameter.requires_grad]

    def training_mode(self) -> UniHPE:
        """Return the network, normalising by each batch's statistics but for its frozen parts."""
        self.model.train()
        for name in self.config.frozen:
            self._frozen(name).eval()
        return self.model

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

    def _take_refiner(self, path: Path) -> None:
        part = {
            name: value
            for name, value in load_checkpoint(path)['ema'].items()
            if name.startswith(REFINER)
        }
        if not part:
            raise ConfigError(f'refiner: {path}: expected a run with a refiner; it has none')
        give_weights(self.model, {**self.model.state_dict(), **part}, path)

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
        """Return the objective."""
        return Objective(self.config)

    def batches(self, note: Callable[[Iterable[str]], None]) -> Iterator[Any] | None:
        """Return endless batches of pictures, None if the experiment has none."""
        config, preset = self.config, self.model.preset
        if not config.images:
            return None
        sets = [
            open_records(source.kind, Path(source.path), 'train', source.selection)
            for source in config.images
        ]
        for records, source in zip(sets, config.images, strict=True):
            note(damaged_parts(records))
            if not records.has_images:
                raise ConfigError(
                    f'images: {source.path}: the set of kind {source.kind} lies here '
                    'without its pictures: extract them, or leave it out'
                )
        loader = image_batches(
            sets,
            [source.weight for source in config.images],
            preset.input_size,
            config.image_batch,
            config.seed,
            start=self.step * config.image_batch,
            part=ranks.part(config.image_batch),
            workers=config.workers,
            simcc_ratio=preset.simcc_ratio,
            simcc_sigma=config.simcc_sigma,
            padding=config.padding,
        )
        return iter(loader)

    def held_out(self, note: Callable[[Iterable[str]], None]) -> HeldOut:
        """Open the held-out sets; `note` is given messages about what can't be read."""
        return HeldOutPeople(self.config, note)

    def picture(self, batch: Any) -> tuple[str, NDArray[np.uint8]]:
        """Return a name, and a picture of the predictions for a batch of `batches`."""
        return 'crops', draw_panel(TorchPredictor(self.averaged(), self.config.padding), batch)

    def learning_rate(self) -> float:
        """Return the learning rate of this step: linear warm-up, then a cosine to zero."""
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
        parameters = self._learned()
        ranks.sum_gradients(parameters)
        norm = float(nn.utils.clip_grad_norm_(parameters, self.config.clip))
        if not math.isfinite(norm):
            return norm
        self.optimizer.step()
        self.step += 1
        decay = min(1 - 1 / self.config.ema_steps, self.step / (self.step + 10))
        with torch.no_grad():
            still = {n for n, p in self.model.named_parameters() if not p.requires_grad}
            for name, value in self.model.state_dict().items():
                if name in still:
                    continue
                if value.dtype.is_floating_point:
                    self.ema[name].lerp_(value, 1 - decay)
                else:
                    self.ema[name].copy_(value)
        return norm

    def save(self, path: Path) -> None:
        """Write a checkpoint: to a temporary file, then renamed."""
        state = {
            'config': asdict(self.config),
            'preset': self.config.preset,
            'step': self.step,
            'model': self.model.state_dict(),
            'ema': self.ema,
            'objective': self.objective.state_dict(),
            'optimizer': self.optimizer.state_dict(),
        }
        write_state(path, state)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint of the same experiment."""
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


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write what a checkpoint holds whole, or not at all; OSError if the disk is full."""
    with replacing(path) as partial:
        try:
            torch.save(state, partial)
        except RuntimeError as error:
            # PyTorch's own error speaks of positions in the file.
            raise OSError(f'{path}: cannot be written whole; is the disk full?') from error
