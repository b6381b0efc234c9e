"""Reader of scenes made by `unihpe render --scenes`; see docs/data_format.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.datasets.scene_augment import LabelledPicture
from unihpe_ros.datasets.shards import check_shapes, Labels, ShardFolder

_OF_PICTURES = {'K': (3, 3), 'distortion': (5,)}
_OF_PEOPLE = {
    'boxes': (4,),
    'share_visible': (),
    'keypoints_2d': (len(UNION), 2),
    'keypoints_3d': (len(UNION), 3),
    'visibility': (len(UNION),),
    'hider': (len(UNION),),
    'height': (),
    'clip': (),
    'frame': (),
    'shape': (),
}
_ARRAYS = ('first', *_OF_PICTURES, *_OF_PEOPLE, 'mask_runs', 'mask_first')


@dataclass(frozen=True)
class SceneRecord:
    """
    A picture and the N people in it.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    K : NDArray[np.float64]
        ``(3, 3)`` Intrinsics, px.
    distortion : NDArray[np.float64]
        ``(5,)`` OpenCV's coefficients.
    boxes : NDArray[np.float32]
        ``(N, 4)`` x0 y0 x1 y1, px: hidden parts are in, what is outside the picture is not.
    share_visible : NDArray[np.float32]
        ``(N,)`` Share of the person's pixels inside the picture that nothing hides.
    keypoints_2d, keypoints_3d : NDArray[np.float32]
        ``(N, 26, 2)`` px, NaN where the lens can't see; ``(N, 26, 3)`` m, camera optical frame.
    visibility : NDArray[np.uint8]
        ``(N, 26)`` 0 outside the picture, 1 hidden, 2 visible.
    hider : NDArray[np.uint8]
        ``(N, 26)`` What hides it: 0 nothing, 1 the body itself, 2 other people, 3 a thing.
    height : NDArray[np.float32]
        ``(N,)`` Standing heights, m.
    source : str
        Where it comes from, for messages.

    """

    image: NDArray[np.uint8]
    K: NDArray[np.float64]
    distortion: NDArray[np.float64]
    boxes: NDArray[np.float32]
    share_visible: NDArray[np.float32]
    keypoints_2d: NDArray[np.float32]
    keypoints_3d: NDArray[np.float32]
    visibility: NDArray[np.uint8]
    hider: NDArray[np.uint8]
    height: NDArray[np.float32]
    source: str


class SceneShards(ShardFolder):
    """
    The records of a folder of rendered scenes.

    Parameters
    ----------
    folder : Path
        What `unihpe render --scenes --out` made; shards still missing are left out.

    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 'scenes', {2: _ARRAYS}, _check)

    def __getitem__(self, index: int) -> SceneRecord:
        shard, place = self._find(index)
        labels, rows = self._labels[shard], self._rows(index)
        people = {name: labels[name][rows] for name in _OF_PEOPLE}
        for name in ('clip', 'frame', 'shape'):
            del people[name]
        return SceneRecord(
            image=self._picture(index),
            K=labels['K'][place].astype(np.float64),
            distortion=labels['distortion'][place].astype(np.float64),
            source=self._source(index),
            **people,
        )

    def labelled(self, index: int) -> tuple[LabelledPicture, str]:
        """Return a picture with its boxes, and where it comes from."""
        scene = self[index]
        return LabelledPicture(scene.image, scene.boxes, scene.share_visible), scene.source

    def masks(self, index: int) -> NDArray[np.bool_]:
        """``(N, H, W)`` Masks of the visible pixels of each person."""
        shard, _ = self._find(index)
        rows = self._rows(index)
        width, height = self.size
        masks = [self._mask(shard, row) for row in range(rows.start, rows.stop)]
        return np.array(masks, bool).reshape(-1, height, width)

    def _rows(self, index: int) -> slice:
        """Return the rows of a picture's people in its shard's labels."""
        shard, place = self._find(index)
        first, last = self._labels[shard]['first'][place : place + 2]
        return slice(int(first), int(last))


def _check(path: Path, labels: Labels) -> None:
    pictures, first = len(labels['offsets']) - 1, labels['first']
    if first.shape != (pictures + 1,):
        raise DatasetError(f'{path}: first: expected {(pictures + 1,)}, got {first.shape}')
    check_shapes(path, labels, pictures, _OF_PICTURES)
    check_shapes(path, labels, int(first[-1]), _OF_PEOPLE)
