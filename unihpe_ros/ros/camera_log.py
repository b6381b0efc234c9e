"""A logger for one camera that adds its name and limits how often a message repeats."""

from __future__ import annotations

import math
import re
import threading
import time

from rclpy.impl.rcutils_logger import RcutilsLogger

# Messages that differ only in numbers count as the same.
_FIGURES = re.compile(r'[-+]?\d[\d.eE+-]*')
# Largest number of different messages of one kind in that time, because broken input can produce
# ever new ones.
_VARIETY = 8


class CameraLog:
    """
    A logger that adds the camera's name and limits repetitions; two threads may use it.

    rclpy's own throttle works by line of code: errors of one camera would suppress those of
    another, and one kind of error all others that the same line logs.

    Parameters
    ----------
    logger : RcutilsLogger
        The node's.
    camera : str
        Name of the camera; empty for the only one.

    """

    def __init__(self, logger: RcutilsLogger, camera: str = '') -> None:
        self._logger = logger
        self._prefix = f'{camera}: ' if camera else ''
        self._lock = threading.Lock()
        self._said: dict[str, dict[str, float]] = {}

    def error(self, text: str, every: float, details: str = '') -> None:
        """Log an error, unless the same was logged less than `every` s ago."""
        if self._is_news(text, every):
            self._logger.error(self._prefix + text + details)

    def warning(self, text: str, every: float = math.inf, details: str = '') -> None:
        """Log a warning, unless the same was logged less than `every` s ago."""
        if self._is_news(text, every):
            self._logger.warning(self._prefix + text + details)

    def info(self, text: str, every: float) -> None:
        """Log news, unless the same was logged less than `every` s ago."""
        if self._is_news(text, every):
            self._logger.info(self._prefix + text)

    def _is_news(self, text: str, every: float) -> bool:
        text, now = _FIGURES.sub('#', text), time.monotonic()
        # The kind is the text before the colon.
        kind = text.partition(':')[0]
        with self._lock:
            said = self._said.setdefault(kind, {})
            for old in [old for old, when in said.items() if now - when >= every]:
                del said[old]
            if text in said or len(said) >= _VARIETY:
                return False
            said[text] = now
        return True
