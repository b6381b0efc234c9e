"""Reader of MPI-INF-3DHP: S1/Seq1/annot.mat for training, TS1/annot_data.mat for testing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
import zlib

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.io.matlab import loadmat, MatReadError
from unihpe_ros.core.geometry import Array
from unihpe_ros.datasets.records import (
    box_around,
    check_index,
    DatasetError,
    in_view,
    read_image,
    Record,
    to_union,
)

# The 17 joints of the test set, and their places among the 28 of the training set.
MPI_JOINTS = (
    *('head_top', 'neck', 'right_shoulder_joint', 'right_elbow', 'right_wrist'),
    *('left_shoulder_joint', 'left_elbow', 'left_wrist', 'right_hip_joint', 'right_knee'),
    *('right_ankle', 'left_hip_joint', 'left_knee', 'left_ankle', 'pelvis', 'spine', 'head'),
)
_OF_28 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
# The cameras at chest height; the others look from the ceiling.
_CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
# Errors of SciPy for files that are cut off or damaged.
_DAMAGE = (MatReadError, zlib.error)
_HINT = 'download it with the scripts of vcai.mpi-inf.mpg.de/3dhp-dataset and keep its folders'


@dataclass(frozen=True)
class _CameraView:
    """One view: ``(F, 17, 2)`` px, ``(F, 17, 3)`` m, valid frames, K, size, pictures."""

    pixels: Array
    points: Array
    valid: NDArray[np.intp]
    K: NDArray[np.float64]
    size: tuple[int, int]
    folder: Path
    prefix: str
    group: str


class MpiInf3dhp:
    """
    Records of MPI-INF-3DHP.

    Training frames are metric (``annot3``) and come from the eight cameras at chest height, their
    pictures extracted to ``imageFrames/video_0/frame_000001.jpg``. Test frames are the valid ones
    of TS1 to TS6, their truth on the universal skeleton (``univ_annot3``), as the protocol wants.

    Parameters
    ----------
    folder : Path
        Folder of S1 to S8 (train) or of TS1 to TS6 (test).
    split : str
        'train' or 'test'.

    Raises
    ------
    DatasetError
        If a file or a key is missing or not what it should be.

    """

    def __init__(self, folder: Path, split: str) -> None:
        self.folder = Path(folder)
        pattern, read = 'S*/Seq*/annot.mat', _read_train
        if split == 'test':
            pattern, read = 'TS*/annot_data.mat', _read_test
        paths = sorted(self.folder.glob(pattern))
        if not paths:
            raise DatasetError(f'{self.folder}: expected {pattern}, found none; {_HINT}')
        sequences = [sequence for path in paths for sequence in read(path)]
        # Only extracted videos are used.
        extracted = [sequence for sequence in sequences if sequence.folder.is_dir()]
        self.has_images = bool(extracted)
        self._sequences = extracted or sequences
        self._rows = np.concatenate(
            [
                np.column_stack([np.full(len(sequence.valid), number), sequence.valid])
                for number, sequence in enumerate(self._sequences)
            ]
        )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Record:
        check_index(index, self, self.folder)
        number, frame = self._rows[index]
        sequence = self._sequences[number]
        path = sequence.folder / f'{sequence.prefix}_{frame + 1:06d}.jpg'
        image = read_image(path) if self.has_images else None
        size = sequence.size if image is None else (image.shape[1], image.shape[0])
        keypoints = to_union(sequence.pixels[frame], MPI_JOINTS)
        return Record(
            image=image,
            keypoints_2d=keypoints,
            keypoints_3d=to_union(sequence.points[frame], MPI_JOINTS),
            visibility=in_view(keypoints, size),
            K=sequence.K,
            box=box_around(keypoints),
            source=str(path),
            group=sequence.group,
            image_size=size,
        )


def _read_train(path: Path) -> list[_CameraView]:
    try:
        stored = loadmat(path)
        annot2, annot3 = stored['annot2'].ravel(), stored['annot3'].ravel()
    except KeyError as error:
        raise DatasetError(f'{path}: expected key {error}; {_HINT}') from error
    except (OSError, ValueError, TypeError, NotImplementedError, *_DAMAGE) as error:
        raise DatasetError(f'{path}: not a readable MAT file of version 5 ({error})') from error
    cameras = _read_calibration(path.with_name('camera.calibration'))
    sequences = []
    for number in _CAMERAS:
        if number >= min(len(annot2), len(annot3)) or number not in cameras:
            found = min(len(annot2), len(annot3), len(cameras))
            raise DatasetError(f'{path}: expected camera {number}; got {found} cameras')
        pixels = _joints(annot2[number], 2, f'{path}: annot2')
        points = _joints(annot3[number], 3, f'{path}: annot3')
        sequences.append(
            _CameraView(
                pixels,
                points / 1000,
                np.arange(min(len(pixels), len(points))),
                *cameras[number],
                path.parent / 'imageFrames' / f'video_{number}',
                'frame',
                f'{path.parent.parent.name} {path.parent.name}',
            )
        )
    return sequences


def _joints(values: Array, width: int, name: str) -> Array:
    if values.ndim != 2 or values.shape[1] != 28 * width:
        raise DatasetError(f'{name}: expected (F, {28 * width}), got {values.shape}')
    return values.reshape(-1, 28, width)[:, _OF_28].astype(np.float32)


def _read_calibration(path: Path) -> dict[int, tuple[NDArray[np.float64], tuple[int, int]]]:
    """Return K and size by the camera's number."""
    cameras: dict[int, tuple[NDArray[np.float64], tuple[int, int]]] = {}
    number, size = -1, (0, 0)
    try:
        for line in path.read_text(encoding='utf-8').splitlines():
            name, *values = line.split() or ['']
            if name == 'name':
                number = int(values[0])
            elif name == 'size':
                size = (int(values[0]), int(values[1]))
            elif name == 'intrinsic':
                matrix = np.array(values, np.float64).reshape(4, 4)
                cameras[number] = (matrix[:3, :3], size)
    except OSError as error:
        raise DatasetError(f'{path}: {error.strerror}; {_HINT}') from error
    except (ValueError, IndexError) as error:
        raise DatasetError(f'{path}: not a camera calibration: {line!r} ({error})') from error
    return cameras


