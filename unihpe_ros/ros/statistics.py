"""Counters, image rates and stage times of one camera of the node."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable
import threading
import time

import numpy as np

# Ten seconds at 30 Hz: long enough for a 99th percentile, short enough to follow a change.
_WINDOW = 300
_PERCENTILES = (50, 95, 99)


class Statistics:
    """Counters and rolling stage times; written by two threads, read once a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_WINDOW))
        self._counts: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._since = clock()
        self._last_image = -np.inf
        self._last_error: tuple[float, str] = (-np.inf, '')
        self.image_bytes = 0
        self.people = 0
        self.postures = ''

    def add(self, stage: str, seconds: float) -> None:
        """Record how long a stage of one frame took, s."""
        with self._lock:
            self._seconds[stage].append(seconds)

    def unknown(self, stage: str) -> None:
        """Drop the times of a stage that can no longer be measured."""
        with self._lock:
            self._seconds[stage].clear()

    def count(self, event: str) -> None:
        """Count an event: received, published, dropped or error."""
        with self._lock:
            self._counts[event] += 1

    def received(self, size: int) -> None:
        """Count an image of `size` bytes, and store the time of its arrival."""
        self.count('received')
        self._last_image = self._clock()
        self.image_bytes = size

    def warn(self, text: str) -> None:
        """Store a warning about the input, without counting it as an error."""
        self._last_error = self._clock(), text

    def error(self, text: str) -> None:
        """Count an error and store its message."""
        self.count('error')
        self._last_error = self._clock(), text

    def recent_error(self, within: float) -> str:
        """Return the message of the last error if it is at most `within` s old, else ''."""
        when, text = self._last_error
        return text if self._clock() - when <= within else ''

    def total(self, event: str) -> int:
        """Return how often an event was counted since the start."""
        with self._lock:
            return self._counts[event]

    def image_age(self) -> float:
        """Return the time since the last image came, s; infinite before the first."""
        return self._clock() - self._last_image

    def report(self) -> dict[str, str]:
        """
        Return all figures as text; rates count from the report before.

        Returns
        -------
        dict[str, str]
            fps_in, fps_out, dropped, errors, people, last_image_age_s, postures if known, and for
            each stage `<stage>_ms_p50`, `_p95` and `_p99`, or 'unknown'.

        """
        now = self._clock()
        with self._lock:
            counts = Counter(self._counts)
            stages = {stage: np.array(times) for stage, times in self._seconds.items()}
        elapsed = max(now - self._since, 1e-3)
        new = counts - self._before
        self._before, self._since = counts, now
        figures = {
            'fps_in': f'{new["received"] / elapsed:.1f}',
            'fps_out': f'{new["published"] / elapsed:.1f}',
            'dropped': str(counts['dropped']),
            'errors': str(counts['error']),
            'people': str(self.people),
            'last_image_age_s': f'{self.image_age():.2f}',
        }
        if self.postures:
            figures['postures'] = self.postures
        for stage, times in stages.items():
            if not len(times):
                figures.update({f'{stage}_ms_p{share}': 'unknown' for share in _PERCENTILES})
                continue
            for percentile, value in zip(
                _PERCENTILES, np.percentile(times, _PERCENTILES), strict=True
            ):
                figures[f'{stage}_ms_p{percentile}'] = f'{value * 1e3:.2f}'
        return figures
