"""Batches of crops, seeded by (seed, sample index), so that runs resume exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
import itertools
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from unihpe_ros.core import simcc
from unihpe_ros.core.preprocess import PADDING
from unihpe_ros.datasets.augment import crop_record, Sample
from unihpe_ros.datasets.records import DatasetError, Records
from unihpe_ros.datasets.worker_signals import obey_parent_alone

# Standard deviation of the SimCC labels, bins.
SIMCC_SIGMA = 4.5
# Weight of a keypoint's position: outside the image, occluded, visible.
PLACE_WEIGHTS = np.array([0.3, 0.6, 1.0], np.float32)
# After so many unreadable records in a row, the data set counts as unreadable.
_MANY = 100


@dataclass(frozen=True)
class ImageBatch:
    """
    B crops with their targets.

    Parameters
    ----------
    image : Tensor
        ``(B, h, w, 3)`` uint8 BGR.
    normalised : Tensor
        ``(B, K, 2)`` true keypoints as the 2D encoder reads them.
    relative : Tensor
        ``(B, K, 3)`` root-relative truth in the virtual camera, m; NaN where unknown.
    inside : Tensor
        ``(B, K)`` 1 where the keypoint is inside the crop and the image.
    known : Tensor
        ``(B, K)`` 1 where `inside` is known: no data set labels all keypoints.
    weight : Tensor
        ``(B, K)`` weight of each keypoint's place; 0 outside the crop or unknown.
    target_x, target_y : Tensor
        ``(B, K, bins)`` SimCC distributions.
    sources : tuple[str, ...]
        Where each crop comes from.
    skipped : tuple[str, ...]
        Messages about records that could not be read and were replaced by the next ones.

    """

    image: Tensor
    normalised: Tensor
    relative: Tensor
    inside: Tensor
    known: Tensor
    weight: Tensor
    target_x: Tensor
    target_y: Tensor
    sources: tuple[str, ...]
    skipped: tuple[str, ...]

    def to(self, device: torch.device) -> ImageBatch:
        """Return the same batch on a device."""
        tensors = {
            name: value.to(device, non_blocking=True)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        return replace(self, **tensors)

    def invalid_rows(self) -> set[int]:
        """Return the rows whose targets are infinite, or NaN with a weight."""
        targets = (self.target_x, self.target_y, self.weight, self.inside)
        wrong = torch.stack([~tensor.isfinite().flatten(1).all(1) for tensor in targets]).any(0)
        wrong |= self.relative.isinf().flatten(1).any(1)
        wrong |= self.normalised.isinf().flatten(1).any(1)
        return set(wrong.nonzero()[:, 0].tolist())


class Item(NamedTuple):
    """A crop, its source, and messages about records that could not be read."""

    sample: Sample
    source: str
    skipped: tuple[str, ...] = ()


class CropDataset(Dataset[Item]):
    """
    Dataset of augmented crops, addressed by (position in the run, set, record).

    Parameters
    ----------
    sources : Sequence[Records]
        The data sets.
    size : tuple[int, int]
        (w, h) of the crop, px.
    seed : int
        Seed of the run.
    augmented : bool
        Whether crops are jittered and degraded.
    padding : float
        How much larger than a person's box the crops are.

    """

    def __init__(
        self,
        sources: Sequence[Records],
        size: tuple[int, int],
        seed: int,
        augmented: bool = True,
        padding: float = PADDING,
    ) -> None:
        self.sources, self.size, self.padding = list(sources), size, padding
        self.seed, self.augmented = seed, augmented

    def __getitem__(self, key: tuple[int, int, int]) -> Item:
        position, source, index = key
        rng = np.random.default_rng([self.seed, position]) if self.augmented else None
        skipped: list[str] = []
        records = self.sources[source]
        while True:
            try:
                record = records[index]
                crop = crop_record(record, self.size, rng, self.padding)
                return Item(crop, record.source, tuple(skipped))
            except DatasetError as error:
                skipped.append(str(error))
                if len(skipped) > _MANY:
                    raise
                index = (index + 1) % len(records)


class RunSampler(Sampler[tuple[int, int, int]]):
    """
    Endless sampler of records, weighted by set; starts at any position, so that runs resume.

    Parameters
    ----------
    lengths : Sequence[int]
        Records of each data set.
    weights : Sequence[float]
        Chance of each data set, up to a factor.
    seed : int
        Seed of the run.
    start : int
        Position of the first sample.
    batch, part : int, slice
        Of every `batch` samples only those in `part` are drawn, which are this rank's.

    """

    def __init__(
        self,
        lengths: Sequence[int],
        weights: Sequence[float],
        seed: int,
        start: int = 0,
        batch: int = 1,
        part: slice = slice(None),
    ) -> None:
        self.lengths = list(lengths)
        self.chances = np.array(weights, np.float64) / sum(weights)
        self.seed, self.start, self.batch = seed, start, batch
        self.places = range(batch)[part]

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        epochs = [-1] * len(self.lengths)
        orders: list[NDArray[np.intp]] = [np.zeros(0, np.intp)] * len(self.lengths)
        mine = (p for p in itertools.count(self.start) if p % self.batch in self.places)
        for position in mine:
            source = int(
                np.random.default_rng([self.seed, position, 7]).choice(
                    len(self.chances), p=self.chances
                )
            )
            epoch, place = divmod(position, self.lengths[source])
            if epoch != epochs[source]:
                order = np.random.default_rng([self.seed, epoch, source, 11])
                orders[source] = order.permutation(self.lengths[source])
                epochs[source] = epoch
            yield position, source, int(orders[source][place])


def image_batches(
    sources: Sequence[Records],
    weights: Sequence[float],
    size: tuple[int, int],
    batch: int,
    seed: int,
    *,
    start: int = 0,
    part: slice = slice(None),
    workers: int = 1,
    simcc_ratio: float = 2.0,
    simcc_sigma: float = SIMCC_SIGMA,
    padding: float = PADDING,
) -> DataLoader[ImageBatch]:
    """
    Return an endless loader of augmented crops.

    Parameters
    ----------
    sources, weights : Sequence
        Data sets and how often each is drawn.
    size : tuple[int, int]
        (w, h) of the crop, px.
    batch : int
        Crops per batch, of all ranks together.
    seed : int
        Seed of the run.
    start : int
        Position of the first sample: steps done times `batch`.
    part : slice
        The part of every batch that this process asks for.
    workers : int
        Processes that decode and augment.
    simcc_ratio : float
        SimCC bins per pixel.
    simcc_sigma : float
        Standard deviation of the SimCC labels, bins.
    padding : float
        How much larger than a person's box the crops are.

    """
    lengths = [len(source) for source in sources]
    sampler = RunSampler(lengths, weights, seed, start, batch, part)
    return DataLoader(
        CropDataset(sources, size, seed, padding=padding),
        batch_size=len(sampler.places),
        sampler=sampler,
        num_workers=workers,
        collate_fn=Collate(size, simcc_ratio, simcc_sigma),
        worker_init_fn=start_reader,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


@dataclass(frozen=True)
class Collate:
    """
    Collation of samples into an ImageBatch.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h) of the crop, px.
    simcc_ratio : float
        SimCC bins per pixel.
    simcc_sigma : float
        Standard deviation of the SimCC labels, bins.

    """

    size: tuple[int, int]
    simcc_ratio: float
    simcc_sigma: float = SIMCC_SIGMA

    def __call__(self, items: Sequence[Item]) -> ImageBatch:
        """Return the batch of items."""
        samples = [item.sample for item in items]
        keypoints = np.stack([sample.keypoints for sample in samples])
        visibility = np.stack([sample.visibility for sample in samples])
        trust = np.stack([sample.weight for sample in samples])
        bins = [round(extent * self.simcc_ratio) for extent in self.size]
        within = ((keypoints > -0.5) & (keypoints < np.array(self.size) - 0.5)).all(-1)
        target_x, target_y = (
            simcc.encode(keypoints[..., axis], bins[axis], self.simcc_ratio, self.simcc_sigma)
            for axis in (0, 1)
        )
        return ImageBatch(
            image=torch.from_numpy(np.stack([sample.image for sample in samples])),
            normalised=torch.from_numpy(np.stack([sample.normalised for sample in samples])),
            relative=torch.from_numpy(np.stack([sample.relative for sample in samples])),
            inside=torch.from_numpy((visibility > 0).astype(np.float32)),
            known=torch.from_numpy(np.stack([sample.known for sample in samples])).float(),
            weight=torch.from_numpy(
                (PLACE_WEIGHTS[visibility] * within * trust).astype(np.float32)
            ),
            target_x=torch.from_numpy(target_x),
            target_y=torch.from_numpy(target_y),
            sources=tuple(item.source for item in items),
            skipped=tuple(message for item in items for message in item.skipped),
        )


def start_reader(_: int) -> None:
    """Set up a worker process that reads and augments."""
    obey_parent_alone()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
