"""Reader of the photographs that `unihpe photos import` stores: people with 2D labels, no 3D."""

from __future__ import annotations

from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.datasets.photo_import import PHOTO_FORMAT
from unihpe_ros.datasets.records import (
    ARCHIVE_DAMAGE,
    check_index,
    DatasetError,
    Record,
    to_union,
)
from unihpe_ros.datasets.scene_augment import LabelledPicture

_HIPS = COCO_17.indices('left_hip', 'right_hip')
_HINT = 'make it with `unihpe photos import`'
# Sizes of the boxes in a picture without people, as shares of the picture.
_LOOK = (0.25, 0.9)


@dataclass(frozen=True)
class PhotoSelection:
    """
    Which people of a folder are used, and how far their labels are trusted.

    Parameters
    ----------
    only : tuple[str, ...]
        Sources to use, as the annotations name them; empty for all.
    licence : str
        'open' uses only pictures whose licence allows every use; empty uses all.
    label_weight : float
        Factor on the weight of every keypoint.
    hip_weight : float
        Factor on the weight of the hips, whose position differs between data sets.
    unlabelled : str
        Meaning of a keypoint without a label: 'unknown', or 'unseen' if all visible keypoints were
        labelled, as in COCO.

    """

    only: tuple[str, ...] = ()
    licence: str = ''
    label_weight: float = 1.0
    hip_weight: float = 1.0
    unlabelled: str = 'unknown'

    def __post_init__(self) -> None:
        if self.licence not in ('', 'open'):
            raise ValueError(f"licence: expected '' or 'open'; got {self.licence!r}")
        if self.unlabelled not in ('unknown', 'unseen'):
            raise ValueError(
                f"unlabelled: expected 'unknown' or 'unseen'; got {self.unlabelled!r}"
            )


class Photos:
    """
    People in photographs; for a folder without people, background crops of its pictures.

    Parameters
    ----------
    folder : Path
        What `unihpe photos import` made.
    selection : PhotoSelection
        Which people, and how far their labels are trusted.

    Raises
    ------
    DatasetError
        If the folder holds no photographs, or the selection leaves nothing.

    """

    has_images = True

    def __init__(self, folder: Path, selection: PhotoSelection | None = None) -> None:
        self.folder = folder = Path(folder)
        self.selection = selection = selection or PhotoSelection()
        labels = _read(folder)
        self.names, self.sizes = labels['picture_name'], labels['picture_size']
        self.image_ids, self.offsets = labels['picture_id'], labels['offsets']
        self.stretched, self.sources = labels['picture_stretched'], labels['picture_source']
        self.labels_full = labels['picture_labels_full']
        self.used = used = np.ones(len(self.names), bool)
        if selection.only:
            used &= np.isin(self.sources, selection.only)
        if selection.licence:
            used &= labels['picture_open']
        self._people = {
            name.removeprefix('person_'): values
            for name, values in labels.items()
            if name.startswith('person_')
        }
        if self._people:
            rows = used[self._people['picture']] & ~self._people['crowd']
            rows &= (self._people['visibility'] > 0).any(1)
            self.rows = np.flatnonzero(rows)
        else:
            self.rows = np.flatnonzero(used)
        if not len(self.rows):
            known = ', '.join(sorted(set(self.sources.tolist())))
            raise DatasetError(f'{folder}: {selection} leaves nobody; its sources are {known}')
        self._bytes: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Record:
        check_index(index, self, self.folder)
        row = int(self.rows[index])
        return self._person(row) if self._people else self._nobody(row)

    def people_of(self, picture: int) -> NDArray[np.intp]:
        """Return the rows of the people of a picture, crowds included."""
        if not self._people:
            return np.zeros(0, np.intp)
        return np.flatnonzero(self._people['picture'] == picture)

    def labelled_picture(self, number: int) -> LabelledPicture:
        """Return a picture with the boxes of all its people; crowds are not asked for."""
        rows = self.people_of(number)
        boxes = self._people['box'][rows] if len(rows) else np.zeros((0, 4))
        crowd = self._people['crowd'][rows] if len(rows) else np.zeros(0, bool)
        visible = np.where(crowd, 0, 1).astype(np.float32)
        return LabelledPicture(self.picture(number), boxes.astype(np.float32), visible, True)

    def picture(self, number: int) -> NDArray[np.uint8]:
        """Return a picture ``(H, W, 3)`` BGR; DatasetError if it is damaged."""
        if self._bytes is None:
            self._bytes = np.memmap(self.folder / 'pictures.jpegs', np.uint8, 'r')
        start, end = self.offsets[number : number + 2]
        data = np.asarray(self._bytes[start:end])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if image is None or image.shape[1::-1] != tuple(self.sizes[number]):
            raise DatasetError(f'{self.folder}: {self.names[number]}: the picture is damaged')
        return np.asarray(image, np.uint8)

    def _person(self, row: int) -> Record:
        person = {name: values[row] for name, values in self._people.items()}
        number = int(person['picture'])
        weight = person['weight'] * np.float32(self.selection.label_weight)
        weight[_HIPS] *= self.selection.hip_weight
        visibility = to_union(person['visibility'][:, None].astype(np.float32), COCO_17.keypoints)
        return Record(
            image=self.picture(number),
            keypoints_2d=to_union(person['keypoints'], COCO_17.keypoints),
            keypoints_3d=None,
            visibility=np.nan_to_num(visibility[:, 0]).astype(np.uint8),
            K=None,
            box=person['box'].astype(np.float32),
            source=f'{self.folder}: {self.names[number]}, annotation {person["id"]}',
            group=str(self.sources[number]),
            area=float(person['area']),
            alone=False,
            weight=np.nan_to_num(to_union(weight[:, None], COCO_17.keypoints)[:, 0]),
            complete=self.selection.unlabelled == 'unseen',
            stretched=bool(self.stretched[number]),
        )

    def _nobody(self, number: int) -> Record:
        """Return a background crop of a picture without people, always the same one."""
        rng = np.random.default_rng([number, 3])
        size = self.sizes[number].astype(np.float64)
        half = 0.5 * rng.uniform(*_LOOK, 2) * size
        middle = rng.uniform(half, size - half)
        nothing = np.full((len(UNION), 2), np.nan, np.float32)
        return Record(
            image=self.picture(number),
            keypoints_2d=nothing,
            keypoints_3d=None,
            visibility=np.zeros(len(UNION), np.uint8),
            K=None,
            box=np.concatenate([middle - half, middle + half]).astype(np.float32),
            source=f'{self.folder}: {self.names[number]}',
            group=str(self.sources[number]),
            alone=False,
            complete=True,
        )

    def __getstate__(self) -> dict[str, object]:
        # A loader's worker processes map the file themselves.
        return {**self.__dict__, '_bytes': None}


