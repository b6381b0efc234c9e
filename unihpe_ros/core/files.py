"""Files appear whole or not at all: they are written beside their place, then renamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    Give the place to write a file to; it moves to its own when the block ends.

    Until then an older file stays as it is, after an error for good, and nothing of the new one
    is left. Two processes may write the same file at the same time.

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
    partial = path.with_name(f'.{path.stem}.{os.getpid()}.partial{path.suffix}')
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole, text as UTF-8, or not at all."""
    with replacing(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
