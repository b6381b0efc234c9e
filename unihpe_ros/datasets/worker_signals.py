"""Signal handling of worker processes that read pictures: only the parent ends them."""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread
from types import TracebackType


def obey_parent_alone() -> None:
    """
    Make this process ignore all signals but those of its parent, and end without messages.

    Ctrl-C reaches the whole process group, and service managers send SIGTERM to all processes. The
    parent finishes its step first, for which it needs the readers.

    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A blocked signal waits for the thread, which can read who sent it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    Thread(target=_await_parent, args=(os.getppid(),), daemon=True).start()
    sys.excepthook = _say


def _await_parent(parent: int) -> None:
    while signal.sigwaitinfo([signal.SIGTERM]).si_pid != parent:
        pass
    os._exit(0)


def _say(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    # multiprocessing tells of tensors that the parent no longer fetches by this hook.
    if not issubclass(kind, (ConnectionError, EOFError)):
        sys.__excepthook__(kind, error, traceback)
