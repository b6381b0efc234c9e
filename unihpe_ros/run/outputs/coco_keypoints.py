"""COCO keypoints: a data set file that pycocotools and annotation tools load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from unihpe_ros.core.pose import person_scores, Poses
from unihpe_ros.core.skeleton import COCO_17, Skeleton
from unihpe_ros.run.outputs.people_file import FramePeople, PeopleFile

_PERSON = 1
# COCO's v: 1 is labelled but not visible, 2 is visible.
_HIDDEN, _VISIBLE = 1, 2


def write_coco(path: Path, people: PeopleFile, skeleton: Skeleton) -> None:
    """
    Write images, annotations and the category person, frame by frame.

    Each annotation has a ``score`` and a ``track_id`` beside COCO's own fields. The keypoints are
    always COCO's 17.

    """
    with path.open('w', encoding='utf-8') as file:
        file.write(f'{{"categories": {json.dumps([_category()])},\n"images": [')
        for index, frame in enumerate(people.frames()):
            file.write(',\n'[index == 0 :] + json.dumps(_image(frame, index + 1)))
        file.write('],\n"annotations": [')
        count = 0
        for index, frame in enumerate(people.frames()):
            for annotation in _annotations(frame.poses.to(COCO_17)):
                count += 1
                whole = {'id': count, 'image_id': index + 1, 'category_id': _PERSON, **annotation}
                file.write(',\n'[count == 1 :] + json.dumps(whole, allow_nan=False))
        file.write(']}\n')


def _category() -> dict[str, Any]:
    return {
        'id': _PERSON,
        'name': 'person',
        'supercategory': 'person',
        'keypoints': list(COCO_17.keypoints),
        'skeleton': [[parent + 1, child + 1] for parent, child in COCO_17.bones],
    }


def _image(frame: FramePeople, number: int) -> dict[str, Any]:
    return {
        'id': number,
        'file_name': frame.name or f'{frame.number:06}.jpg',
        'width': frame.size[0],
        'height': frame.size[1],
        'frame': frame.number,
        'time_s': round(1e-9 * frame.stamp, 6),
    }


def _annotations(poses: Poses) -> list[dict[str, Any]]:
    known = np.asarray(np.isfinite(poses.keypoints_2d).all(-1))
    v = np.where(known, np.where(poses.observed, _VISIBLE, _HIDDEN), 0)
    pixels = np.where(known[..., None], poses.keypoints_2d, 0).astype(np.float64)
    triples = np.concatenate([pixels.round(2), v[..., None]], -1)
    flat = triples.reshape(len(poses), 3 * len(COCO_17))
    scores = person_scores(poses.scores).tolist()
    rows = []
    for person, box in enumerate(np.nan_to_num(poses.boxes.astype(np.float64)).round(2).tolist()):
        width, height = box[2] - box[0], box[3] - box[1]
        rows.append(
            {
                'keypoints': flat[person].tolist(),
                'num_keypoints': int((v[person] > 0).sum()),
                'bbox': [box[0], box[1], round(width, 2), round(height, 2)],
                'area': round(width * height, 2),
                'iscrowd': 0,
                'score': round(scores[person], 3),
                'track_id': int(poses.track_ids[person]),
            }
        )
    return rows
