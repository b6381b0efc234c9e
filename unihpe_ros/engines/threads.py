"""How many threads a network on the CPU is given."""

import os

# A crop's network is too small to feed more.
_MOST_THREADS = 4


def choose_threads(threads: int) -> int:
    """Return the number asked for; for 0 one per core that this process may use, at most four."""
    return threads or min(usable_cores(), _MOST_THREADS)


def usable_cores() -> int:
    """Return how many cores this process may use, which a container can make fewer."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
