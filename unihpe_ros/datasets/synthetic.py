"""Reader of the people that `unihpe render` cuts out; see docs/data_format.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.records import Record
from unihpe_ros.datasets.shards import check_shapes, Labels, ShardFolder

_LABELS = {
    'keypoints_2d': (len(UNION), 2),
    'keypoints_3d': (len(UNION), 3),
    'visibility': (len(UNION),),
    'K': (3, 3),
    'box': (4,),
    'aim': (4,),
    'height': (),
    'clip': (),
    'frame': (),
}
_HIDER = {'hider': (len(UNION),)}
_ARRAYS = {1: (*_LABELS,), 2: (*_LABELS, *_HIDER, 'mask_runs', 'mask_first')}


class SyntheticShards:
    """
    A folder of shards, read from memory-mapped files.

    Parameters
    ----------
    folder : Path
        What `unihpe render --out` made; shards that are still missing are left out.

    Attributes
    ----------
    damaged : list[str]
        What is wrong with each shard that is left out because it can't be read.

    Raises
    ------
    DatasetError
        If there is no data set, or not one shard of it can be read.

    """

    has_images = True

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._shards = ShardFolder(self.folder, 'crops', _ARRAYS, _check)
        self.manifest = self._shards.manifest
        self.damaged = self._shards.damaged
        names = [name for name in (*_LABELS, *_HIDER) if name in self._shards.labels[0]]
        self.labels = {
            name: np.concatenate([shard[name] for shard in self._shards.labels]) for name in names
        }

    def __len__(self) -> int:
        return len(self._shards)

    def __getitem__(self, index: int) -> Record:
        image = self._shards.picture(index)
        labels = {name: values[index] for name, values in self.labels.items()}
        return Record(
            image=image,
            keypoints_2d=labels['keypoints_2d'],
            keypoints_3d=labels['keypoints_3d'],
            visibility=labels['visibility'],
            K=labels['K'].astype(np.float64),
            # The picture was framed for this box: the body, or the part of it in view.
            box=labels['aim'],
            source=self._shards.source(index),
        )

    def mask(self, index: int) -> NDArray[np.bool_]:
        """``(H, W)`` Where the person can be seen; DatasetError for a data set of format 1."""
        return self._shards.mask(*self._shards.find(index))


def _check(path: Path, labels: Labels) -> None:
    check_shapes(path, labels, len(labels['offsets']) - 1, {**_LABELS, **_HIDER})
