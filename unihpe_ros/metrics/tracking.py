"""Tracking metrics: CLEAR MOT (Bernardin 2008) and IDF1 (Ristani 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from unihpe_ros.core.geometry import Array
from unihpe_ros.metrics.matching import check_pairs


@dataclass(frozen=True)
class TrackingCounts:
    """
    Counts from which MOTA and IDF1 are computed; those of several sequences may be added.

    Parameters
    ----------
    truths, predictions : int
        True and predicted people, summed over the images.
    hits : int
        True people who were found.
    switches : int
        How often a true person was found under another id than the last time.
    identity_hits : int
        The most hits that one predicted id for each true person can explain.

    """

    truths: int = 0
    predictions: int = 0
    hits: int = 0
    switches: int = 0
    identity_hits: int = 0

    def __add__(self, other: TrackingCounts) -> TrackingCounts:
        names = (field.name for field in fields(self))
        return TrackingCounts(*(getattr(self, name) + getattr(other, name) for name in names))

    @property
    def misses(self) -> int:
        """False negatives: true people who were not found."""
        return self.truths - self.hits

    @property
    def extra(self) -> int:
        """False positives: predictions without a true person."""
        return self.predictions - self.hits

    @property
    def mota(self) -> float:
        """1 - (misses + extra + switches) / truths; at most 1, NaN without true people."""
        if not self.truths:
            return float('nan')
        return 1 - (self.misses + self.extra + self.switches) / self.truths

    @property
    def idf1(self) -> float:
        """Harmonic mean of the identities' precision and recall; NaN without people."""
        total = self.truths + self.predictions
        return 2 * self.identity_hits / total if total else float('nan')


class TrackingMeter:
    """
    Pairs true with predicted people through a sequence and counts.

    Parameters
    ----------
    max_distance : float
        Distance from which a true and a predicted person are two people.

    """

    def __init__(self, max_distance: float) -> None:
        self._limit = max_distance
        # Last id under which each true person was found, and that in the image before.
        self._last: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._together: dict[tuple[int, int], int] = {}
        self._counts = TrackingCounts()

    def add(
        self, true_ids: Sequence[int], predicted_ids: Sequence[int], distances: Array
    ) -> list[tuple[int, int]]:
        """
        Count the people of the next image.

        Parameters
        ----------
        true_ids : Sequence[int]
            M ids.
        predicted_ids : Sequence[int]
            N ids.
        distances : NDArray
            ``(M, N)`` any unit, that of `max_distance`; NaN where unknown.

        Returns
        -------
        list[tuple[int, int]]
            Pairs of indices (true, predicted): pairs of the image before that are still near
            enough are kept, and the others have the least total distance.

        Raises
        ------
        ValueError
            If the shapes do not fit.

        """
        check_pairs('distances', distances, true_ids, predicted_ids)
        near = np.nan_to_num(distances, nan=np.inf) < self._limit
        pairs = self._pair(list(true_ids), list(predicted_ids), distances, near)
        switches = 0
        for m, n in pairs:
            true_id, found_id = int(true_ids[m]), int(predicted_ids[n])
            switches += self._last.get(true_id, found_id) != found_id
            self._last[true_id] = found_id
        self._before = {int(true_ids[m]): int(predicted_ids[n]) for m, n in pairs}
        # Identities are matched over the whole sequence, by all near pairs and not only the chosen
        # ones.
        for m, n in zip(*np.nonzero(near), strict=True):
            key = int(true_ids[m]), int(predicted_ids[n])
            self._together[key] = self._together.get(key, 0) + 1
        self._counts += TrackingCounts(len(true_ids), len(predicted_ids), len(pairs), switches)
        return pairs

    def _pair(
        self, true_ids: list[int], found_ids: list[int], distances: Array, near: NDArray[np.bool_]
    ) -> list[tuple[int, int]]:
        kept = [
            (m, found_ids.index(self._before[i]))
            for m, i in enumerate(true_ids)
            if self._before.get(i) in found_ids and near[m, found_ids.index(self._before[i])]
        ]
        free = np.array(near)
        free[[m for m, _ in kept]] = False
        free[:, [n for _, n in kept]] = False
        # An impossible pair costs more than all others together, so that the number of pairs is
        # the largest.
        forbidden = self._limit * (1 + min(free.shape, default=0))
        rows, columns = linear_sum_assignment(np.where(free, distances, forbidden))
        new = zip(rows.tolist(), columns.tolist(), strict=True)
        return sorted(kept + [(m, n) for m, n in new if free[m, n]])

    def result(self) -> TrackingCounts:
        """Return the counts so far."""
        trues = sorted({true_id for true_id, _ in self._together})
        founds = sorted({found_id for _, found_id in self._together})
        frames = np.zeros((len(trues), len(founds)))
        for (true_id, found_id), count in self._together.items():
            frames[trues.index(true_id), founds.index(found_id)] = count
        rows, columns = linear_sum_assignment(frames, maximize=True)
        return self._counts + TrackingCounts(identity_hits=int(frames[rows, columns].sum()))
