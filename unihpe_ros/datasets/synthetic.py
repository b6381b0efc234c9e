"""Reader of crops made by `unihpe render`; see docs/data_format.md."""

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


class SyntheticShards(ShardFolder):
    """
    The records of a folder of rendered crops.

    Parameters
    ----------
    folder : Path
        What `unihpe render --out` made; shards that are still missing are left out.

    Attributes
    ----------
    labels : dict[str, NDArray]
        The labels of all shards, one after the other.

    """

    has_images = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 'crops', _ARRAYS, _check)
        names = [name for name in (*_LABELS, *_HIDER) if name in self._labels[0]]
        self.labels = {
            name: np.concatenate([shard[name] for shard in self._labels]) for name in names
        }

    def __getitem__(self, index: int) -> Record:
        image = self._picture(index)
        labels = {name: values[index] for name, values in self.labels.items()}
        return Record(
            image=image,
            keypoints_2d=labels['keypoints_2d'],
            keypoints_3d=labels['keypoints_3d'],
            visibility=labels['visibility'],
            K=labels['K'].astype(np.float64),
            # The picture was framed for this box: the body, or the part of it in view.
            box=labels['aim'],
            source=self._source(index),
        )

    def mask(self, index: int) -> NDArray[np.bool_]:
        """``(H, W)`` Mask of the visible pixels; DatasetError for a data set of format 1."""
        return self._mask(*self._find(index))


def _check(path: Path, labels: Labels) -> None:
    check_shapes(path, labels, len(labels['offsets']) - 1, {**_LABELS, **_HIDER})
