"""Reader of the shards of a rendered data set: manifest, memory-mapped pictures, labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.masks import decode_runs
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.records import ARCHIVE_DAMAGE, DatasetError

Labels = dict[str, NDArray[Any]]

FORMATS = (1, 2)


class ShardFolder:
    """
    A folder of shards: memory-mapped pictures, labels in memory.

    A subclass knows what the labels mean.

    Parameters
    ----------
    folder : Path
        What `unihpe render --out` made; shards that are still missing are left out.
    kind : str
        'crops' or 'scenes'.
    names : Mapping[int, tuple[str, ...]]
        The arrays that a shard has in each format.
    check : Callable[[Path, Labels], None]
        Raises DatasetError if a shard's labels are not what they should be.

    Attributes
    ----------
    damaged : list[str]
        What is wrong with each shard that is left out because it can't be read.

    Raises
    ------
    DatasetError
        If there is no data set of this kind, or not one shard of it can be read.

    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        names: Mapping[int, tuple[str, ...]],
        check: Callable[[Path, Labels], None],
    ) -> None:
        self.folder = folder = Path(folder)
        self.manifest = _read_manifest(folder, kind)
        paths = sorted(folder.glob('shard_*.npz'))
        if not paths:
            raise DatasetError(f'{folder}: expected shard_*.npz, found none')
        if self.manifest['format'] not in names:
            raise DatasetError(
                f'{folder}: expected {kind} of format {max(names)}, got {self.manifest["format"]}'
            )
        wanted = ('offsets', *names[self.manifest['format']])
        self.paths: list[Path] = []
        self._labels: list[Labels] = []
        self.damaged: list[str] = []
        for path in paths:
            try:
                labels = _read_labels(path, wanted)
                _check_pictures(path.with_suffix('.jpegs'), labels['offsets'])
                check(path, labels)
            except DatasetError as error:
                self.damaged.append(str(error))
            else:
                self.paths.append(path)
                self._labels.append(labels)
        if not self._labels:
            raise DatasetError(self.damaged[0])
        self._pictures = [path.with_suffix('.jpegs') for path in self.paths]
        self._first = np.cumsum([0, *(len(labels['offsets']) - 1 for labels in self._labels)])
        self._maps: dict[int, NDArray[np.uint8]] = {}

    def __len__(self) -> int:
        return int(self._first[-1])

    def _find(self, index: int) -> tuple[int, int]:
        """Return the shard of a picture and its index in it; IndexError beyond the last."""
        if not 0 <= index < len(self):
            raise IndexError(f'{self.folder}: record {index} of {len(self)}')
        shard = int(np.searchsorted(self._first, index, side='right')) - 1
        return shard, index - int(self._first[shard])

    def _source(self, index: int) -> str:
        """Return where a picture is stored, for messages."""
        shard, place = self._find(index)
        return f'{self._pictures[shard]}, picture {place}'

    @property
    def size(self) -> tuple[int, int]:
        """(w, h) of the pictures, px."""
        width, height = self.manifest['stored_size']
        return int(width), int(height)

    def _picture(self, index: int) -> NDArray[np.uint8]:
        """``(H, W, 3)`` BGR; DatasetError if it is damaged."""
        shard, place = self._find(index)
        if shard not in self._maps:
            self._maps[shard] = np.memmap(self._pictures[shard], np.uint8, 'r')
        start, end = self._labels[shard]['offsets'][place : place + 2]
        data = np.asarray(self._maps[shard][start:end])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        width, height = self.size
        if image is None or image.shape != (height, width, 3):
            found = 'none' if image is None else f'{image.shape[1]}x{image.shape[0]}'
            raise DatasetError(
                f'{self._source(index)}: expected a JPEG of {width}x{height} px, got {found}'
            )
        return np.asarray(image, np.uint8)

    def _mask(self, shard: int, row: int) -> NDArray[np.bool_]:
        """``(H, W)`` Mask of the visible pixels of a person, by row of the labels."""
        labels = self._labels[shard]
        if 'mask_runs' not in labels:
            raise DatasetError(f'{self.paths[shard]}: holds no masks; format 2 does')
        start, end = labels['mask_first'][row : row + 2]
        return decode_runs(labels['mask_runs'][start:end], self.size)

    def __getstate__(self) -> dict[str, object]:
        # A loader's worker processes map the files themselves.
        return {**self.__dict__, '_maps': {}}


def check_shapes(
    path: Path, labels: Labels, count: int, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise DatasetError where an array is not ``(count, *shape)``."""
    for name, shape in shapes.items():
        if name in labels and labels[name].shape != (count, *shape):
            raise DatasetError(
                f'{path}: {name}: expected {(count, *shape)}, got {labels[name].shape}'
            )


def _read_manifest(folder: Path, kind: str) -> dict[str, Any]:
    path = folder / 'manifest.json'
    try:
        manifest = json.loads(path.read_text())
        form, keypoints, _ = (manifest[key] for key in ('format', 'keypoints', 'stored_size'))
    except OSError as error:
        hint = 'make it with `unihpe render`'
        raise DatasetError(f'{path}: expected the manifest of a data set; {hint}') from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f'{path}: expected format, keypoints and stored_size') from error
    if form not in FORMATS or tuple(keypoints) != UNION.keypoints:
        raise DatasetError(
            f'{path}: expected format {FORMATS[0]} to {FORMATS[-1]} with keypoints {UNION.name}, '
            f'got format {form}'
        )
    if manifest.get('kind', 'crops') != kind:
        raise DatasetError(f'{path}: expected {kind}, got {manifest.get("kind", "crops")}')
    return dict(manifest)


def _read_labels(path: Path, names: tuple[str, ...]) -> Labels:
    try:
        with np.load(path) as stored:
            return {name: stored[name] for name in names}
    except (ValueError, KeyError, *ARCHIVE_DAMAGE) as error:
        raise DatasetError(f'{path}: expected the labels of a shard: {error}') from error


def _check_pictures(path: Path, offsets: NDArray[np.int64]) -> None:
    length = int(offsets[-1]) if offsets.ndim == 1 and len(offsets) else -1
    found = path.stat().st_size if path.exists() else 0
    if found != length:
        raise DatasetError(f'{path}: expected {max(length, 0)} bytes of pictures, got {found}')
