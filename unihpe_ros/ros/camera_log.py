"""A logger for one camera that adds its name and limits how often a message repeats."""

from __future__ import annotations

import math
import threading
import time

from rclpy.impl.rcutils_logger import RcutilsLogger


class CameraLog:
    """
    A logger that names its camera and repeats itself seldom; two threads may use it.

    rclpy's own throttle counts by line of code: the errors of one camera would keep those of
    another quiet, and one kind of error all others that are logged by the same line.

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
        self._said: dict[str, float] = {}

    def error(self, text: str, every: float, details: str = '') -> None:
        """Log an error, unless one of its kind was logged less than `every` s ago."""
        if self._is_news(text, every):
            self._logger.error(self._prefix + text + details)

    def warning(self, text: str, every: float = math.inf) -> None:
        """Log a warning, unless one of its kind was logged less than `every` s ago."""
        if self._is_news(text, every):
            self._logger.warning(self._prefix + text)

    def info(self, text: str, every: float) -> None:
        """Log news, unless some of their kind were logged less than `every` s ago."""
        if self._is_news(text, every):
            self._logger.info(self._prefix + text)

    def _is_news(self, text: str, every: float) -> bool:
        # What comes before the colon is fixed words; figures and reasons follow it.
        kind, now = text.partition(':')[0], time.monotonic()
        with self._lock:
            if now - self._said.get(kind, -math.inf) < every:
                return False
            self._said[kind] = now
        return True
