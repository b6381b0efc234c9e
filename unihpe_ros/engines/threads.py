"""Choose the number of CPU threads of a network."""

import math
import os
from pathlib import Path

# Where a container's share of the processor stands: of version 2 of cgroups, and of version 1.
_QUOTA = Path('/sys/fs/cgroup/cpu.max')
_OLD_QUOTA = Path('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')
_OLD_PERIOD = Path('/sys/fs/cgroup/cpu/cpu.cfs_period_us')
# A crop's network is too small to feed more.
_MOST_THREADS = 4
_NO_LIMIT = 1e6


def choose_threads(threads: int) -> int:
    """Return the number asked for; for 0 one per core that this process may use, at most four."""
    return threads or min(usable_cores(), _MOST_THREADS)


def usable_cores() -> int:
    """Return how many cores this process may use, of which a container can have fewer."""
    cores = os.cpu_count() or 1
    if hasattr(os, 'sched_getaffinity'):
        cores = len(os.sched_getaffinity(0))
    return max(1, min(cores, math.ceil(_quota())))


def _quota() -> float:
    """Return how many cores' time the container gives, very many if it sets no limit."""
    try:
        if _QUOTA.is_file():
            quota, period = _QUOTA.read_text().split()
        else:
            quota, period = _OLD_QUOTA.read_text(), _OLD_PERIOD.read_text()
        share = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):
        return _NO_LIMIT
    return share if share > 0 else _NO_LIMIT
