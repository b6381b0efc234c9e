"""Memory that a process holds."""

from __future__ import annotations

import math
import os
from pathlib import Path

_PAGE_MB = os.sysconf('SC_PAGE_SIZE') / 1e6


def resident_mb(process: int | None = None) -> float:
    """
    Return the resident memory of a process, MB; NaN where there is no /proc, or no such process.

    Parameters
    ----------
    process : int, optional
        Process id; by default this process.

    """
    pages = Path('/proc', 'self' if process is None else str(process), 'statm')
    try:
        return int(pages.read_text(encoding='utf-8').split()[1]) * _PAGE_MB
    except (OSError, IndexError, ValueError):
        return math.nan
