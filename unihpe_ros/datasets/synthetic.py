"""Reader of the data sets that `unihpe render` writes; see docs/data_format.md."""

from __future__ import annotations

import json
from pathlib import Path
import zipfile

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.records import DatasetError, Record

FORMAT = 1

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


class SyntheticShards:
    """
    A folder of shards, read from memory-mapped files.

    Parameters
    ----------
    folder : Path
        What `unihpe render --out` made; shards that are still missing are left out.

    Raises
    ------
    DatasetError
        If there is no data set, or a shard's labels are not what they should be.

    """

    has_images = True

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.manifest = _read_manifest(self.folder)
        labels = sorted(self.folder.glob('shard_*.npz'))
        if not labels:
            raise DatasetError(f'{self.folder}: expected shard_*.npz, found none')
        shards = [_read_labels(path) for path in labels]
        self._pictures = [path.with_suffix('.jpegs') for path in labels]
        self._offsets = [shard.pop('offsets') for shard in shards]
        for picture, offsets in zip(self._pictures, self._offsets, strict=True):
            _check_length(picture, int(offsets[-1]))
        self._first = np.cumsum([0, *(len(offsets) - 1 for offsets in self._offsets)])
        self.labels = {name: np.concatenate([shard[name] for shard in shards]) for name in _LABELS}
        self._maps: dict[int, NDArray[np.uint8]] = {}

    def __len__(self) -> int:
        return int(self._first[-1])

    def __getitem__(self, index: int) -> Record:
        if not 0 <= index < len(self):
            raise IndexError(f'{self.folder}: record {index} of {len(self)}')
        shard = int(np.searchsorted(self._first, index, side='right')) - 1
        place = index - int(self._first[shard])
        source = f'{self._pictures[shard]}, picture {place}'
        labels = {name: values[index] for name, values in self.labels.items()}
        return Record(
            image=self._decode(shard, place, source),
            keypoints_2d=labels['keypoints_2d'],
            keypoints_3d=labels['keypoints_3d'],
            visibility=labels['visibility'],
            K=labels['K'].astype(np.float64),
            # The picture was framed for this box: the body, or the part of it in view.
            box=labels['aim'],
            source=source,
        )

    def _decode(self, shard: int, place: int, source: str) -> NDArray[np.uint8]:
        if shard not in self._maps:
            self._maps[shard] = np.memmap(self._pictures[shard], np.uint8, 'r')
        start, end = self._offsets[shard][place : place + 2]
        data = np.asarray(self._maps[shard][start:end])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        width, height = self.manifest['stored_size']
        if image is None or image.shape != (height, width, 3):
            found = 'none' if image is None else f'{image.shape[1]}x{image.shape[0]}'
            raise DatasetError(f'{source}: expected a JPEG of {width}x{height} px, got {found}')
        return image

    def __getstate__(self) -> dict[str, object]:
        # A loader's worker processes map the files themselves.
        return {**self.__dict__, '_maps': {}}


def _read_manifest(folder: Path) -> dict[str, list[int]]:
    path = folder / 'manifest.json'
    try:
        manifest = json.loads(path.read_text())
        form, keypoints, _ = (manifest[key] for key in ('format', 'keypoints', 'stored_size'))
    except OSError as error:
        hint = 'make it with `unihpe render`'
        raise DatasetError(f'{path}: expected the manifest of a data set; {hint}') from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f'{path}: expected format, keypoints and stored_size') from error
    if form != FORMAT or tuple(keypoints) != UNION.keypoints:
        raise DatasetError(
            f'{path}: expected format {FORMAT} with keypoints {UNION.name}, got format {form}'
        )
    return dict(manifest)


def _read_labels(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with np.load(path) as stored:
            labels = {name: stored[name] for name in ('offsets', *_LABELS)}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DatasetError(f'{path}: expected the labels of a shard: {error}') from error
    count = len(labels['offsets']) - 1
    for name, shape in _LABELS.items():
        if labels[name].shape != (count, *shape):
            raise DatasetError(
                f'{path}: {name}: expected {(count, *shape)}, got {labels[name].shape}'
            )
    return labels


def _check_length(path: Path, length: int) -> None:
    found = path.stat().st_size if path.exists() else 0
    if found != length:
        raise DatasetError(f'{path}: expected {length} bytes of pictures, got {found}')
