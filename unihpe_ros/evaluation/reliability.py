"""Reliability of keypoint scores: how often keypoints of a score are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.evaluation.tables import Table

_BINS = 10


@dataclass(frozen=True)
class Reliability:
    """
    Scores and shares of right keypoints in ten equal bins of the score.

    Parameters
    ----------
    scores : NDArray
        ``(10,)`` mean score of each bin; NaN of empty ones.
    right : NDArray
        ``(10,)`` share of its keypoints that are right, likewise.
    counts : NDArray[np.int64]
        ``(10,)`` keypoints.

    """

    scores: Array
    right: Array
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, scores: Array, right: NDArray[np.bool_]) -> Reliability:
        """Return the reliability of N keypoints with scores in [0, 1]."""
        bins = np.clip((scores * _BINS).astype(int), 0, _BINS - 1)
        counts = np.bincount(bins, minlength=_BINS)
        sums = (np.bincount(bins, weights, _BINS) for weights in (scores, right.astype(float)))
        shares = [
            np.divide(values, counts, out=np.full(_BINS, np.nan), where=counts > 0)
            for values in sums
        ]
        return cls(shares[0], shares[1], counts)

    @property
    def error(self) -> float:
        """The expected calibration error: mean distance of score and share (Guo et al., 2017)."""
        if not self.counts.sum():
            return float('nan')
        apart = np.nan_to_num(np.abs(self.scores - self.right))
        return float(np.average(apart, weights=self.counts))

    def table(self) -> Table:
        """Return the bins that hold keypoints, in %."""
        rows = {
            f'{i / _BINS:.1f} to {(i + 1) / _BINS:.1f} ({count})': [100 * score, 100 * right]
            for i, (score, right, count) in enumerate(
                zip(self.scores, self.right, self.counts, strict=True)
            )
            if count
        }
        columns = ['mean score [%]', 'right within 0.2 torso [%]']
        return Table('Keypoints by their score', columns, rows)
