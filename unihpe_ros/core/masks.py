"""Run-length encoding of masks, as uncompressed RLE of COCO."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def encode_runs(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """
    Turn a mask into run lengths.

    Parameters
    ----------
    mask : NDArray[np.bool_]
        ``(H, W)`` True on the object.

    Returns
    -------
    NDArray[np.uint32]
        Lengths of runs down the columns, left to right, of False and True in turn; the first is
        of False and may be 0. They are `counts` of COCO's uncompressed RLE.

    """
    flat = mask.ravel(order='F')
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0], changes, [flat.size]])
    runs = np.diff(ends)
    if flat.size and flat[0]:
        runs = np.concatenate([[0], runs])
    return runs.astype(np.uint32)


def decode_runs(runs: NDArray[np.integer], size: tuple[int, int]) -> NDArray[np.bool_]:
    """
    Turn run lengths back into a mask.

    Parameters
    ----------
    runs : NDArray
        What `encode_runs` gave.
    size : tuple[int, int]
        (w, h) of the mask, px.

    Returns
    -------
    NDArray[np.bool_]
        ``(H, W)``.

    Raises
    ------
    ValueError
        If the runs do not add up to the size.

    """
    width, height = size
    if int(runs.sum()) != width * height:
        raise ValueError(f'run lengths: expected {width * height} px in all, got {runs.sum()}')
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T
