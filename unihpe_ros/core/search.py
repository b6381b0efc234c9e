"""Where to look for people whom nobody has seen yet: a schedule of windows over the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.boxes import iou
from unihpe_ros.core.geometry import Array

# Heights of the windows as shares of the largest that fits into the image.
_SCALES = (1.0, 0.5)
# Neighbouring windows overlap by half: a person on the edge of one is in the middle of the next.
_STEP = 0.5
_OCCUPIED_IOU = 0.5


class Search:
    """
    A few windows a frame, so that in time every place and size is looked at.

    Parameters
    ----------
    aspect : float
        Width over height of the network's input.

    """

    def __init__(self, aspect: float) -> None:
        self._aspect = aspect
        self._size = (0, 0)
        self._windows = np.zeros((0, 4), np.float32)
        self._next = 0

    def windows(self, size: tuple[int, int], count: int, occupied: Array) -> NDArray[np.float32]:
        """
        Return the windows whose turn it is.

        Parameters
        ----------
        size : tuple[int, int]
            (w, h) of the image, px.
        count : int
            How many to return at most.
        occupied : NDArray
            ``(T, 4)`` boxes of the people who are known: a window that one of them fills would
            find the same person again and is passed over.

        Returns
        -------
        NDArray[np.float32]
            ``(S, 4)`` x0 y0 x1 y1, px.

        """
        if size != self._size:
            self._size, self._windows, self._next = size, _tiling(size, self._aspect), 0
        order = (self._next + np.arange(len(self._windows))) % len(self._windows)
        known = iou(self._windows[order], occupied).max(1, initial=0.0) > _OCCUPIED_IOU
        chosen = np.flatnonzero(~known)[: max(count, 0)]
        if len(chosen):
            self._next = int(order[chosen[-1]]) + 1
        return self._windows[order[chosen]]

    def reset(self) -> None:
        """Start over with the whole image."""
        self._next = 0


def _tiling(size: tuple[int, int], aspect: float) -> NDArray[np.float32]:
    """``(S, 4)`` windows: the whole image, then tiles from large to small."""
    w, h = size
    windows = [(0.0, 0.0, w - 1.0, h - 1.0)]
    largest = min(float(h), w / aspect)
    for scale in _SCALES:
        tile_w, tile_h = largest * scale * aspect, largest * scale
        windows += [
            (x, y, x + tile_w - 1, y + tile_h - 1)
            for y in _offsets(h, tile_h)
            for x in _offsets(w, tile_w)
        ]
    unique = np.unique(np.array(windows, np.float32), axis=0, return_index=True)[1]
    return np.array(windows, np.float32)[np.sort(unique)]


def _offsets(extent: float, tile: float) -> NDArray[np.float64]:
    """Evenly spread starts of tiles that cover an extent."""
    room = max(extent - tile, 0.0)
    return np.linspace(0.0, room, 1 + int(np.ceil(room / (_STEP * tile) - 1e-6)))
