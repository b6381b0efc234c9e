"""Matching of predicted with true people."""

from __future__ import annotations

from collections.abc import Sized

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from unihpe_ros.core.geometry import Array

# Mean keypoint distance, as a share of the diagonal of the true person's extent, from which a pair
# is impossible. Half of it still separates people who stand shoulder to shoulder.
MAX_OFFSET = 0.25
# Least number of visible keypoints of a true person who has to be found.
MIN_IN_SIGHT = 8


def match_people(
    predicted: Array, truth: Array, max_offset: float = MAX_OFFSET
) -> list[tuple[int, int]]:
    """
    Return one-to-one pairs of people with the least total keypoint distance in the image.

    Parameters
    ----------
    predicted : NDArray
        ``(N, K, 2)`` px; NaN where unknown.
    truth : NDArray
        ``(M, K, 2)`` px; NaN where unknown.
    max_offset : float
        Mean distance from which a pair is none, as a share of the true person's diagonal.

    Returns
    -------
    list[tuple[int, int]]
        Pairs of indices (predicted, truth), in the order of `predicted`.

    """
    if not len(predicted) or not len(truth):
        return []
    # Impossible pairs all cost the same, so that they do not influence the choice of the others.
    costs = np.minimum(np.nan_to_num(offsets(predicted, truth), nan=np.inf), max_offset)
    rows, columns = linear_sum_assignment(costs)
    good = costs[rows, columns] < max_offset
    return [(int(n), int(m)) for n, m in zip(rows[good], columns[good], strict=True)]


def offsets(predicted: Array, truth: Array) -> NDArray[np.float64]:
    """``(N, M)`` mean distance over the true person's diagonal; NaN without a common keypoint."""
    distances = np.linalg.norm(predicted[:, None].astype(np.float64) - truth, axis=-1)
    known = np.isfinite(distances)  # (N, M, K)
    sums = np.where(known, distances, 0).sum(-1)
    low = np.where(np.isfinite(truth), truth, np.inf).min(1)
    high = np.where(np.isfinite(truth), truth, -np.inf).max(1)
    diagonal = np.maximum(np.linalg.norm(high - low, axis=-1), 1.0)
    with np.errstate(invalid='ignore'):
        return np.asarray(sums / known.sum(-1) / diagonal)


def check_pairs(name: str, values: Array, true_ids: Sized, predicted_ids: Sized) -> None:
    """Raise ValueError if `values` are not ``(M, N)``, one for each true and predicted person."""
    expected = len(true_ids), len(predicted_ids)
    if values.shape != expected:
        raise ValueError(f'{name}: expected {expected}; got {values.shape}')
