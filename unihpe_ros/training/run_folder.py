"""The folder of a run, locked so that one process at a time trains in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
import os
from pathlib import Path

from unihpe_ros.training import ranks
from unihpe_ros.training.config import ConfigError

LOCK = '.lock'


@contextmanager
def run_folder(out: Path, *, resume: bool) -> Iterator[Path]:
    """
    Lock the folder of a run until the block, or the process, ends; yield its checkpoint.

    Parameters
    ----------
    out : Path
        The folder; made where it is missing.
    resume : bool
        Whether the run that it holds is to go on.

    Yields
    ------
    Path
        Its checkpoint.

    Raises
    ------
    ConfigError
        If another process trains there, or the folder holds a run that is not to go on.

    """
    out.mkdir(parents=True, exist_ok=True)
    # The file is not removed: a process that opened it before would hold a lock that others cannot
    # see.
    with (out / LOCK).open('a+', encoding='utf-8') as file:
        if ranks.rank() == 0:
            _lock(file.fileno(), out)
        checkpoint = out / 'checkpoint.pt'
        if checkpoint.exists() and not resume:
            raise ConfigError(f'{checkpoint}: exists; give --resume to go on, or another folder')
        yield checkpoint


def _lock(file: int, out: Path) -> None:
    try:
        # Not flock, because the reader processes would hold that lock after this process has died.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        holder = os.pread(file, 20, 0).decode(errors='replace') or 'unknown'
        raise ConfigError(
            f'{out}: process {holder} trains here; wait for its end, or give another folder'
        ) from error
    os.ftruncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)
