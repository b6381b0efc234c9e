"""Dynamic time warping: distance of two sequences, one of which may be up to twice as fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def warped_distances(sequences: Float64, examples: Float64, weights: Float64) -> Float64:
    """
    Return the distances of sequences from examples, with the symmetric slope of Sakoe and Chiba.

    Each step of one sequence is compared with one or two of the other (their P = 1), so that a
    pose that is held cannot stand for a movement.

    Parameters
    ----------
    sequences : NDArray[np.float64]
        ``(N, T, F)`` features over time.
    examples : NDArray[np.float64]
        ``(M, T, F)``.
    weights : NDArray[np.float64]
        ``(M, F)`` of the squares of the features' differences, for each example.

    Returns
    -------
    NDArray[np.float64]
        ``(N, M)`` mean over the path of the root of the weighted squares.

    """
    count, steps = sequences.shape[:2]
    weighted = weights[:, None] * examples
    # (N, T, M, T) squares, without a fifth axis for the features.
    squares = (
        (sequences**2 @ weights.T)[..., None]
        - 2 * np.tensordot(sequences, weighted, (-1, -1))
        + (weighted * examples).sum(-1)
    )
    costs = np.sqrt(np.maximum(squares, 0)).transpose(1, 0, 2, 3)  # (T, N, M, T)
    # Two rows and columns before the first, from which no path comes.
    totals = np.full((steps + 2, count, len(examples), steps + 2), np.inf)
    totals[1, ..., 1] = 0
    padded = np.zeros((steps + 1, count, len(examples), steps + 1))
    padded[1:, ..., 1:] = costs
    for row in range(2, steps + 2):
        now, before = padded[row - 1], padded[row - 2]
        here, left = now[..., 1:], now[..., :-1]
        straight = totals[row - 1][..., 1:-1] + 2 * here
        slower = totals[row - 2][..., 1:-1] + 2 * before[..., 1:] + here
        faster = totals[row - 1][..., :-2] + 2 * left + here
        totals[row][..., 2:] = np.minimum(np.minimum(straight, slower), faster)
    return np.asarray(totals[-1][..., -1] / (2 * steps))
