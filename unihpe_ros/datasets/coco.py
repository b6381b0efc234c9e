"""Reader of COCO's keypoints: annotations/person_keypoints_*.json and pictures; no 3D."""

from __future__ import annotations

from collections.abc import Mapping
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.datasets.records import check_index, DatasetError, read_image, Record, to_union

_HINT = 'download annotations_trainval2017.zip and the images of cocodataset.org'
_IMAGE_KEYS = {'id', 'file_name', 'width', 'height'}
_KEYS = {'id', 'image_id', 'bbox', 'area', 'keypoints', 'num_keypoints'}
# The test split is 'val' in COCO.
_SPLITS = {'train': 'train', 'test': 'val'}


class Coco:
    """
    Records of COCO: people with at least one labelled keypoint, without crowds.

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
        images, people = read_annotations(path)
        subset = path.stem.removeprefix('person_keypoints_')
        folders = [self.folder / subset, self.folder / 'images' / subset]
        self._pictures = next((one for one in folders if one.is_dir()), folders[0])
        self.has_images = self._pictures.is_dir()
        place = {image['id']: number for number, image in enumerate(images)}
        check_people(people, place, path)
        people = [
            person
            for person in people
            if person['num_keypoints'] > 0 and not person.get('iscrowd', 0)
        ]
        # Arrays rather than lists of dictionaries: a loader's workers share their memory.
        self._files = np.array([image['file_name'] for image in images])
        self._sizes = np.array([(image['width'], image['height']) for image in images], int)
        self._image = np.array([place[person['image_id']] for person in people], int)
        self._id = np.array([person['id'] for person in people])
        self._area = np.array([person['area'] for person in people], np.float64)
        self._bbox = np.array([person['bbox'] for person in people], np.float32).reshape(-1, 4)
        labels = np.array([person['keypoints'] for person in people], np.float32)
        self._labels = labels.reshape(-1, len(COCO_17), 3)

    def __len__(self) -> int:
        return len(self._id)

    def __getitem__(self, index: int) -> Record:
        check_index(index, self, self.folder)
        image = self._image[index]
        path = self._pictures / str(self._files[image])
        labels = self._labels[index]
        positions = np.where(labels[:, 2:] > 0, labels[:, :2], np.nan)
        x, y, w, h = self._bbox[index]
        visibility = np.nan_to_num(to_union(labels[:, 2:], COCO_17.keypoints))[:, 0]
        return Record(
            image=read_image(path) if self.has_images else None,
            keypoints_2d=to_union(positions, COCO_17.keypoints),
            keypoints_3d=None,
            visibility=visibility.astype(np.uint8),
            K=None,
            # COCO counts pixels from their corners.
            box=np.array([x - 0.5, y - 0.5, x + w - 0.5, y + h - 0.5], np.float32),
            source=f'{path}, annotation {self._id[index]}',
            image_size=(int(self._sizes[image, 0]), int(self._sizes[image, 1])),
            area=float(self._area[index]),
            # People who are too small or in a crowd have no label.
            alone=False,
        )


def read_annotations(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """
    Read a JSON file in COCO's keypoint format, plain or compressed (.xz).

    Returns
    -------
    images, people : list[dict[str, Any]]
        Its entries, each with the keys that are needed.

    Raises
    ------
    DatasetError
        If the file is no such JSON, or an entry lacks a key.

    """
    try:
        opener = lzma.open if path.suffix == '.xz' else Path.open
        with opener(path, 'rt', encoding='utf-8') as file:
            stored = json.load(file)
        images, people = stored['images'], stored['annotations']
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise DatasetError(f'{path}: not readable JSON ({error})') from error
    except (KeyError, TypeError) as error:
        raise DatasetError(f'{path}: expected keys images and annotations; {_HINT}') from error
    for entries, keys, name in ((images, _IMAGE_KEYS, 'image'), (people, _KEYS, 'annotation')):
        for entry in entries:
            missing = sorted(keys - entry.keys())
            if missing:
                raise DatasetError(f'{path}: an {name} lacks key {", ".join(missing)}; {_HINT}')
    return images, people


def check_people(people: list[dict[str, Any]], images: Mapping[int, int], path: Path) -> None:
    """Raise DatasetError where a person has not 17 keypoints or belongs to no image."""
    for person in people:
        if len(person['keypoints']) != 3 * len(COCO_17) or person['image_id'] not in images:
            raise DatasetError(
                f'{path}: annotation {person["id"]}: expected {3 * len(COCO_17)} numbers of '
                'keypoints and a known image_id'
            )
