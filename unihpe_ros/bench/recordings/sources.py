"""Find recordings and the ground truth of their people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from unihpe_ros.bags.file_kinds import BAG_SUFFIXES
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.recordings.bench_report import BenchError
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import SKELETONS

_TRUTH_ARRAYS = ('stamps', 'ids', 'keypoints_2d', 'visible')


def find_bags(path: Path) -> dict[str, Path]:
    """
    Find the recordings at a path.

    Parameters
    ----------
    path : Path
        A recording, or a folder of them.

    Returns
    -------
    dict[str, Path]
        By name, in order of it.

    Raises
    ------
    BenchError
        If there is none.

    """
    if path.is_file() or (path / 'metadata.yaml').is_file():
        return {path.stem if path.is_file() else path.resolve().name: path}
    folders = [file.parent for file in path.rglob('metadata.yaml')]
    loose = [
        file
        for file in path.rglob('*')
        if file.name.endswith(BAG_SUFFIXES) and file.is_file() and file.parent not in folders
    ]
    bags = {bag.relative_to(path).as_posix(): bag for bag in folders + loose}
    if not bags:
        what = 'it holds none' if path.is_dir() else 'there is none'
        raise BenchError(
            f'{path}: expected a recording (a rosbag2 folder or a file ending in '
            f'{", ".join(BAG_SUFFIXES)}) or a folder of them; {what}'
        )
    return dict(sorted(bags.items()))


def load_truth(reader: BagReader, truth: str) -> dict[int, Poses] | None:
    """
    Read the true people of a recording.

    Parameters
    ----------
    reader : BagReader
        The recording.
    truth : str
        Topic, or an .npz file as docs/bench_report.md describes it; if empty, the topic
        /truth/pose3d if the recording has it.

    Returns
    -------
    dict[int, Poses], optional
        By the stamp of their image, ns; None if nothing is known of them.

    Raises
    ------
    BagError, BenchError
        If they are not there, or malformed.

    """
    if truth.endswith('.npz'):
        return read_truth_file(Path(truth))
    return reader.truth(truth)


def read_truth_file(path: Path) -> dict[int, Poses]:
    """
    Read true people from an .npz file with a row for each person in each image.

    Raises
    ------
    BenchError
        If it cannot be read, an array is missing, or shapes do not fit.

    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError) as error:
        raise BenchError(f'{path}: expected an .npz file; {error}') from error
    missing = [name for name in (*_TRUTH_ARRAYS, 'skeleton') if name not in arrays]
    if missing:
        raise BenchError(f'{path}: expected arrays {", ".join(missing)}; got {list(arrays)}')
    skeleton = SKELETONS.get(str(arrays['skeleton']))
    if skeleton is None:
        raise BenchError(
            f'{path}: skeleton: expected one of {", ".join(SKELETONS)}; got {arrays["skeleton"]}'
        )
    rows, k = len(arrays['stamps']), len(skeleton)
    arrays.setdefault('keypoints_3d', np.full((rows, k, 3), np.nan, np.float32))
    wanted = {'ids': (rows,), 'keypoints_2d': (rows, k, 2), 'keypoints_3d': (rows, k, 3)}
    for name, shape in {**wanted, 'visible': (rows, k)}.items():
        if arrays[name].shape != shape:
            raise BenchError(f'{path}: {name}: expected {shape}; got {arrays[name].shape}')
    people = {}
    for stamp in np.unique(arrays['stamps']).tolist():
        at = arrays['stamps'] == stamp
        seen = arrays['visible'][at].astype(bool)
        points = arrays['keypoints_2d'][at].astype(np.float32)
        # A row with id 0 means an image without people.
        real = arrays['ids'][at] > 0
        people[int(stamp)] = Poses(
            skeleton=skeleton,
            boxes=np.full((int(real.sum()), 4), np.nan, np.float32),
            keypoints_2d=points[real],
            keypoints_3d=arrays['keypoints_3d'][at][real].astype(np.float32),
            scores=seen[real].astype(np.float32),
            flags=np.where(seen[real], int(KeypointFlag.OBSERVED), 0).astype(np.uint16),
            track_ids=arrays['ids'][at][real].astype(np.uint32),
            agreement=np.full(int(real.sum()), np.nan, np.float32),
            root_mode=RootMode.PROJECTIVE,
        )
    return people
