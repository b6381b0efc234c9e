"""A table of keypoints: one row for each keypoint of each person in each frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.run.outputs.people_file import FramePeople, PeopleFile

CSV_HEADER = 'frame,time_s,image,person,keypoint,u_px,v_px,x_m,y_m,z_m,score,flags'


def write_csv(path: Path, people: PeopleFile, skeleton: Skeleton) -> None:
    """Write the table; unknown values are empty cells."""
    with path.open('w', encoding='utf-8') as file:
        file.write(f'{CSV_HEADER}\n')
        for frame in people.frames():
            file.writelines(_rows(frame, skeleton))


def _rows(frame: FramePeople, skeleton: Skeleton) -> list[str]:
    poses = frame.poses.to(skeleton)
    name = f'"{frame.name}"' if ',' in frame.name else frame.name
    head = f'{frame.number},{1e-9 * frame.stamp:.6f},{name}'
    rows = []
    for person in range(len(poses)):
        columns = zip(
            skeleton.keypoints,
            _cells(poses.keypoints_2d[person], 2),
            _cells(poses.keypoints_3d[person], 4),
            poses.scores[person].tolist(),
            poses.flags[person].tolist(),
            strict=True,
        )
        track_id = int(poses.track_ids[person])
        rows += [
            f'{head},{track_id},{keypoint},{pixel},{point},{score:.3f},{flags}\n'
            for keypoint, pixel, point, score, flags in columns
        ]
    return rows


def _cells(values: np.ndarray, decimals: int) -> list[str]:
    """Return ``(K, D)`` values as K texts of D cells, empty where unknown."""
    return [
        ','.join(f'{value:.{decimals}f}' if value == value else '' for value in row)
        for row in values.tolist()
    ]
