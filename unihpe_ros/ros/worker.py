"""
The newest image wins: a one-slot mailbox and the thread that empties it.

Inference inside the subscription's callback makes services wait for it (104 ms against 1 ms), and
a queue of images makes every answer late by its length.

"""

from __future__ import annotations

from collections.abc import Callable
import threading
from typing import Generic, TypeVar

T = TypeVar('T')


class Mailbox(Generic[T]):
    """Holds the newest item until it is taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False

    def put(self, item: T) -> bool:
        """Store an item; return whether one that nobody took was thrown away for it."""
        with self._changed:
            replaced = self._item is not None
            self._item = item
            self._changed.notify()
        return replaced

    def take(self) -> T | None:
        """Wait for an item and remove it; None once the mailbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._item is not None)
            item, self._item = self._item, None
            return None if self._closed else item

    def close(self) -> None:
        """Let `take` return None from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Worker(Generic[T]):
    """
    Thread that handles the newest item, one after the other.

    Parameters
    ----------
    handle : Callable[[T], None]
        Called in the thread with each item.
    on_error : Callable[[Exception], None]
        Called in the thread with what `handle` raised; the next item is handled all the same.

    """

    def __init__(self, handle: Callable[[T], None], on_error: Callable[[Exception], None]) -> None:
        self._handle = handle
        self._on_error = on_error
        self._mailbox: Mailbox[T] = Mailbox()
        self._thread = threading.Thread(target=self._run, name='pose_worker', daemon=True)
        self._thread.start()

    def submit(self, item: T) -> bool:
        """Hand over the newest item; return whether an older one was dropped for it."""
        return self._mailbox.put(item)

    def stop(self) -> None:
        """Finish the item in work, drop the one that waits, and end the thread."""
        self._mailbox.close()
        self._thread.join()

    def _run(self) -> None:
        while (item := self._mailbox.take()) is not None:
            try:
                self._handle(item)
            except Exception as error:  # noqa: BLE001 - one bad image must not end the node.
                self._on_error(error)
