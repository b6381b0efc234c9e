"""A buffer of recent messages from which the one nearest to a time stamp is taken."""

from __future__ import annotations

from collections import deque
import math
import threading
import time
from typing import Generic, TypeVar

T = TypeVar('T')

# Time without messages, s, after which later ones are not waited for any more.
_ALIVE_S = 1.0


class TimestampBuffer(Generic[T]):
    """
    The last few messages of one topic; thread-safe.

    Parameters
    ----------
    kept : int
        How many.

    Attributes
    ----------
    unused : int
        How many came since one last matched an image.

    """

    def __init__(self, kept: int = 4) -> None:
        self._items: deque[tuple[float, T]] = deque(maxlen=kept)
        self._changed = threading.Condition()
        self._last = -_ALIVE_S
        self.unused = 0

    @property
    def is_alive(self) -> bool:
        """Whether messages arrived recently."""
        return time.monotonic() - self._last < _ALIVE_S

    @property
    def ever_came(self) -> bool:
        """Whether there was any message."""
        return self._last >= 0

    def put(self, stamp: float, item: T) -> None:
        """Store a message that is of time `stamp`, s."""
        with self._changed:
            self._last = time.monotonic()
            self._items.append((stamp, item))
            self.unused += 1
            self._changed.notify_all()

    def clear(self) -> None:
        """Drop all messages."""
        with self._changed:
            self._items.clear()
            self._last = -_ALIVE_S
            self.unused = 0

    def distance(self, stamp: float) -> float:
        """Return the stamp of the nearest message less a given time, s; NaN if there is none."""
        with self._changed:
            steps = [item[0] - stamp for item in self._items]
        return min(steps, key=abs, default=math.nan)

    def nearest(self, stamp: float, tolerance: float, until: float = 0.0) -> T | None:
        """
        Return the message nearest to a time.

        Parameters
        ----------
        stamp : float
            Time of the image, s.
        tolerance : float
            How far from it the message's time may be, s.
        until : float
            `time.monotonic()` until which a message that has not arrived yet is waited for.

        Returns
        -------
        T or None
            None if there is no such message.

        """
        with self._changed:
            while True:
                best = min(self._items, key=lambda item: abs(item[0] - stamp), default=None)
                if best is not None and abs(best[0] - stamp) <= tolerance:
                    self.unused = 0
                    return best[1]
                # Later messages have newer stamps: once the newest is newer than the image,
                # waiting does not help.
                newest = self._items[-1][0] if self._items else stamp
                left = until - time.monotonic()
                if not self.is_alive or newest > stamp or left <= 0:
                    return None
                self._changed.wait(left)
