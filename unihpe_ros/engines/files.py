"""Files of the engine cache: written beside, then renamed, so that none is ever half there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def write_beside(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; two processes may do so at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'{path.name}.{os.getpid()}.partial')
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes in hex digits."""
    return hashlib.sha256(content).hexdigest()
