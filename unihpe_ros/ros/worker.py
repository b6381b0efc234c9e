"""
The worker thread, and a mailbox that keeps only the newest image of each camera.

Inference inside the subscription's callback makes services wait for it (104 ms against 1 ms), and
a queue of images makes every answer late by its length.

"""

from __future__ import annotations

from collections.abc import Callable, Sequence
import threading
from typing import Generic, TypeVar

T = TypeVar('T')


class Mailbox(Generic[T]):
    """Holds the newest item of each sender until they are taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: dict[str, T] = {}
        self._closed = False

    def put(self, item: T, sender: str = '') -> bool:
        """Store an item; return whether it replaced an older one of this sender."""
        with self._changed:
            replaced = sender in self._items
            self._items[sender] = item
            self._changed.notify()
        return replaced

    def take(self) -> list[T]:
        """Wait until there are items and remove them all; none once the mailbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._items)
            items, self._items = list(self._items.values()), {}
            return [] if self._closed else items

    def close(self) -> None:
        """Let `take` return nothing from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Worker(Generic[T]):
    """
    Thread that handles the newest items, those of all senders at once.

    Parameters
    ----------
    handle : Callable[[Sequence[T]], None]
        Called in the thread with the newest item of each sender that has one.
    on_error : Callable[[Exception], None]
        Called in the thread with an error of `handle`; the next items are handled all the same.

    """

    def __init__(
        self, handle: Callable[[Sequence[T]], None], on_error: Callable[[Exception], None]
    ) -> None:
        self._handle = handle
        self._on_error = on_error
        self._mailbox: Mailbox[T] = Mailbox()
        self._thread = threading.Thread(target=self._run, name='pose_worker', daemon=True)
        self._thread.start()

    def submit(self, item: T, sender: str = '') -> bool:
        """Pass the newest item of a sender; return whether an older one was dropped for it."""
        return self._mailbox.put(item, sender)

    def stop(self, patience: float | None = None) -> bool:
        """
        Finish the items in work, drop those that wait, and end the thread.

        Parameters
        ----------
        patience : float, optional
            How long to wait for the items in work, s; without, as long as they take.

        Returns
        -------
        bool
            Whether the thread has ended.

        """
        self._mailbox.close()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while items := self._mailbox.take():
            try:
                self._handle(items)
            except Exception as error:  # noqa: BLE001 - one bad image must not end the node.
                self._on_error(error)
