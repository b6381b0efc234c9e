"""COCO keypoints: annotations/person_keypoints_*.json and the pictures; no 3D."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

import numpy as np
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.datasets.records import check_index, DatasetError, read_image, Record, to_union

_HINT = 'download annotations_trainval2017.zip and the images of cocodataset.org'
# COCO calls what is evaluated on 'val'.
_SPLITS = {'train': 'train', 'test': 'val'}


class Coco:
    """
    People of COCO with at least one labelled keypoint, crowds left out.

    Parameters
    ----------
    folder : Path
        Folder of annotations and of train2017 and val2017 (or images/train2017, ...).
    split : str
        'train', or 'test' for COCO's val.

    Raises
    ------
    DatasetError
        If the annotations are missing or not what they should be.

    """

    def __init__(self, folder: Path, split: str) -> None:
        self.folder = Path(folder)
        pattern = f'person_keypoints_{_SPLITS[split]}*.json'
        paths = sorted((self.folder / 'annotations').glob(pattern))
        if not paths:
            where = self.folder / 'annotations'
            raise DatasetError(f'{where}: expected {pattern}, found none; {_HINT}')
        path = paths[-1]
        images, people = _read(path)
        subset = path.stem.removeprefix('person_keypoints_')
        folders = [self.folder / subset, self.folder / 'images' / subset]
        self._pictures = next((one for one in folders if one.is_dir()), folders[0])
        self.has_images = self._pictures.is_dir()
        self._images = {image['id']: image for image in images}
        self._people = [
            person
            for person in people
            if person['num_keypoints'] > 0 and not person.get('iscrowd', 0)
        ]
        _check(self._people, self._images, path)

    def __len__(self) -> int:
        return len(self._people)

    def __getitem__(self, index: int) -> Record:
        check_index(index, self, self.folder)
        person = self._people[index]
        image = self._images[person['image_id']]
        path = self._pictures / image['file_name']
        labels = np.array(person['keypoints'], np.float32).reshape(len(COCO_17), 3)
        positions = np.where(labels[:, 2:] > 0, labels[:, :2], np.nan)
        x, y, w, h = person['bbox']
        visibility = np.nan_to_num(to_union(labels[:, 2:], COCO_17.keypoints))[:, 0]
        return Record(
            image=read_image(path) if self.has_images else None,
            keypoints_2d=to_union(positions, COCO_17.keypoints),
            keypoints_3d=None,
            visibility=visibility.astype(np.uint8),
            K=None,
            # COCO counts pixels from their corners.
            box=np.array([x - 0.5, y - 0.5, x + w - 0.5, y + h - 0.5], np.float32),
            source=f'{path}, annotation {person["id"]}',
            image_size=(int(image['width']), int(image['height'])),
            area=float(person['area']),
            # Whoever is too small or in a crowd has no label.
            alone=False,
        )


def _read(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    try:
        stored = json.loads(path.read_text(encoding='utf-8'))
        return stored['images'], stored['annotations']
    except (OSError, ValueError) as error:
        raise DatasetError(f'{path}: not readable JSON ({error})') from error
    except (KeyError, TypeError) as error:
        raise DatasetError(f'{path}: expected keys images and annotations; {_HINT}') from error


def _check(people: list[dict[str, Any]], images: Mapping[int, dict[str, Any]], path: Path) -> None:
    keys = {'id', 'image_id', 'bbox', 'area', 'keypoints'}
    for person in people:
        missing = sorted(keys - person.keys())
        if missing:
            raise DatasetError(f'{path}: an annotation lacks key {", ".join(missing)}; {_HINT}')
        if len(person['keypoints']) != 3 * len(COCO_17) or person['image_id'] not in images:
            raise DatasetError(
                f'{path}: annotation {person["id"]}: expected {3 * len(COCO_17)} numbers of '
                f'keypoints and a known image_id'
            )
