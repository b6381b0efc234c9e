"""MOTA, IDF1 and HOTA are those that TrackEval (commit 12c8791) computed for the same people."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
import pytest
from unihpe_ros.metrics.hota import HotaMeter
from unihpe_ros.metrics.tracking import TrackingMeter

# Seed: HOTA, DetA, AssA, MOTA, IDF1 of its metrics at a similarity of 0.5, then id switches, false
# negatives, false positives. Only np.float, which NumPy lost, was replaced in it.
TRACKEVAL = {
    0: (0.37880794, 0.51736793, 0.27859047, 0.47232472, 0.49298597, 16, 85, 42),
    1: (0.37260228, 0.53726653, 0.25858736, 0.50915751, 0.53875969, 28, 68, 38),
    2: (0.43690452, 0.54136463, 0.35311302, 0.47876448, 0.59109312, 27, 66, 42),
    3: (0.34602205, 0.50780495, 0.23677654, 0.48148148, 0.44881890, 20, 76, 44),
}
Frame = tuple[list[int], list[int], NDArray[np.float64]]


def film(seed: int) -> Iterator[Frame]:
    """Yield true ids, found ids and similarities of people who are lost, made up and swapped."""
    rng = np.random.default_rng(seed)
    names = {person: 10 + person for person in range(5)}
    for number in range(60):
        there = [person for person in range(5) if rng.random() < 0.9]
        if rng.random() < 0.08:
            one, other = rng.choice(5, 2, replace=False)
            names[int(one)], names[int(other)] = names[int(other)], names[int(one)]
        if rng.random() < 0.05:
            names[int(rng.integers(5))] = 100 + number
        seen = [person for person in there if rng.random() < 0.85]
        found = [names[person] for person in seen] + ([900 + number] * (rng.random() < 0.2))
        similarity = rng.uniform(0, 0.55, (len(there), len(found)))
        for column, person in enumerate(seen):
            similarity[there.index(person), column] = rng.uniform(0.4, 1)
        yield there, found, similarity


@pytest.mark.parametrize('seed', TRACKEVAL)
def test_figures_are_those_of_trackeval(seed: int) -> None:
    hota, clear = HotaMeter(), TrackingMeter(0.5)
    for true_ids, found_ids, similarity in film(seed):
        hota.add(true_ids, found_ids, similarity)
        clear.add(true_ids, found_ids, 1 - similarity)
    figures, counts = hota.result(), clear.result()
    wanted = TRACKEVAL[seed]
    found = (figures.hota, figures.detection, figures.association, counts.mota, counts.idf1)
    assert found == pytest.approx(wanted[:5], abs=1e-7)
    assert (counts.switches, counts.misses, counts.extra) == wanted[5:]


def test_limits_of_hota() -> None:
    assert np.isnan(HotaMeter().result().hota)
    perfect, blind = HotaMeter(), HotaMeter()
    for _ in range(3):
        perfect.add([1, 2], [7, 8], np.eye(2))
        blind.add([1, 2], [], np.zeros((2, 0)))
    assert perfect.result().hota == pytest.approx(1)
    assert blind.result().hota == 0
    with pytest.raises(ValueError, match=r'similarity: expected \(1, 2\); got \(2, 1\)'):
        perfect.add([1], [1, 2], np.zeros((2, 1)))
