"""HOTA: tracking as the geometric mean of detection and association (Luiten et al., 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from unihpe_ros.core.geometry import Array
from unihpe_ros.metrics.matching import check_pairs

# Similarity thresholds of a pair, over which the figures are averaged.
THRESHOLDS = np.arange(0.05, 0.99, 0.05)
_TINY = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Hota:
    """
    Figures in [0, 1], means over THRESHOLDS.

    Parameters
    ----------
    hota : float
        Mean of the geometric means of the other two.
    detection : float
        DetA: pairs over pairs, misses and false positives.
    association : float
        AssA: how far the ids of a pair belong together, mean over the pairs.

    """

    hota: float
    detection: float
    association: float


class HotaMeter:
    """HOTA of one sequence; pairs depend on all its images."""

    def __init__(self) -> None:
        self._frames: list[tuple[list[int], list[int], NDArray[np.float64]]] = []

    def add(
        self, true_ids: Sequence[int], predicted_ids: Sequence[int], similarity: Array
    ) -> None:
        """
        Add the people of the next image.

        Parameters
        ----------
        true_ids : Sequence[int]
            M ids.
        predicted_ids : Sequence[int]
            N ids.
        similarity : NDArray
            ``(M, N)`` in [0, 1], such as the overlap of boxes; NaN where unknown.

        Raises
        ------
        ValueError
            If the shapes do not fit.

        """
        check_pairs('similarity', similarity, true_ids, predicted_ids)
        known = np.nan_to_num(similarity.astype(np.float64))
        self._frames.append(([*map(int, true_ids)], [*map(int, predicted_ids)], known))

    def result(self) -> Hota:
        """Return the figures; NaN if there are neither true nor found people."""
        trues = sorted({one for ids, _, _ in self._frames for one in ids})
        founds = sorted({one for _, ids, _ in self._frames for one in ids})
        rows = [np.searchsorted(trues, ids).astype(np.intp) for ids, _, _ in self._frames]
        columns = [np.searchsorted(founds, ids).astype(np.intp) for _, ids, _ in self._frames]
        true_count = np.bincount(np.concatenate([*rows, []]).astype(int), minlength=len(trues))
        found_count = np.bincount(
            np.concatenate([*columns, []]).astype(int), minlength=len(founds)
        )
        total = true_count[:, None] + found_count[None]
        alignment = self._alignment(rows, columns, total)
        together = np.zeros((len(THRESHOLDS), len(trues), len(founds)))
        for (_, _, similarity), row, column in zip(self._frames, rows, columns, strict=True):
            places = np.ix_(row, column)
            m, n = linear_sum_assignment(alignment[places] * similarity, maximize=True)
            near = similarity[m, n][None] >= THRESHOLDS[:, None] - _TINY
            for index, chosen in enumerate(near):
                together[index, row[m[chosen]], column[n[chosen]]] += 1
        pairs = together.sum((1, 2))
        people = true_count.sum() + found_count.sum()
        if not people:
            return Hota(float('nan'), float('nan'), float('nan'))
        detection = pairs / np.maximum(people - pairs, 1)
        shares = together / np.maximum(total - together, 1)
        association = (together * shares).sum((1, 2)) / np.maximum(pairs, 1)
        return Hota(
            float(np.sqrt(detection * association).mean()),
            float(detection.mean()),
            float(association.mean()),
        )

    def _alignment(
        self,
        rows: Sequence[NDArray[np.intp]],
        columns: Sequence[NDArray[np.intp]],
        total: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """``(trues, founds)`` How far two ids belong together over the whole sequence."""
        shared = np.zeros(total.shape)
        for (_, _, similarity), row, column in zip(self._frames, rows, columns, strict=True):
            either = similarity.sum(0)[None] + similarity.sum(1)[:, None] - similarity
            shared[np.ix_(row, column)] += np.where(
                either > _TINY, similarity / np.maximum(either, _TINY), 0
            )
        return np.asarray(shared / np.maximum(total - shared, _TINY))
