"""SIGINT and SIGTERM end a run between two steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os
import signal
from types import FrameType
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class InterruptedRun(KeyboardInterrupt):
    """
    The run was ended by a signal.

    Parameters
    ----------
    number : int
        The signal.
    is_whole : bool
        Whether the last step was taken whole.

    Attributes
    ----------
    step : int
        The step that was saved; 0 if none was.

    """

    def __init__(self, number: int, is_whole: bool = True) -> None:
        super().__init__(f'interrupted by {signal.Signals(number).name}')
        self.number = number
        self.is_whole = is_whole
        self.step = 0


class Signals:
    """
    Raises InterruptedRun at SIGINT and SIGTERM, after the step if one is being taken.

    The same signal again raises at once. Until it is entered, signals do what they did. Ignored
    signals stay ignored, because a shell without job control starts background jobs that way.

    """

    def __init__(self) -> None:
        self._is_stepping = False
        self._number = 0
        self._process = os.getpid()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        heeded = [n for n in _NUMBERS if signal.getsignal(n) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._receive) for number in heeded}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Delay signals until the block has ended."""
        self._is_stepping = True
        try:
            yield
        finally:
            self._is_stepping = False
        if self._number:
            raise InterruptedRun(self._number)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        # A forked reader process may receive the signal before it ignores it.
        if os.getpid() != self._process:
            return
        if self._is_stepping and number != self._number:
            self._number = number
            return
        # Python drops exceptions during garbage collection; then the next step ends the run.
        self._number = number
        raise InterruptedRun(number, is_whole=not self._is_stepping)
