"""The training loop, in one file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, nullcontext
from pathlib import Path
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from tqdm import tqdm
from unihpe_ros.datasets.poses import load_pose_bank
from unihpe_ros.datasets.projection import lifting_batch
from unihpe_ros.models.detector_network import DETECTORS
from unihpe_ros.training import ranks
from unihpe_ros.training.checkpoint import load_checkpoint
from unihpe_ros.training.config import changed_settings, TrainConfig
from unihpe_ros.training.detection.detector_run import DetectorRun
from unihpe_ros.training.failures import check_finite, Skipped
from unihpe_ros.training.run import Run
from unihpe_ros.training.run_folder import run_folder
from unihpe_ros.training.run_logger import last_step, RunLogger
from unihpe_ros.training.signals import InterruptedRun, Signals

# Number of batches for the statistics of an exported model's folded normalisations.
_UNFOLD_BATCHES = 8


def train(
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    run_type: type[Run] = Run,
    signals: Signals | None = None,
) -> Path:
    """
    Train by an experiment and return the checkpoint.

    Parameters
    ----------
    config : TrainConfig
        The experiment.
    out : Path
        Folder of the run: checkpoint.pt, log.csv, validation.csv, tensorboard/, and skipped.txt
        where something could not be read.
    resume : bool
        Go on from the folder's checkpoint; a run that is finished is left as it is.
    run_type : type[Run]
        Which network and objective; another than the default for comparison.
    signals : Signals, optional
        What may end it between two steps.

    Returns
    -------
    Path
        The checkpoint.

    Raises
    ------
    ConfigError
        If the folder holds a run and `resume` is False, or none and it is True, or another
        process trains there.
    InterruptedRun
        If a signal ended it: the checkpoint holds all steps that were taken.
    DatasetError
        If a data set cannot be read.
    NonFiniteLossError
        If a term of the loss is NaN or infinite.

    """
    device = ranks.join()
    with run_folder(out, resume=resume) as checkpoint:
        if resume and is_finished(config, out):
            return checkpoint
        if config.threads:
            torch.set_num_threads(config.threads)
        run = (DetectorRun if config.preset in DETECTORS else run_type)(config, device)
        if resume:
            run.load(checkpoint)
        first = run.step
        try:
            _take_steps(run, out, signals or Signals())
        except InterruptedRun as interruption:
            # An incomplete step is not saved: the weights may have changed, but not the average.
            if ranks.rank() == 0 and interruption.is_whole and run.step > first:
                run.save(checkpoint)
                interruption.step = run.step
            raise
    return checkpoint


def is_finished(config: TrainConfig, out: Path) -> bool:
    """Return whether a folder holds this experiment with all its steps and its last scores."""
    if not (out / 'checkpoint.pt').exists():
        return False
    state = load_checkpoint(out / 'checkpoint.pt')
    if state['step'] < config.steps or changed_settings(state['config'], config):
        return False
    pictures = config.validation_images or config.validation_photos
    scored = bool(config.validation_poses or (pictures and config.images))
    return not scored or last_step(out / 'validation.csv') == state['step']


def _take_steps(run: Run, out: Path, signals: Signals) -> None:
    config, checkpoint = run.config, out / 'checkpoint.pt'
    device = next(run.model.parameters()).device
    poses = load_pose_bank(Path(config.poses)) if config.poses else None
    skipped = Skipped(out / 'skipped.txt')
    batches = run.batches(skipped.add)
    held_out = run.held_out(skipped.add)
    if run.is_folded and batches is not None:
        run.unfold(next(batches).to(device).image for _ in range(_UNFOLD_BATCHES))
    saved = time.monotonic()
    batch: Any = None
    with closing(RunLogger(run, out)) if ranks.rank() == 0 else nullcontext() as logger:
        while run.step < config.steps:
            batch = next(batches).to(device) if batches is not None else None
            with signals.step():
                terms = _terms(run, batch, poses)
                loss = run.objective.total(terms)
                values = _values({'loss': loss, **terms})
                check_finite(run.step, values, batch, out / 'non_finite.txt')
                norm = run.update(loss)
                check_finite(run.step, {'gradient': norm}, batch, out / 'non_finite.txt')
                skipped.add(batch.skipped if batch is not None else ())
                if logger is not None:
                    logger.add_step(values)
            due = time.monotonic() - saved > 60 * config.checkpoint_minutes
            if logger is not None and due and run.step < config.steps:
                run.save(checkpoint)
                logger.add_validation(held_out.scores(run.averaged), batch)
                saved = time.monotonic()
        if logger is not None:
            run.save(checkpoint)
            logger.add_validation(held_out.scores(run.averaged), batch)
    if logger is not None and skipped.summary():
        tqdm.write(skipped.summary())


def _terms(run: Run, batch: Any, poses: NDArray[np.float32] | None) -> dict[str, Tensor]:
    """Return all loss terms of the next step: with several ranks, this one's share of them."""
    config, model = run.config, run.training_mode()
    rng = np.random.default_rng([config.seed, run.step, 1])
    terms: dict[str, Tensor] = {}
    device = next(model.parameters()).device
    with torch.autocast(
        device.type, torch.bfloat16, enabled=config.autocast and has_bfloat16(device)
    ):
        if batch is not None:
            terms |= run.objective.image_terms(model, batch, rng, run.step)
        if poses is not None:
            part = ranks.part(config.pose_batch)
            lifting = lifting_batch(poses, config.pose_batch, rng, model.preset.input_size)
            tensors = (
                torch.from_numpy(value[part]).to(device)
                for value in (lifting.keypoints, lifting.relative)
            )
            terms |= run.objective.pose_terms(model, *tensors)
    return terms


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device computes in bfloat16; where it does not, float32 is far faster."""
    return device.type != 'cpu' or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _values(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """Return the terms of the whole batch, summed over all ranks, in one transfer."""
    values = torch.stack([term.detach().float() for term in terms.values()])
    return dict(zip(terms, ranks.total(values).tolist(), strict=True))
