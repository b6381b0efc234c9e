"""Reader of Human3.6M with pictures (MMPose's layout), and the choice between both layouts."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import H36M_17
from unihpe_ros.datasets.human36m_cameras import action_of, camera_of, DROPPED, read_cameras
from unihpe_ros.datasets.human36m_poses import Human36MPoses
from unihpe_ros.datasets.pickles import read_npz
from unihpe_ros.datasets.records import (
    box_around,
    check_index,
    DatasetError,
    in_view,
    read_image,
    Record,
    to_union,
)

_PICTURE = re.compile(r'(S\d+)_([A-Za-z]+)(?:[_ ]\d+)?\.(\d{8})_\d+\.\w+$')
_HINT = "make it by MMPose's preprocess_h36m.py from the videos of vision.imar.ro/human3.6m"


def open_human36m(folder: Path, split: str) -> Human36MPoses | Human36MImages:
    """
    Return the data set of a folder in either layout.

    Parameters
    ----------
    folder : Path
        Folder with camera-parameters.json and either VideoPose3D's data_3d_h36m.npz and
        data_2d_h36m_gt.npz, or MMPose's annotation_body3d/fps50/h36m_train.npz (h36m_test.npz)
        and images.
    split : str
        'train' or 'test'.

    """
    if (folder / 'data_3d_h36m.npz').exists():
        return Human36MPoses(folder, split)
    return Human36MImages(folder, split)


class Human36MImages:
    """
    Records of Human3.6M with pictures, in MMPose's layout (annotation_body3d).

    Parameters
    ----------
    folder : Path
        Folder of annotation_body3d, images and camera-parameters.json. Without images the poses
        can still be measured.
    split : str
        'train' or 'test'.

    Raises
    ------
    DatasetError
        If a file or a key is missing or not what it should be.

    """

    def __init__(self, folder: Path, split: str) -> None:
        self.folder = Path(folder)
        self.has_images = (self.folder / 'images').is_dir()
        name = f'h36m_{split}.npz'
        # The densest frame rate that was extracted.
        found = sorted(self.folder.glob(f'annotation_body3d/fps*/{name}'), key=_rate)
        path = found[-1] if found else self.folder / name
        stored = read_npz(path, 'imgname', 'part', 'S', hint=_HINT)
        _check_shapes(path, stored)
        labels = [_parse(name, path) for name in stored['imgname']]
        kept = np.array([(subject, recording) != DROPPED for subject, _, _, recording in labels])
        # Arrays rather than lists of strings: a loader's workers share their memory.
        self._names = stored['imgname'][kept]
        self._pixels, self._points = stored['part'][kept], stored['S'][kept]
        cameras = read_cameras(self.folder)
        self._views = {
            (subject, camera): camera_of(cameras, subject, camera, self.folder)
            for subject, camera in {(subject, camera) for subject, _, camera, _ in labels}
        }

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Record:
        check_index(index, self, self.folder)
        path = self.folder / 'images' / str(self._names[index])
        subject, action, camera, _ = _parse(self._names[index], path)
        view = self._views[subject, camera]
        pixels, points = self._pixels[index], self._points[index]
        keypoints = to_union(_known(pixels), H36M_17.keypoints)
        return Record(
            image=read_image(path) if self.has_images else None,
            keypoints_2d=keypoints,
            keypoints_3d=to_union(_known(points), H36M_17.keypoints),
            visibility=in_view(keypoints, view.size),
            K=view.K,
            box=box_around(keypoints),
            source=str(path),
            group=action,
            distortion=view.distortion,
            image_size=view.size,
        )


def _check_shapes(path: Path, stored: dict[str, NDArray[Any]]) -> None:
    count = len(stored['imgname'])
    for key, width in (('part', 3), ('S', 4)):
        shape = (count, len(H36M_17), width)
        if stored[key].shape != shape:
            raise DatasetError(f'{path}: {key}: expected {shape}, got {stored[key].shape}')


def _parse(name: str, path: Path) -> tuple[str, str, str, str]:
    """Return subject, action, camera and recording of a picture's name."""
    match = _PICTURE.search(str(name))
    if match is None:
        raise DatasetError(
            f'{path}: imgname: expected .../S9_Directions_1.54138969_000001.jpg; got {name}'
        )
    subject, action, camera = match.groups()
    recording = match.group(0).removeprefix(f'{subject}_').partition('.')[0]
    return subject, action_of(action), camera, recording


def _rate(path: Path) -> int:
    digits = path.parent.name.removeprefix('fps')
    return int(digits) if digits.isdigit() else 0


def _known(values: NDArray[Any]) -> NDArray[Any]:
    """Return coordinates without their visibility; NaN where it is 0."""
    return np.where(values[:, -1:] > 0, values[:, :-1], np.nan)
