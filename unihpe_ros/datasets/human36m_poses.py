"""Reader of Human3.6M without pictures (VideoPose3D's layout)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import H36M_17
from unihpe_ros.datasets.human36m_cameras import (
    action_of,
    CAMERA_IDS,
    camera_of,
    CameraCalibration,
    DROPPED,
    read_cameras,
    SUBJECTS,
)
from unihpe_ros.datasets.pickles import read_npz
from unihpe_ros.datasets.records import (
    box_around,
    check_index,
    DatasetError,
    in_view,
    Record,
    to_union,
)

# The 17 of the 32 stored joints that move on their own, in the order of H36M_17.
_MOVING = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
_HINT = "make it by VideoPose3D's prepare_data_h36m.py from the poses of vision.imar.ro/human3.6m"


class Human36MPoses:
    """
    Records of Human3.6M's poses in all cameras, without pictures.

    Parameters
    ----------
    folder : Path
        Folder of data_3d_h36m.npz, data_2d_h36m_*.npz and camera-parameters.json.
    split : str
        'train' or 'test'.
    detections : str
        Which 2D: 'gt', or the rest of the name of another data_2d_h36m_*.npz.

    Raises
    ------
    DatasetError
        If a file, a subject or an action is missing or not what it should be.

    """

    has_images = False

    def __init__(self, folder: Path, split: str, detections: str = 'gt') -> None:
        self.folder = Path(folder)
        cameras = read_cameras(self.folder)
        poses = _read_tree(self.folder / 'data_3d_h36m.npz', 'positions_3d')
        pixels = _read_tree(self.folder / f'data_2d_h36m_{detections}.npz', 'positions_2d')
        self._sequences: list[tuple[NDArray[Any], NDArray[Any], CameraCalibration, str, str]] = []
        rows = []
        for subject in SUBJECTS[split]:
            for action in _actions(poses, subject, self.folder / 'data_3d_h36m.npz'):
                views = _views(pixels, subject, action, self.folder)
                world = _moving(poses[subject][action], f'{subject} {action}', self.folder)
                for camera, seen in zip(CAMERA_IDS, views, strict=True):
                    count = min(len(world), len(seen))
                    source = f'{self.folder}: {subject} {action} {camera}'
                    number = np.full(count, len(self._sequences))
                    rows.append(np.column_stack([number, np.arange(count)]))
                    view = camera_of(cameras, subject, camera, self.folder)
                    self._sequences.append((world, seen, view, action_of(action), source))
        self._rows = np.concatenate(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Record:
        check_index(index, self, self.folder)
        number, frame = self._rows[index]
        world, seen, view, action, source = self._sequences[number]
        points = world[frame] @ view.rotation.T + view.translation
        keypoints = to_union(seen[frame], H36M_17.keypoints)
        return Record(
            image=None,
            keypoints_2d=keypoints,
            keypoints_3d=to_union(points, H36M_17.keypoints),
            visibility=in_view(keypoints, view.size),
            K=view.K,
            box=box_around(keypoints),
            source=f'{source}, frame {frame}',
            group=action,
            distortion=view.distortion,
            image_size=view.size,
        )


def _read_tree(path: Path, key: str) -> dict[str, dict[str, Any]]:
    tree = read_npz(path, key, hint=_HINT)[key]
    subjects = tree.item() if tree.shape == () else None
    if not isinstance(subjects, dict):
        raise DatasetError(f'{path}: {key}: expected dict[subject][action], got {tree.dtype}')
    return subjects


def _actions(poses: dict[str, dict[str, Any]], subject: str, path: Path) -> list[str]:
    if subject not in poses:
        raise DatasetError(f'{path}: positions_3d: expected subject {subject}; {_HINT}')
    return [action for action in sorted(poses[subject]) if (subject, action) != DROPPED]


def _views(
    pixels: dict[str, dict[str, Any]], subject: str, action: str, folder: Path
) -> list[NDArray[Any]]:
    views = pixels.get(subject, {}).get(action, ())
    shapes = [np.shape(view)[1:] for view in views]
    if shapes != [(len(H36M_17), 2)] * len(CAMERA_IDS):
        raise DatasetError(
            f'{folder}: positions_2d of {subject} {action}: expected {len(CAMERA_IDS)} cameras of '
            f'(F, {len(H36M_17)}, 2); got {shapes}'
        )
    return [np.asarray(view) for view in views]


def _moving(world: Any, name: str, folder: Path) -> NDArray[Any]:
    if np.shape(world)[1:] != (32, 3):
        raise DatasetError(
            f'{folder}: positions_3d of {name}: expected (F, 32, 3), got {np.shape(world)}'
        )
    return np.asarray(world)[:, _MOVING]
