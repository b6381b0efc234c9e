"""The training loop: read it from top to bottom, there is nothing behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import time

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from tqdm import tqdm
from unihpe_ros.datasets.batches import image_batches, ImageBatch
from unihpe_ros.datasets.catalogue import open_records
from unihpe_ros.datasets.poses import load_pose_bank
from unihpe_ros.datasets.projection import lifting_batch
from unihpe_ros.datasets.synthetic import SyntheticShards
from unihpe_ros.training.config import ConfigError, TrainConfig
from unihpe_ros.training.evaluate import image_metrics, lifting_metrics, TorchPredictor
from unihpe_ros.training.log import append_row, Log
from unihpe_ros.training.run import Run


class NonFiniteLossError(RuntimeError):
    """The loss is NaN or infinite; the message names step and term."""


def train(
    config: TrainConfig, out: Path, *, resume: bool = False, run_type: type[Run] = Run
) -> Path:
    """
    Run an experiment.

    Parameters
    ----------
    config : TrainConfig
        The experiment.
    out : Path
        Folder of the run: checkpoint.pt, log.csv and validation.csv.
    resume : bool
        Go on from the folder's checkpoint.
    run_type : type[Run]
        Which network and objective; another than the default for comparison.

    Returns
    -------
    Path
        The checkpoint.

    Raises
    ------
    ConfigError
        If the folder holds a run and `resume` is False, or none and it is True.
    DatasetError
        If a data set cannot be read.
    NonFiniteLossError
        If a term of the loss is NaN or infinite.

    """
    checkpoint = out / 'checkpoint.pt'
    if checkpoint.exists() and not resume:
        raise ConfigError(f'{checkpoint}: exists; give --resume to go on, or another folder')
    out.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    run = run_type(config, device)
    if resume:
        run.load(checkpoint)
    poses = load_pose_bank(Path(config.poses)) if config.poses else None
    batches = _crops(config, run)
    saved = time.monotonic()
    log = Log(out / 'log.csv', run.step)
    bar = tqdm(total=config.steps, initial=run.step, unit='step', smoothing=0.05)
    while run.step < config.steps:
        terms = _terms(run, batches, poses, device)
        loss = run.objective.total(terms)
        if not torch.isfinite(loss):
            _complain(run.step, terms)
        run.update(loss)
        bar.update()
        log.add({'loss': loss, **terms})
        if run.step % config.log_steps == 0:
            row = log.write(run.step, run.learning_rate())
            bar.set_postfix_str(' '.join(f'{k} {row[k]:.3f}' for k in ('loss', *terms)))
        if time.monotonic() - saved > 60 * config.checkpoint_minutes:
            run.save(checkpoint)
            validate(run, out)
            saved = time.monotonic()
    bar.close()
    run.save(checkpoint)
    validate(run, out)
    return checkpoint


def _crops(config: TrainConfig, run: Run) -> Iterator[ImageBatch] | None:
    if not config.images:
        return None
    preset = run.model.preset
    sets = [open_records(source.kind, Path(source.path), 'train') for source in config.images]
    for records, source in zip(sets, config.images, strict=True):
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
            workers=config.workers,
            simcc_ratio=preset.simcc_ratio,
        )
    )


def _terms(
    run: Run,
    batches: Iterator[ImageBatch] | None,
    poses: NDArray[np.float32] | None,
    device: torch.device,
) -> dict[str, Tensor]:
    """Compute all terms of the next step."""
    config, model = run.config, run.model.train()
    rng = np.random.default_rng([config.seed, run.step, 1])
    terms: dict[str, Tensor] = {}
    with torch.autocast(device.type, torch.bfloat16):
        if batches is not None:
            batch = next(batches).to(device)
            terms |= run.objective.image_terms(model, batch, rng, run.step)
        if poses is not None:
            lifting = lifting_batch(poses, config.pose_batch, rng, model.preset.input_size)
            tensors = (
                torch.from_numpy(value).to(device)
                for value in (lifting.keypoints, lifting.relative)
            )
            terms |= run.objective.pose_terms(model, *tensors)
    return terms


def _complain(step: int, terms: dict[str, Tensor]) -> None:
    wrong = [name for name, term in terms.items() if not torch.isfinite(term)]
    raise NonFiniteLossError(
        f'step {step}: the loss is not finite; terms: {", ".join(wrong) or "their sum"}. '
        'Lower learning_rate, or look at the batch of that step: it is drawn from seed and step.'
    )


def validate(run: Run, out: Path) -> dict[str, float]:
    """Score the averaged weights on the held-out sets and append a row to validation.csv."""
    config = run.config
    predictor = TorchPredictor(run.averaged())
    scores: dict[str, float] = {}
    if config.validation_poses:
        bank = load_pose_bank(Path(config.validation_poses))
        scores |= lifting_metrics(predictor, bank, limit=2000)
    if config.validation_images and config.images:
        records = SyntheticShards(Path(config.validation_images))
        scores |= image_metrics(predictor, records, limit=500)
    if scores:
        append_row(out / 'validation.csv', {'step': run.step, **scores})
        tqdm.write(f'step {run.step}: ' + ', '.join(f'{k} {v:.1f}' for k, v in scores.items()))
    return scores
