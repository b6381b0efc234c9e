"""Batches of scenes, seeded by (seed, sample index), so that runs resume exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from unihpe_ros.datasets.batches import RunSampler, start_reader
from unihpe_ros.datasets.photos import PhotoScenes
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.datasets.scene_augment import (
    augment_scene,
    LabelledPicture,
    LabelledScenes,
    mosaic_count,
)
from unihpe_ros.datasets.scenes import SceneShards
from unihpe_ros.training import ranks
from unihpe_ros.training.config import ConfigError, TrainConfig

# So many unreadable scenes in a row are no accident.
_MANY = 100


@dataclass(frozen=True)
class SceneBatch:
    """
    B pictures with up to G people each.

    Parameters
    ----------
    image : Tensor
        ``(B, h, w, 3)`` uint8 BGR.
    boxes : Tensor
        ``(B, G, 4)`` px; NaN in rows that hold nobody.
    asked : Tensor
        ``(B, G)`` bool, whether the person is to be found.
    sources : tuple[str, ...]
        Where each picture, or the first of several in it, comes from.
    skipped : tuple[str, ...]
        What was wrong with pictures that could not be read.

    """

    image: Tensor
    boxes: Tensor
    asked: Tensor
    sources: tuple[str, ...]
    skipped: tuple[str, ...]

    def to(self, device: torch.device) -> SceneBatch:
        """Return the same batch on a device."""
        return SceneBatch(
            self.image.to(device, non_blocking=True),
            self.boxes.to(device, non_blocking=True),
            self.asked.to(device, non_blocking=True),
            self.sources,
            self.skipped,
        )

    def invalid_rows(self) -> set[int]:
        """Return the rows with people to be found whose box is not finite."""
        wrong = self.asked & ~self.boxes.isfinite().all(-1)
        return set(wrong.any(-1).nonzero()[:, 0].tolist())


class SceneItem(NamedTuple):
    """A training picture, its source, and messages about pictures that could not be read."""

    picture: LabelledPicture
    source: str
    skipped: list[str]


class Scenes(Dataset[SceneItem]):
    """
    Dataset of augmented scenes, addressed by (position in the run, set, picture).

    A picture that can't be read is replaced by its successor.

    Parameters
    ----------
    sources : Sequence[LabelledScenes]
        The data sets.
    size : tuple[int, int]
        (w, h) of the network's input, px.
    seed : int
        Seed of the run.

    """

    def __init__(
        self, sources: Sequence[LabelledScenes], size: tuple[int, int], seed: int
    ) -> None:
        self.sources, self.size, self.seed = list(sources), size, seed

    def __getitem__(self, key: tuple[int, int, int]) -> SceneItem:
        position, source, first = key
        rng = np.random.default_rng([self.seed, position])
        scenes = self.sources[source]
        others = rng.integers(0, len(scenes), mosaic_count(rng) - 1)
        skipped: list[str] = []
        chosen = [_read(scenes, int(number), skipped) for number in (first, *others)]
        pictures = [picture for picture, _ in chosen]
        return SceneItem(augment_scene(pictures, self.size, rng), chosen[0][1], skipped)


def _read(scenes: LabelledScenes, number: int, skipped: list[str]) -> tuple[LabelledPicture, str]:
    for ahead in range(_MANY):
        try:
            return scenes.labelled((number + ahead) % len(scenes))
        except DatasetError as error:
            skipped.append(str(error))
    raise DatasetError(f'{scenes.folder}: {_MANY} scenes in a row: {skipped[-1]}')


def collate(items: Sequence[SceneItem]) -> SceneBatch:
    """Return a batch of pictures; boxes are padded with NaN to the largest number of people."""
    pictures = [item.picture for item in items]
    most = max(len(picture.boxes) for picture in pictures)
    boxes = np.full((len(pictures), most, 4), np.nan, np.float32)
    asked = np.zeros((len(pictures), most), np.bool_)
    for row, picture in enumerate(pictures):
        boxes[row, : len(picture.boxes)] = picture.boxes
        asked[row, : len(picture.boxes)] = picture.learnable
    return SceneBatch(
        torch.from_numpy(np.stack([picture.image for picture in pictures])),
        torch.from_numpy(boxes),
        torch.from_numpy(asked),
        tuple(item.source for item in items),
        tuple(message for item in items for message in item.skipped),
    )


def scene_batches(
    config: TrainConfig,
    size: tuple[int, int],
    step: int,
    note: Callable[[Iterable[str]], None],
) -> Iterator[SceneBatch]:
    """
    Return the endless batches of a run.

    Parameters
    ----------
    config : TrainConfig
        The experiment.
    size : tuple[int, int]
        (w, h) of the network's input, px.
    step : int
        Step of the first batch.
    note : Callable[[Iterable[str]], None]
        Is told which shards are left out because they can't be read.

    Raises
    ------
    ConfigError
        If the experiment names no data set, or something that teaches a detector nothing.

    """
    if config.poses:
        raise ConfigError(f'poses: expected none for a detector; got {config.poses}')
    for source in config.images:
        if source.kind not in ('synthetic', 'photos'):
            raise ConfigError(
                f'images: {source.path}: expected scenes of `unihpe render --scenes` (kind '
                f'synthetic) or photos for a detector; got kind {source.kind}'
            )
    sets: list[LabelledScenes] = [
        PhotoScenes(Path(source.path), source.selection)
        if source.kind == 'photos'
        else SceneShards(Path(source.path))
        for source in config.images
    ]
    if not sets:
        raise ConfigError('images: expected scenes to train a detector on')
    for scenes in sets:
        note(scenes.damaged)
    sampler = RunSampler(
        [len(scenes) for scenes in sets],
        [source.weight for source in config.images],
        config.seed,
        step * config.image_batch,
        config.image_batch,
        ranks.part(config.image_batch),
    )
    return iter(
        DataLoader(
            Scenes(sets, size, config.seed),
            batch_size=len(sampler.places),
            sampler=sampler,
            num_workers=config.workers,
            collate_fn=collate,
            worker_init_fn=start_reader,
            prefetch_factor=4 if config.workers else None,
            pin_memory=torch.cuda.is_available(),
        )
    )
