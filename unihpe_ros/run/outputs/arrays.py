"""NumPy arrays of all people, a row for each person in each frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from unihpe_ros.core.pose import KeypointFlag
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.run.outputs.people_file import PeopleFile


def write_npz(path: Path, people: PeopleFile, skeleton: Skeleton) -> None:
    """
    Write an .npz with the arrays of docs/run.md, ordered by frame, then by id.

    Its names are those of the true people that ``unihpe bench bag --truth`` reads. A frame without
    people has a row with id 0.

    """
    rows: dict[str, list[np.ndarray]] = {}
    for frame in people.frames():
        poses = frame.poses.to(skeleton)
        nobody = not len(poses)
        n, k = max(len(poses), 1), len(skeleton)
        columns = {
            'frames': np.full(n, frame.number),
            'stamps': np.full(n, frame.stamp, np.int64),
            'ids': np.zeros(1, np.uint32) if nobody else poses.track_ids,
            'boxes': np.full((1, 4), np.nan, np.float32) if nobody else poses.boxes,
            'keypoints_2d': _or_nan(poses.keypoints_2d, (1, k, 2)),
            'keypoints_3d': _or_nan(poses.keypoints_3d, (1, k, 3)),
            'scores': np.zeros((1, k), np.float32) if nobody else poses.scores,
            'flags': np.zeros((1, k), np.uint16) if nobody else poses.flags,
        }
        for name, values in columns.items():
            rows.setdefault(name, []).append(values)
    arrays: dict[str, Any] = {name: np.concatenate(parts) for name, parts in rows.items()}
    arrays |= {'skeleton': np.array(skeleton.name), 'keypoints': np.array(skeleton.keypoints)}
    arrays['visible'] = (arrays['flags'] & KeypointFlag.OBSERVED).astype(bool)
    with path.open('wb') as file:
        np.savez(file, **arrays)


def _or_nan(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return values if len(values) else np.full(shape, np.nan, np.float32)
