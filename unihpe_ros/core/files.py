"""Write files atomically: under a temporary name beside the target, then renamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import errno
import os
from pathlib import Path
import platform
import re
import shutil
from typing import Any

import numpy as np

# No space is left, a quota or a limit of the file's size is reached, or the device fails.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
# Folders in which the files of killed processes have been looked for.
_cleaned: set[Path] = set()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    Context manager that yields a temporary path, renamed to the target when the block ends.

    An older file stays as it is until then. After an error it stays for good, and nothing of the
    new one is left. Two processes may write the same file at the same time. What a process of this
    machine has left that was killed is removed.

    Parameters
    ----------
    path : Path
        Where the file belongs; folders that are missing are made.

    Yields
    ------
    Path
        Where to write it: beside, with the same suffix, which tells some writers the format.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent.absolute())
    partial = path.with_name(f'.{path.stem}.{_machine()}-{os.getpid()}.partial{path.suffix}')
    try:
        with _naming_full(path):
            yield partial
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _naming_full(path: Path) -> Iterator[None]:
    """Context manager in which an error about a full disk, which names no file, names this one."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None or error.strerror is None:
            raise
        raise OSError(f'{path}: cannot be written: {error.strerror}') from error


def _machine() -> str:
    """Return the name of this machine, without characters that separate parts of a file name."""
    return re.sub(r'[^A-Za-z0-9]+', '_', platform.node())


def _remove_abandoned(folder: Path) -> None:
    """Remove the temporary files in a folder whose process on this machine is dead."""
    # Once for each folder: it may get thousands of pictures.
    if folder in _cleaned:
        return
    _cleaned.add(folder)
    pattern = re.compile(rf'\..+\.{re.escape(_machine())}-(\d+)\.partial(\..*)?')
    with suppress(OSError):
        for file in folder.iterdir():
            found = pattern.fullmatch(file.name)
            if found and not _is_alive(int(found[1])):
                file.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    if os.name != 'posix':
        return True  # There, signal 0 is a real one.
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # It belongs to another user.
        return True
    return True


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Context manager in which errors of the file system name the file that the user gave."""
    try:
        yield
    except OSError as error:
        if error.strerror is None:
            raise
        raise OSError(f'{path}: cannot be written: {error.strerror}') from error


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """
    Context manager that yields a temporary folder, renamed to the target when the block ends.

    What an earlier, killed run has left beside it is removed first.

    Parameters
    ----------
    path : Path
        Where the folder belongs; an older one is replaced.

    Yields
    ------
    Path
        Where to make it. It has the same name, because some writers name their files after the
        folder.

    """
    beside = path.parent / f'.{path.name}.partial'
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    partial = beside / path.name
    try:
        with _naming_full(path):
            yield partial
            shutil.rmtree(path, ignore_errors=True)
            partial.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole, text as UTF-8, or not at all."""
    with replacing(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays as an .npz, uncompressed, whole or not at all."""
    # For a path with another ending, savez would write another file.
    with replacing(path) as partial, partial.open('wb') as file:
        np.savez(file, **arrays)
