"""A bank of poses from a folder or an archive of BVH clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import os
from pathlib import Path, PurePosixPath
import tarfile

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.files import replacing_folder
from unihpe_ros.synthesis.motion.bvh_reader import MotionError, read_bvh
from unihpe_ros.synthesis.motion.retarget import DrivenMotion, retarget

SPLITS = ('train', 'test')

# Subjects (clip folders) that are never trained on.
TEST_SUBJECTS = ('03', '06', '09', '11')


@dataclass(frozen=True)
class MotionBank:
    """
    M poses from C motion clips.

    Parameters
    ----------
    names : tuple[str, ...]
        Clip names, ``subject/clip``.
    rotations : NDArray[np.float32]
        ``(M, D, 3, 3)`` World rotation per driving bone.
    root : NDArray[np.float32]
        ``(M, 3)`` Position of the hips in leg lengths.
    clip : NDArray[np.int32]
        ``(M,)`` Which clip a pose is from.
    frame : NDArray[np.int32]
        ``(M,)`` Which of the clip's frames it is.
    limb_directions : NDArray[np.float32]
        ``(C, 12, 3)`` Rest directions of each clip's limbs.

    """

    names: tuple[str, ...]
    rotations: NDArray[np.float32]
    root: NDArray[np.float32]
    clip: NDArray[np.int32]
    frame: NDArray[np.int32]
    limb_directions: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rotations)


def motion_folder(path: Path, cache: Path) -> Path:
    """
    Return the folder of the clips; an archive is unpacked first.

    Parameters
    ----------
    path : Path
        A folder, or a .tar archive of any compression.
    cache : Path
        Folder to unpack into; used as it is when it exists.

    Returns
    -------
    Path
        A folder.

    Raises
    ------
    MotionError
        If the path is neither, or the archive has no clips in it.

    """
    if path.is_dir():
        return path
    if not path.is_file() or not tarfile.is_tarfile(path):
        raise MotionError(f'{path}: expected a folder or a .tar.xz archive of BVH clips')
    if not cache.is_dir():
        with replacing_folder(cache) as partial:
            _unpack_clips(path, partial)
    return cache


def _unpack_clips(archive: Path, folder: Path) -> None:
    """Unpack the .bvh files of an archive, and only below the folder."""
    found = False
    with tarfile.open(archive) as tar:
        for member in tar:
            inside = PurePosixPath(member.name)
            if not member.isfile() or inside.suffix.lower() != '.bvh':
                continue
            if inside.is_absolute() or '..' in inside.parts:
                raise MotionError(f'{archive}: {member.name!r} points out of the archive')
            source = tar.extractfile(member)
            if source is not None:
                target = folder / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read())
                found = True
    if not found:
        raise MotionError(f'{archive}: expected an archive of .bvh clips, found none in it')


def find_clips(folder: Path, split: str) -> list[Path]:
    """
    Return the clips of a split; a clip's subject is the name of its folder.

    Parameters
    ----------
    folder : Path
        The root of the clips.
    split : str
        'train' or 'test'.

    Returns
    -------
    list[Path]
        Sorted BVH files.

    Raises
    ------
    MotionError
        If there is none.

    """
    # Unlike rglob, this looks into folders that are linked to.
    files = (
        Path(at) / name for at, _, names in os.walk(folder, followlinks=True) for name in names
    )
    clips = sorted(path for path in files if path.suffix.lower() == '.bvh')
    if not clips:
        raise MotionError(f'{folder}: expected BVH clips in sub-folders, found none')
    chosen = [path for path in clips if (path.parent.name in TEST_SUBJECTS) == (split == 'test')]
    if not chosen:
        raise MotionError(
            f'{folder}: no clip of the {split} split (test is the folders '
            f'{", ".join(TEST_SUBJECTS)}), {len(clips)} of the other'
        )
    return chosen


def load_motions(clips: Sequence[Path], rate: float) -> MotionBank:
    """
    Return the poses of clips, read and retargeted.

    Parameters
    ----------
    clips : Sequence[Path]
        BVH files.
    rate : float
        Poses to keep per second of motion.

    Returns
    -------
    MotionBank
        All their poses.

    """
    driven = [retarget(read_bvh(path, rate)) for path in clips]
    return build_bank(driven, [f'{path.parent.name}/{path.stem}' for path in clips])


def build_bank(driven: Sequence[DrivenMotion], names: Sequence[str]) -> MotionBank:
    """Return one bank of the poses of several clips."""
    return MotionBank(
        names=tuple(names),
        rotations=np.concatenate([motion.rotations for motion in driven]),
        root=np.concatenate([motion.root for motion in driven]),
        clip=_repeat_index(driven),
        frame=np.concatenate([motion.frames for motion in driven]),
        limb_directions=np.stack([motion.limb_directions for motion in driven]),
    )


def _repeat_index(driven: Sequence[DrivenMotion]) -> NDArray[np.int32]:
    return np.repeat(np.arange(len(driven), dtype=np.int32), [len(m.frames) for m in driven])
