"""Detect cameras that write one and the same time stamp into every image."""

from __future__ import annotations

# Images with one stamp in a row, after which it is no double sending.
_MOST_REPEATS = 5


class RepeatedStamps:
    """Counter of successive images with the same stamp."""

    def __init__(self) -> None:
        self._last = 0.0
        self._repeats = 0

    def note(self, stamp: float) -> bool:
        """
        Add the stamp of an image.

        Parameters
        ----------
        stamp : float
            In any unit; 0 for none.

        Returns
        -------
        bool
            Whether the stamp is useless, because it does not change from image to image.

        """
        self._repeats = self._repeats + 1 if stamp and stamp == self._last else 0
        self._last = stamp
        return self._repeats >= _MOST_REPEATS
