"""Thread in which the detector runs, so that no image waits for it."""

from __future__ import annotations

from collections.abc import Callable
import os
import sys
import threading

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating]
# Niceness of this thread above that of the others: at 10 it gets a tenth of the time of a core
# that both want, so that a frame loses no more than that.
_NICER, _NICEST = 10, 19
# How long `close` waits for the image that is in work, s: many times what one takes.
_PATIENCE_S = 5.0


class Search:
    """One image for the detector, and its detections when it is done."""

    def __init__(self, run: Callable[[], Boxes]) -> None:
        self._run: Callable[[], Boxes] | None = run
        self._answer: Boxes | Exception | None = None

    @property
    def is_in_work(self) -> bool:
        """Whether the detector is running on the image."""
        return self._run is None and self._answer is None

    @property
    def is_done(self) -> bool:
        """Whether the detector has ended, with boxes or an error."""
        return self._answer is not None

    @property
    def boxes(self) -> Boxes | None:
        """The boxes ``(D, 4)`` that were found, px; None before the end, or if it failed."""
        return None if isinstance(self._answer, Exception) else self._answer

    def answer(self) -> Boxes:
        """
        Return the boxes ``(D, 4)`` that were found, px, once `is_done`.

        Raises
        ------
        EngineError
            What the detector raised.

        """
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer if self._answer is not None else np.zeros((0, 4))

    def work(self) -> None:
        """Run the detector on the image in the calling thread, then release the image."""
        run, self._run = self._run, None
        if run is None:
            return
        try:
            self._answer = run()
        except Exception as error:  # noqa: BLE001 - raised again where it is asked for.
            self._answer = error


class DetectorThread:
    """
    Thread of low priority that runs the detector on the newest image of each camera.

    One search runs at a time, so that a detector need not be thread-safe. A newer image of a
    camera replaces one that still waits and keeps its turn: a slow detector then serves every
    camera, and never works on an old image.

    Attributes
    ----------
    at_work : Lock
        Held while the detector runs: hold it to use the detector otherwise.

    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, Search] = {}
        self._closed = False
        self.at_work = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name='detector', daemon=True)
        self._thread.start()

    def submit(self, run: Callable[[], Boxes], camera: str) -> Search:
        """Queue the newest image of a camera; it replaces one that is still waiting."""
        search = Search(run)
        with self._changed:
            self._waiting[camera] = search
            self._changed.notify()
        return search

    def now(self, run: Callable[[], Boxes], camera: str) -> Search:
        """Run the detector in the caller's thread; if it is busy, submit the image instead."""
        if not self.at_work.acquire(blocking=False):
            return self.submit(run, camera)
        try:
            search = Search(run)
            search.work()
        finally:
            self.at_work.release()
        return search

    def close(self) -> bool:
        """End the thread; return whether it has ended, so that nobody uses the detector."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(_PATIENCE_S)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        _give_way()
        while search := self._next():
            with self.at_work:
                search.work()

    def _next(self) -> Search | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            return self._waiting.pop(next(iter(self._waiting)))


def _give_way() -> None:
    """Lower the priority of the calling thread; Linux only, where threads have their own."""
    if sys.platform != 'linux':
        return
    thread = threading.get_native_id()
    niceness = os.getpriority(os.PRIO_PROCESS, thread)
    os.setpriority(os.PRIO_PROCESS, thread, min(niceness + _NICER, _NICEST))
