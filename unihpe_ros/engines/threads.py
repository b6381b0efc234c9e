"""Choose the number of CPU threads of a network."""

import math
import os
from pathlib import Path

# Files with a container's CPU quota, of cgroups version 2 and version 1.
_QUOTA = Path('/sys/fs/cgroup/cpu.max')
_OLD_QUOTA = Path('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')
_OLD_PERIOD = Path('/sys/fs/cgroup/cpu/cpu.cfs_period_us')
# The network of a crop is too small for more threads to help.
_MOST_THREADS = 4
_NO_LIMIT = 1e6


def choose_threads(threads: int) -> int:
    """Return the requested number; for 0 one per core that this process may use, at most four."""
    return threads or min(usable_cores(), _MOST_THREADS)


def usable_cores() -> int:
    """Return how many cores this process may use, of which a container can have fewer."""
    cores = os.cpu_count() or 1
    if hasattr(os, 'sched_getaffinity'):
        cores = len(os.sched_getaffinity(0))
    return max(1, min(cores, math.ceil(_quota())))


def _quota() -> float:
    """Return the container's CPU quota in cores; a very large number without a limit."""
    try:
        if _QUOTA.is_file():
            quota, period = _QUOTA.read_text().split()
        else:
            quota, period = _OLD_QUOTA.read_text(), _OLD_PERIOD.read_text()
        share = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):
        return _NO_LIMIT
    return share if share > 0 else _NO_LIMIT
