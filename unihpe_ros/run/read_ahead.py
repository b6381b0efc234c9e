"""Reads frames in a thread, so that decoding and estimating go on at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
import threading
from types import TracebackType

from unihpe_ros.run.inputs.source import InputFrame

_AHEAD = 4
# Period of the check for a stop while no frame arrives, s.
_LOOK_S = 0.1
# Longest wait at the end for a frame that is being read, s.
_LAST_READ_S = 2.0


class ReadAhead:
    """
    Iterator over frames that a thread reads ahead; a context manager, which ends the reading.

    Parameters
    ----------
    frames : Iterator[InputFrame]
        What to read.
    latest : bool
        Whether a newer frame replaces an unread one, as for cameras; otherwise the reader waits.
    stop : threading.Event
        Ends the iteration when it is set.

    Attributes
    ----------
    dropped : int
        Number of frames that were replaced.

    """

    def __init__(self, frames: Iterator[InputFrame], latest: bool, stop: threading.Event) -> None:
        self.dropped = 0
        self._frames, self._latest, self._stop = frames, latest, stop
        self._changed = threading.Condition()
        self._waiting: deque[InputFrame] = deque()
        self._ended = False
        self._error: Exception | None = None
        # A daemon thread: a hanging read, as of an unplugged camera, must not block the exit.
        self._thread = threading.Thread(target=self._read, name='reader', daemon=True)

    def __enter__(self) -> ReadAhead:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        # A thread that still decodes in C++ while the interpreter ends would abort the process.
        self._thread.join(_LAST_READ_S)

    def __iter__(self) -> Iterator[InputFrame]:
        """Yield frames until the source ends; its error is raised after its last frame."""
        while not self._stop.is_set():
            with self._changed:
                if not self._waiting and not self._ended:
                    self._changed.wait(_LOOK_S)
                frame = self._waiting.popleft() if self._waiting else None
                over = self._ended and frame is None
                self._changed.notify_all()
            if frame is not None:
                yield frame
            elif over:
                if self._error is not None:
                    raise self._error
                return

    def _read(self) -> None:
        try:
            for frame in self._frames:
                if not self._hand_over(frame):
                    return
        except Exception as error:  # noqa: BLE001 Raised again where the frames are used.
            self._error = error
        finally:
            self._end()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _hand_over(self, frame: InputFrame) -> bool:
        with self._changed:
            if self._latest:
                self.dropped += len(self._waiting)
                self._waiting.clear()
            while len(self._waiting) >= _AHEAD and not self._ended:
                self._changed.wait()
            self._waiting.append(frame)
            self._changed.notify_all()
            return not self._ended
