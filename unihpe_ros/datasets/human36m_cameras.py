"""The cameras and the recording names of Human3.6M."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.datasets.records import DatasetError

SUBJECTS = {'train': ('S1', 'S5', 'S6', 'S7', 'S8'), 'test': ('S9', 'S11')}
# In the order in which the files hold them.
CAMERA_IDS = ('54138969', '55011271', '58860488', '60457274')
# The recording with a damaged video, which all protocols leave out.
DROPPED = ('S11', 'Directions')

_HEIGHTS = {'54138969': 1002, '55011271': 1000, '58860488': 1000, '60457274': 1002}
_WIDTH = 1000
_SYNONYMS = {'TakingPhoto': 'Photo', 'WalkingDog': 'WalkDog'}
_HINT = (
    'download camera-parameters.json of github.com/karfly/human36m-camera-parameters '
    'into this folder'
)


@dataclass(frozen=True)
class CameraCalibration:
    """
    The calibrated camera of one subject's recordings.

    Parameters
    ----------
    K : NDArray[np.float64]
        ``(3, 3)`` intrinsics, px.
    distortion : tuple[float, ...]
        OpenCV's k1, k2, p1, p2, k3.
    rotation : NDArray[np.float64]
        ``(3, 3)`` camera_from_world.
    translation : NDArray[np.float64]
        ``(3,)`` camera_from_world, m.
    size : tuple[int, int]
        (w, h), px.

    """

    K: NDArray[np.float64]
    distortion: tuple[float, ...]
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    size: tuple[int, int]


def read_cameras(folder: Path) -> dict[tuple[str, str], CameraCalibration]:
    """Return the cameras in camera-parameters.json, by subject and camera id."""
    path = folder / 'camera-parameters.json'
    try:
        stored = json.loads(path.read_text(encoding='utf-8'))
        return {
            (subject, camera): _calibration(
                stored['intrinsics'][camera], extrinsics, (_WIDTH, _HEIGHTS[camera])
            )
            for subject, views in stored['extrinsics'].items()
            for camera, extrinsics in views.items()
        }
    except FileNotFoundError as error:
        raise DatasetError(f'{path}: no such file; {_HINT}') from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f'{path}: expected intrinsics and extrinsics of {", ".join(CAMERA_IDS)} '
            f'({type(error).__name__}: {error})'
        ) from error


def camera_of(
    cameras: Mapping[tuple[str, str], CameraCalibration], subject: str, camera: str, folder: Path
) -> CameraCalibration:
    """Return one camera; DatasetError if the table lacks it."""
    if (subject, camera) not in cameras:
        path = folder / 'camera-parameters.json'
        raise DatasetError(f'{path}: expected camera {camera} of {subject}; {_HINT}')
    return cameras[subject, camera]


def action_of(recording: str) -> str:
    """Return the action of a recording: 'Directions' of 'Directions 1'."""
    name = recording.partition(' ')[0]
    return _SYNONYMS.get(name, name)


def _calibration(
    intrinsics: dict[str, Any], extrinsics: dict[str, Any], size: tuple[int, int]
) -> CameraCalibration:
    return CameraCalibration(
        np.array(intrinsics['calibration_matrix'], np.float64).reshape(3, 3),
        tuple(float(value) for value in intrinsics['distortion']),
        np.array(extrinsics['R'], np.float64).reshape(3, 3),
        np.array(extrinsics['t'], np.float64).reshape(3) / 1000,
        size,
    )
