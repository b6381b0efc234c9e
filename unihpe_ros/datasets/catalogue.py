"""Kinds of data sets that an experiment or a command may name, and their readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from unihpe_ros.datasets.coco import Coco
from unihpe_ros.datasets.human36m import open_human36m
from unihpe_ros.datasets.photos import Photos, PhotoSelection
from unihpe_ros.datasets.pw3d import Pw3d
from unihpe_ros.datasets.records import Records
from unihpe_ros.datasets.synthetic import SyntheticShards


def _open_synthetic(folder: Path, _: str) -> Records:
    """Return a rendered data set: each split is a folder of its own."""
    return SyntheticShards(folder)


def _open_mpi_inf_3dhp(folder: Path, split: str) -> Records:
    # h5py is an optional part that only this set needs.
    from unihpe_ros.datasets.mpi_inf_3dhp import MpiInf3dhp

    return MpiInf3dhp(folder, split)


def _open_photos(folder: Path, _: str) -> Records:
    """Open stored photographs, all of them: each import is a split of its own."""
    return Photos(folder)


DATASET_KINDS: Mapping[str, Callable[[Path, str], Records]] = {
    'synthetic': _open_synthetic,
    'human36m': open_human36m,
    'pw3d': Pw3d,
    'mpi_inf_3dhp': _open_mpi_inf_3dhp,
    'coco': Coco,
    'photos': _open_photos,
}


def open_records(
    kind: str, folder: Path, split: str, selection: PhotoSelection | None = None
) -> Records:
    """
    Return the records of a data set.

    Parameters
    ----------
    kind : str
        Key of KINDS.
    folder : Path
        Where it lies.
    split : str
        'train' or 'test'; rendered sets and photographs have a folder per split.
    selection : PhotoSelection, optional
        Of photographs: which people, and how far their labels are trusted.

    Raises
    ------
    ValueError
        If there is no such kind or split.
    DatasetError
        If the set cannot be read.

    """
    if kind not in DATASET_KINDS:
        raise ValueError(f'kind: expected one of {", ".join(DATASET_KINDS)}; got {kind!r}')
    if split not in ('train', 'test'):
        raise ValueError(f"split: expected 'train' or 'test'; got {split!r}")
    if kind == 'photos':
        return Photos(folder, selection)
    return DATASET_KINDS[kind](folder, split)


def damaged_parts(records: Records) -> Sequence[str]:
    """Return messages about the parts of a data set that could not be read."""
    return records.damaged if isinstance(records, SyntheticShards) else ()
