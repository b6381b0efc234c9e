"""The training loop: read it from top to bottom, there is nothing behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, nullcontext
from pathlib import Path
import time

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from tqdm import tqdm
from unihpe_ros.datasets.batches import image_batches, ImageBatch
from unihpe_ros.datasets.catalogue import damaged_parts, open_records
from unihpe_ros.datasets.poses import load_pose_bank
from unihpe_ros.datasets.projection import lifting_batch
from unihpe_ros.models.detector import DETECTORS
from unihpe_ros.training import ranks
from unihpe_ros.training.config import changed_settings, ConfigError, TrainConfig
from unihpe_ros.training.detection.batches import scene_batches, SceneBatch
from unihpe_ros.training.detection.run import DetectorRun
from unihpe_ros.training.diary import Diary
from unihpe_ros.training.failures import check_finite, Skipped
from unihpe_ros.training.held_out import HeldOut
from unihpe_ros.training.log import append_row, last_step
from unihpe_ros.training.run import load_checkpoint, Run
from unihpe_ros.training.run_folder import run_folder
from unihpe_ros.training.signals import InterruptedRun, Signals

# Batches whose statistics an exported model's folded normalisations are given.
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
    Run an experiment.

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
            # What is not whole is not saved: the weights may have moved, and the average not.
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
    batches = _pictures(config, run, skipped)
    held_out = HeldOut(run, skipped.add)
    if run.is_folded and batches is not None:
        run.unfold(next(batches).to(device).image for _ in range(_UNFOLD_BATCHES))
    saved = time.monotonic()
    batch: ImageBatch | SceneBatch | None = None
    with closing(Diary(run, out)) if ranks.rank() == 0 else nullcontext() as diary:
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
                if diary is not None:
                    diary.note(values)
            due = time.monotonic() - saved > 60 * config.checkpoint_minutes
            if diary is not None and due and run.step < config.steps:
                run.save(checkpoint)
                diary.score(validate(held_out, out), batch)
                saved = time.monotonic()
        if diary is not None:
            run.save(checkpoint)
            diary.score(validate(held_out, out), batch)
    if diary is not None and skipped.summary():
        tqdm.write(skipped.summary())


def _pictures(
    config: TrainConfig, run: Run, skipped: Skipped
) -> Iterator[ImageBatch | SceneBatch] | None:
    if isinstance(run, DetectorRun):
        return scene_batches(config, run.model.preset.input_size, run.step, skipped.add)
    if not config.images:
        return None
    preset = run.model.preset
    sets = [
        open_records(source.kind, Path(source.path), 'train', source.selection)
        for source in config.images
    ]
    for records, source in zip(sets, config.images, strict=True):
        skipped.add(damaged_parts(records))
        if not records.has_images:
            raise ConfigError(
                f'images: {source.path}: the set of kind {source.kind} lies here '
                'without its pictures: extract them, or leave it out'
            )
    return iter(
        image_batches(
            sets,
            [source.weight for source in config.images],
            preset.input_size,
            config.image_batch,
            config.seed,
            start=run.step * config.image_batch,
            part=ranks.part(config.image_batch),
            workers=config.workers,
            simcc_ratio=preset.simcc_ratio,
            simcc_sigma=config.simcc_sigma,
        )
    )


def _terms(
    run: Run, batch: ImageBatch | SceneBatch | None, poses: NDArray[np.float32] | None
) -> dict[str, Tensor]:
    """Compute all terms of the next step: with several ranks, this one's share of them."""
    config, model = run.config, run.model.train()
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
    """Read the terms of the whole batch, of all ranks, in one transfer."""
    values = torch.stack([term.detach().float() for term in terms.values()])
    return dict(zip(terms, ranks.total(values).tolist(), strict=True))


def validate(held_out: HeldOut, out: Path) -> dict[str, float]:
    """Score the averaged weights on the held-out sets and append a row to validation.csv."""
    scores, step = held_out.scores(), held_out.run.step
    if scores:
        append_row(out / 'validation.csv', {'step': step, **scores})
        tqdm.write(f'step {step}: ' + ', '.join(f'{k} {v:.1f}' for k, v in scores.items()))
    return scores