class PhotoScenes:
    """
    Whole photographs with the boxes of their people, for a detector.

    Parameters
    ----------
    folder : Path
        What `unihpe photos import` made.
    selection : PhotoSelection
        Which sources; the weights do not matter.
    every_picture : bool
        Whether to use also pictures in which not all people are labelled, to measure recall.

    Raises
    ------
    DatasetError
        If no picture of the selection has all of its people labelled.

    """

    def __init__(
        self,
        folder: Path,
        selection: PhotoSelection | None = None,
        every_picture: bool = False,
    ) -> None:
        self.folder = folder
        self._photos = Photos(folder, selection)
        usable = self._photos.used & (self._photos.labels_full | every_picture)
        self._numbers = np.flatnonzero(usable)
        if not len(self._numbers):
            raise DatasetError(f'{folder}: expected pictures whose labels_full is true; got none')

    @property
    def damaged(self) -> list[str]:
        """Parts that are left out: a folder of photographs is read whole or not at all."""
        return []

    def __len__(self) -> int:
        return len(self._numbers)

    def labelled(self, index: int) -> tuple[LabelledPicture, str]:
        """Return a picture with its boxes, and where it comes from."""
        check_index(index, self, self.folder)
        number = int(self._numbers[index])
        name = f'{self.folder}: {self._photos.names[number]}'
        return self._photos.labelled_picture(number), name


def _read(folder: Path) -> dict[str, NDArray[Any]]:
    path = folder / 'manifest.json'
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise DatasetError(f'{path}: expected the manifest of photographs; {_HINT}') from error
    except ValueError as error:
        raise DatasetError(f'{path}: not readable JSON ({error})') from error
    kind = manifest.get('kind') if isinstance(manifest, dict) else None
    if kind != 'photos' or manifest.get('format') != PHOTO_FORMAT:
        raise DatasetError(f'{path}: expected photos of format {PHOTO_FORMAT}; {_HINT}')
    try:
        with np.load(folder / 'labels.npz') as stored:
            labels = {name: stored[name] for name in stored.files}
        length = int(labels['offsets'][-1])
    except (KeyError, ValueError, *ARCHIVE_DAMAGE) as error:
        raise DatasetError(f'{folder}/labels.npz: not readable ({error}); {_HINT}') from error
    pictures = folder / 'pictures.jpegs'
    found = pictures.stat().st_size if pictures.is_file() else 0
    if found != length:
        raise DatasetError(f'{pictures}: expected {length} bytes, got {found}; {_HINT}')
    return labels
