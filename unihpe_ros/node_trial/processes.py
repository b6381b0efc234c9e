"""Child processes in their own process groups, which end when this process ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import IO

_LOG_LINES = 20
_PATIENCE_S = 5.0
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>.


class ProcessError(RuntimeError):
    """
    A child process failed.

    Parameters
    ----------
    message : str
        What happened.
    log : Sequence[str]
        The last lines that it logged.

    """

    def __init__(self, message: str, log: Sequence[str]) -> None:
        super().__init__(message)
        self.log = tuple(log)


class Process:
    """
    Python program in its own process group, so that Ctrl-C does not reach it.

    A context manager: at the end the group is interrupted, and killed if it does not end.

    Parameters
    ----------
    name : str
        Its name in messages.
    main : str
        ``module:function`` that returns the exit status, as an entry point.
    arguments : Sequence[str]
        Command line of the program.
    environment : Mapping[str, str]
        Variables in addition to ours.
    on_line : Callable[[str], None], optional
        Called, in another thread, with each line that it prints; without it they are logged.

    """

    def __init__(
        self,
        name: str,
        main: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        module, _, function = main.partition(':')
        # It gets our module path rather than the current folder.
        program = (
            f'import sys; sys.path[:] = {sys.path!r}; '
            f'from {__name__} import end_with_parent; end_with_parent({os.getpid()}); '
            f'from {module} import {function}; sys.exit({function}())'
        )
        self._process = subprocess.Popen(
            [sys.executable, '-c', program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, 'PYTHONUNBUFFERED': '1', **environment},
            text=True,
            errors='replace',
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=_read, args=sink, daemon=True)
            for sink in (
                (self._process.stdout, on_line or self._log.append),
                (self._process.stderr, self._log.append),
            )
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines that it logged."""
        return tuple(self._log)

    def has_ended(self) -> bool:
        """
        Whether the process has ended.

        Raises
        ------
        ProcessError
            If it ended with another status than 0.

        """
        status = self._process.poll()
        if status is None:
            return False
        for reader in self._readers:
            reader.join(_PATIENCE_S)
        if status:
            last = self._log[-1] if self._log else 'it logged nothing'
            how = f'status {status}' if status > 0 else signal.Signals(-status).name
            raise ProcessError(f'the {self.name} ended with {how}: {last}', self._log)
        return True

    def stop(self) -> None:
        """Interrupt the process, wait, and kill the rest of its group."""
        if self._process.poll() is None:
            self._signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE_S)
        self._signal(signal.SIGKILL)
        self._process.wait()
        for reader in self._readers:
            reader.join(_PATIENCE_S)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _read(stream: IO[str], sink: Callable[[str], None]) -> None:
    with stream:
        for line in stream:
            sink(line.rstrip('\n'))


def end_with_parent(parent: int) -> None:
    """
    Let the system terminate this process when its parent dies in any way (Linux).

    Parameters
    ----------
    parent : int
        Process id of the parent.

    """
    if sys.platform != 'linux':
        return
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit('the process that started this one is gone')
