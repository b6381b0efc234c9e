"""Labels of photographs while they are imported: pictures, people, weights of keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.boxes import area
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.datasets.detector_boxes import DetectorBoxes
from unihpe_ros.datasets.records import DatasetError

_K = len(COCO_17)
# Weight of a keypoint that only a teacher network saw, per unit of its score.
_TAUGHT = 0.6
# A manual label that the teacher places elsewhere may be wrong: its weight, the distance from
# which it counts as elsewhere (as a share of the box's longer side), and the least score of the
# teacher.
_DOUBTED, _ELSEWHERE, _SURE = 0.3, 0.12, 0.5


class PhotoLabels:
    """Labels as they are gathered, by picture and by person."""

    def __init__(self) -> None:
        self.pictures: list[dict[str, Any]] = []
        self.people: list[dict[str, Any]] = []

    def add_picture(
        self, image: Mapping[str, Any], length: int, size: tuple[int, int], full: bool
    ) -> None:
        """Add a picture with its sizes; `full` if all of its people are labelled."""
        self.pictures.append(
            {
                'name': image['file_name'],
                'id': image['id'],
                'length': length,
                'size': size,
                'source': str(image.get('source', '')),
                'open': image.get('licence_class', '') == 'open',
                'stretched': bool(image.get('stretched')),
                'labels_full': full or bool(image.get('labels_full')),
            }
        )

    def add_person(
        self,
        person: Mapping[str, Any],
        scale: NDArray[np.float64],
        taught: tuple[NDArray[Any], NDArray[Any]] | None,
        left_out: list[str],
    ) -> None:
        """Add a person; one without a usable box is left out and named."""
        x, y, w, h = (float(value) for value in person['bbox'])
        if not (w > 1 and h > 1):
            left_out.append(f'annotation {person["id"]}: expected a box with an area, got {w}x{h}')
            return
        keypoints, visibility, weight = _keypoints(person, taught)
        # COCO counts pixels from their corners.
        box = np.array([x, y, x + w, y + h]) * np.tile(scale, 2) - 0.5
        self.people.append(
            {
                'picture': len(self.pictures) - 1,
                'id': person['id'],
                'box': box,
                'area': float(person['area']) * float(scale.prod()),
                'crowd': bool(person.get('iscrowd', 0)),
                'keypoints': (keypoints + 0.5) * scale - 0.5,
                'visibility': visibility,
                'weight': weight,
            }
        )

    def add_boxes(
        self,
        detected: DetectorBoxes,
        people: Sequence[Mapping[str, Any]],
        scale: NDArray[np.float64],
    ) -> None:
        """Add the unlabelled people of the last picture; uncertain ones as a crowd."""
        labelled = np.array([person['bbox'] for person in people], np.float64).reshape(-1, 4)
        labelled[:, 2:] += labelled[:, :2]
        for box, sure in detected.unlabelled(self.pictures[-1]['id'], labelled - 0.5):
            placed = (box + 0.5) * np.tile(scale, 2) - 0.5
            self.people.append(
                {
                    'picture': len(self.pictures) - 1,
                    'id': -1,
                    'box': placed,
                    'area': float(area(placed[None])[0]),
                    'crowd': not sure,
                    'keypoints': np.full((_K, 2), np.nan),
                    'visibility': np.zeros(_K, np.uint8),
                    'weight': np.zeros(_K, np.float32),
                }
            )

    def write(self, path: Path) -> None:
        """Write the labels as .npz."""
        lengths = [picture.pop('length') for picture in self.pictures]
        arrays: dict[str, Any] = {
            f'{kind}_{name}': np.array([entry[name] for entry in entries])
            for kind, entries in (('picture', self.pictures), ('person', self.people))
            for name in (entries[0] if entries else ())
        }
        np.savez_compressed(path, offsets=np.cumsum([0, *lengths]), **arrays)


def _keypoints(
    person: Mapping[str, Any], taught: tuple[NDArray[Any], NDArray[Any]] | None
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.float32]]:
    """Return keypoints (17, 2) px or NaN, visibility (17,) and weight (17,) of a person."""
    labels = np.array(person['keypoints'], np.float64).reshape(_K, 3)
    known = labels[:, 2] > 0
    keypoints = np.where(known[:, None], labels[:, :2], np.nan)
    visibility = labels[:, 2].astype(np.uint8)
    weight = np.ones(_K)
    if 'keypoint_scores' in person:
        weight *= np.clip(person['keypoint_scores'], 0.2, 1)
    if 'witness_agrees' in person:
        weight *= np.where(person['witness_agrees'], 1.0, 0.6)
    if taught is not None:
        points, scores = taught
        reach = max(person['bbox'][2:])
        apart = np.linalg.norm(points - keypoints, axis=-1) > _ELSEWHERE * reach
        weight = np.where(known & apart & (scores > _SURE), _DOUBTED * weight, weight)
        fill = ~known & (scores > 0.3)
        keypoints = np.where(fill[:, None], points, keypoints)
        weight = np.where(fill, _TAUGHT * scores, weight)
        visibility = np.where(fill, 2, visibility).astype(np.uint8)
    return keypoints, visibility, weight.astype(np.float32)


def read_teacher(path: Path) -> dict[int, tuple[NDArray[Any], NDArray[Any]]]:
    """Return keypoints (17, 2) px and scores (17,) by annotation; DatasetError if unreadable."""
    try:
        with np.load(path) as stored:
            ids, keypoints, scores = (
                stored[name] for name in ('annotation_id', 'keypoints', 'scores')
            )
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f'{path}: expected arrays annotation_id, keypoints and scores ({error})'
        ) from error
    if keypoints.shape != (len(ids), _K, 2) or scores.shape != (len(ids), _K):
        raise DatasetError(
            f'{path}: expected keypoints ({len(ids)}, {_K}, 2), got {keypoints.shape}'
        )
    return {int(i): (k, s) for i, k, s in zip(ids, keypoints, scores, strict=True)}
