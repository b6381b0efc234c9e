"""Log the progress while an inference engine is built."""

from __future__ import annotations

from rclpy.logging import get_logger

_STEP = 0.1


class BuildLog:
    """
    A progress callback that writes a line at the start and every tenth of the way.

    Parameters
    ----------
    name : str
        Whose log.

    """

    def __init__(self, name: str = 'pose_estimator') -> None:
        self._logger = get_logger(name)
        self._next = 0.0

    def __call__(self, phase: str, share: float) -> None:
        """Take note; called from the builder's threads too."""
        if share < self._next - 2 * _STEP:
            self._next = 0.0  # The next engine.
        if share >= self._next:
            self._logger.info(f'building an engine for this GPU: {share:.0%} ({phase})')
            self._next = share + _STEP
