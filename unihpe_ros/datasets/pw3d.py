"""Reader of 3DPW: sequenceFiles/SPLIT/*.pkl and imageFiles; joints of the SMPL model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.skeleton import H36M_17
from unihpe_ros.datasets.pickles import read_npz, read_pickle
from unihpe_ros.datasets.records import (
    box_around,
    check_index,
    DatasetError,
    in_view,
    read_image,
    Record,
    to_union,
)

# SMPL's 24 joints by the name of the keypoint that lies in the same place; the spine, the head,
# the collars, hands and feet have no counterpart.
SMPL_NAMES = (
    *('pelvis', 'left_hip_joint', 'right_hip_joint', '', 'left_knee', 'right_knee', ''),
    *('left_ankle', 'right_ankle', '', '', '', 'neck', '', '', ''),
    *('left_shoulder_joint', 'right_shoulder_joint', 'left_elbow', 'right_elbow'),
    *('left_wrist', 'right_wrist', '', ''),
)
_HINT = 'download sequenceFiles.zip of virtualhumans.mpi-inf.mpg.de/3DPW and unpack it here'
_KEYS = ('sequence', 'jointPositions', 'cam_poses', 'campose_valid', 'cam_intrinsics')


@dataclass(frozen=True)
class _Sequence:
    """One recording: world joints ``(P, F, J, 3)`` m, camera_from_world ``(F, 4, 4)``, K."""

    name: str
    joints: NDArray[np.float64]
    cameras: NDArray[np.float64]
    valid: NDArray[np.bool_]
    K: NDArray[np.float64]


class Pw3d:
    """
    Records of 3DPW: each person in each frame with a valid camera pose.

    Joints are SMPL's, as the .pkl files hold them. The paper's protocol wants Human3.6M joints
    regressed from SMPL's surface: put them, in world coordinates and m, into
    ``h36m_joints/SEQUENCE.npz`` as ``joints`` (people, frames, 17, 3) and they are read instead.

    Parameters
    ----------
    folder : Path
        Folder of sequenceFiles and, for pictures, imageFiles.
    split : str
        'train' or 'test'.

    Raises
    ------
    DatasetError
        If a file is missing, lacks a key, or asks for more than NumPy arrays.

    """

    def __init__(self, folder: Path, split: str) -> None:
        self.folder = Path(folder)
        self.has_images = (self.folder / 'imageFiles').is_dir()
        self.has_h36m_joints = (self.folder / 'h36m_joints').is_dir()
        paths = sorted((self.folder / 'sequenceFiles' / split).glob('*.pkl'))
        if not paths:
            where = self.folder / 'sequenceFiles' / split
            raise DatasetError(f'{where}: expected *.pkl, found none; {_HINT}')
        self._names = H36M_17.keypoints if self.has_h36m_joints else SMPL_NAMES
        self._sequences = [self._read(path) for path in paths]
        self._rows = np.concatenate(
            [
                np.column_stack([np.full(sequence.valid.sum(), number), *sequence.valid.nonzero()])
                for number, sequence in enumerate(self._sequences)
            ]
        )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Record:
        check_index(index, self, self.folder)
        number, person, frame = self._rows[index]
        sequence = self._sequences[number]
        path = self.folder / 'imageFiles' / sequence.name / f'image_{frame:05d}.jpg'
        image = read_image(path) if self.has_images else None
        # The principal point is the picture's centre.
        size = tuple(2 * round(float(value)) for value in sequence.K[:2, 2])
        if image is not None:
            size = (image.shape[1], image.shape[0])
        rotation, shift = sequence.cameras[frame, :3, :3], sequence.cameras[frame, :3, 3]
        points = to_union(sequence.joints[person, frame] @ rotation.T + shift, self._names)
        keypoints = Camera(sequence.K, size[0], size[1]).project(points).astype(np.float32)
        return Record(
            image=image,
            keypoints_2d=keypoints,
            keypoints_3d=points,
            visibility=in_view(keypoints, (size[0], size[1])),
            K=sequence.K,
            box=box_around(keypoints),
            source=f'{path}, person {person}',
            group=sequence.name,
            image_size=(size[0], size[1]),
            # In streets there are people without labels.
            alone=False,
        )

    def _read(self, path: Path) -> _Sequence:
        stored = read_pickle(path)
        missing = [key for key in _KEYS if not isinstance(stored, dict) or key not in stored]
        if missing:
            raise DatasetError(f'{path}: expected key {", ".join(missing)}; {_HINT}')
        name = str(stored['sequence'])
        cameras = _array(stored, 'cam_poses', path, (None, 4, 4))
        joints = _array(stored, 'jointPositions', path, (None, len(cameras), 72))
        joints = joints.reshape(*joints.shape[:2], 24, 3)
        valid = _array(stored, 'campose_valid', path, joints.shape[:2]).astype(bool)
        if self.has_h36m_joints:
            other = self.folder / 'h36m_joints' / f'{name}.npz'
            regressed = read_npz(other, 'joints', hint='one file per sequence, or no such folder')
            joints = _array(regressed, 'joints', other, (*joints.shape[:2], len(H36M_17), 3))
        K = _array(stored, 'cam_intrinsics', path, (3, 3))
        return _Sequence(name, joints, cameras, valid, K)


def _array(
    stored: dict[str, Any], key: str, path: Path, shape: tuple[int | None, ...]
) -> NDArray[np.float64]:
    """Return a stored array or list of arrays as float64, its shape checked (None: any)."""
    try:
        array: Array = np.array(stored[key], np.float64)
    except (ValueError, TypeError) as error:
        raise DatasetError(f'{path}: {key}: expected numbers ({error})') from error
    fits = array.ndim == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise DatasetError(f'{path}: {key}: expected shape {shape}, got {array.shape}')
    return array.astype(np.float64)
