"""Training of the person detector: objective, run, and the detector in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor
from unihpe_ros.core.detector_output import Detections, grid, read_detections
from unihpe_ros.core.letterbox import InputPicture
from unihpe_ros.datasets.scenes import SceneShards
from unihpe_ros.evaluation.detection_report import detect_scenes, detection_scores
from unihpe_ros.models.detector_network import DetectorNetwork, DETECTORS
from unihpe_ros.models.export import detector_spec
from unihpe_ros.models.unihpe import MEAN, normalise, STD
from unihpe_ros.training import ranks
from unihpe_ros.training.board import draw_scenes
from unihpe_ros.training.checkpoint import averaged_network, load_checkpoint
from unihpe_ros.training.config import ConfigError, TrainConfig
from unihpe_ros.training.detection.detector_losses import assign, giou_loss, quality_focal_loss
from unihpe_ros.training.detection.scene_batches import scene_batches, SceneBatch
from unihpe_ros.training.run import Run

# What `init` calls the weights that EfficientNet-Lite0 learned on ImageNet.
IMAGENET = 'imagenet'
# What the boxes weigh; the score weighs 1.
_BOX_WEIGHT = 2.0
# Scenes of a validation.
_SCENES = 300


class DetectionObjective(nn.Module):
    """The losses of a training step: scores of the points, and fit of their boxes."""

    def image_terms(
        self, model: DetectorNetwork, batch: SceneBatch, rng: np.random.Generator, step: int
    ) -> dict[str, Tensor]:
        """Return the loss terms of a batch; neither random nor changing with the step."""
        del rng, step
        raw = model(normalise(batch.image)).float()
        points, steps = (
            torch.from_numpy(array).to(raw.device) for array in grid(model.preset.input_size)
        )
        logits, reach = raw[..., 0], raw[..., 1:] * steps[:, None]
        boxes = torch.cat([points - reach[..., :2], points + reach[..., 2:]], -1)
        target = assign(
            logits.detach().sigmoid(), boxes.detach(), batch.boxes, batch.asked, points, steps
        )
        total = ranks.total(target.quality.sum()).clamp_min(1.0)
        sureness = quality_focal_loss(logits, target.quality)[target.counts].sum()
        mine = target.owner >= 0
        rows = torch.arange(len(raw), device=raw.device)[:, None].expand_as(target.owner)
        wanted = batch.boxes[rows[mine], target.owner[mine]]
        misfit = (target.quality[mine] * giou_loss(boxes[mine], wanted)).sum()
        return {'score': sureness / total, 'box': misfit / total}

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """Return the weighted sum of the terms."""
        return terms['score'] + _BOX_WEIGHT * terms['box']


class TorchDetector:
    """
    A detector in PyTorch with the interface of `unihpe_ros.detector.PersonDetector`.

    Parameters
    ----------
    model : DetectorNetwork
        The network; it is put into evaluation mode.

    """

    def __init__(self, model: DetectorNetwork) -> None:
        self.model = model.eval()
        self.device = next(model.parameters()).device
        self._input = InputPicture(detector_spec(model, model.name, '', ''))

    def detect(self, image: NDArray[np.uint8], score_threshold: float) -> Detections:
        """Find the people in ``(H, W, 3)`` BGR."""
        picture, letterbox = self._input.fill(image)
        with torch.inference_mode():
            raw = self.model(torch.from_numpy(picture).to(self.device))[0].cpu().numpy()
        return read_detections(raw, letterbox, score_threshold)


def load_detector(path: Path) -> DetectorNetwork:
    """Return the detector of a checkpoint, averaged weights; ConfigError if it has another."""
    state = load_checkpoint(path)
    return averaged_network(state, path, DetectorNetwork, DETECTORS, 'a detector,')


class DetectorRun(Run):
    """A run whose preset names a detector of `models.detector_network.DETECTORS`."""

    def build(self) -> nn.Module:
        """Return a new detector."""
        return DetectorNetwork(self.config.preset)

    def _start_from(self, path: Path) -> None:
        """Start from ImageNet's weights of the backbone too, by the name `IMAGENET`."""
        if str(path) != IMAGENET:
            super()._start_from(path)
            return
        if self.model.preset.widths:
            raise ConfigError(f'init: {path}: {self.config.preset} has no backbone from there')
        try:
            self.model.backbone.load_imagenet(MEAN, STD)
        except ModuleNotFoundError as error:
            raise ConfigError(f'init: {path}: {error}') from error

    def build_objective(self) -> nn.Module:
        """Return the objective of a detector."""
        return DetectionObjective()

    def batches(self, note: Callable[[Iterable[str]], None]) -> Iterator[Any]:
        """Return endless batches of scenes; `note` is given messages about damaged shards."""
        return scene_batches(self.config, self.model.preset.input_size, self.step, note)

    def held_out(self, note: Callable[[Iterable[str]], None]) -> HeldOutScenes:
        """Open the held-out scenes; `note` is given messages about what can't be read."""
        return HeldOutScenes(self.config, note)

    def picture(self, batch: Any) -> tuple[str, NDArray[np.uint8]]:
        """Return a name, and a picture of the detections in a batch of `batches`."""
        return 'scenes', draw_scenes(TorchDetector(self.averaged()), batch)


class HeldOutScenes:
    """
    The scenes on which a detector is evaluated.

    Parameters
    ----------
    config, note
        See `HeldOutPeople`.

    """

    def __init__(self, config: TrainConfig, note: Callable[[Iterable[str]], None]) -> None:
        self.note = note
        folder = config.validation_images
        self.scenes = SceneShards(Path(folder)) if folder else None
        if self.scenes is not None:
            note(self.scenes.damaged)

    def scores(self, averaged: Callable[[], DetectorNetwork]) -> dict[str, float]:
        """Return the scores of the detector with averaged weights; none without any set."""
        if self.scenes is None:
            return {}
        predicted = detect_scenes(TorchDetector(averaged()), self.scenes, limit=_SCENES)
        self.note(predicted.skipped)
        return detection_scores(predicted)