def _read_test(path: Path) -> list[_CameraView]:
    keys = {'annot2': 2, 'annot3': 3, 'univ_annot3': 3}
    try:
        with h5py.File(path, 'r') as file:
            stored: dict[str, NDArray[Any]] = {
                key: file[key][()] for key in (*keys, 'valid_frame')
            }
    except KeyError as error:
        raise DatasetError(f'{path}: {error.args[0]}; expected {", ".join(keys)}') from error
    except OSError as error:
        raise DatasetError(f'{path}: not a readable MAT file of version 7.3 ({error})') from error
    valid = np.flatnonzero(stored['valid_frame'].ravel())
    count = stored['valid_frame'].size
    for key, width in keys.items():
        if stored[key].shape != (count, 1, len(MPI_JOINTS), width):
            shape = (count, 1, len(MPI_JOINTS), width)
            raise DatasetError(f'{path}: {key}: expected {shape}, got {stored[key].shape}')
    pixels, points = stored['annot2'][:, 0], stored['annot3'][:, 0]
    K = fit_intrinsics(points[valid], pixels[valid], path)
    size = (2 * round(K[0, 2]), 2 * round(K[1, 2]))
    truth = stored['univ_annot3'][:, 0] / 1000
    folder = path.parent / 'imageSequence'
    return [_CameraView(pixels, truth, valid, K, size, folder, 'img', path.parent.name)]


def fit_intrinsics(points: Array, pixels: Array, name: object) -> NDArray[np.float64]:
    """
    Return the intrinsics fitted to 3D points and their pixels; the test set has none.

    Parameters
    ----------
    points, pixels : NDArray
        ``(..., 3)`` camera frame, any unit, and ``(..., 2)`` px.
    name : object
        The file, for the error.

    Raises
    ------
    DatasetError
        If the points do not determine it.

    """
    points, pixels = points.reshape(-1, 3).astype(np.float64), pixels.reshape(-1, 2)
    K = np.eye(3)
    for axis in (0, 1):
        system = np.column_stack([points[:, axis] / points[:, 2], np.ones(len(points))])
        solution, _, rank, _ = np.linalg.lstsq(system, pixels[:, axis], rcond=None)
        if rank < 2 or not np.isfinite(solution).all() or solution[0] <= 0:
            raise DatasetError(f'{name}: annot2 is no projection of annot3 ({len(points)} points)')
        K[axis, axis], K[axis, 2] = solution
    return K
