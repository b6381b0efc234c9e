"""MOTA and IDF1 against cases counted by hand."""

from dataclasses import astuple

import numpy as np
import pytest
from unihpe_ros.metrics.tracking import TrackingCounts, TrackingMeter


def meter_of(frames: list[tuple[list[int], list[int]]], **places: float) -> TrackingMeter:
    """People stand at their tens: true 1 at 10; predicted 12 is 2 away from true 1."""
    meter = TrackingMeter(5.0)
    for true_ids, found in frames:
        at = np.array([10.0 * i for i in true_ids]).reshape(-1, 1)
        where = np.array([places.get(f'p{i}', float(i)) for i in found]).reshape(1, -1)
        meter.add(true_ids, found, np.abs(at - where))
    return meter


def test_all_found_is_one():
    counts = meter_of([([1, 2], [10, 20])] * 3).result()
    assert astuple(counts) == (6, 6, 6, 0, 6)
    assert (counts.mota, counts.idf1) == (1, 1)


def test_a_changed_id_costs_one_switch_and_half_the_identity():
    # True 1 is found as 10 in three images, then as 11 in three.
    counts = meter_of([([1], [10])] * 3 + [([1], [11])] * 3).result()
    assert astuple(counts) == (6, 6, 6, 1, 3)
    assert counts.mota == pytest.approx(1 - 1 / 6)
    assert counts.idf1 == pytest.approx(2 * 3 / 12)


def test_crossed_ids_keep_mota_but_not_idf1():
    # Two people swap ids half way: two switches in 8, and identities hold for 4 of 8.
    frames = [([1, 2], [7, 8])] * 2
    meter = TrackingMeter(5.0)
    near = np.array([[0.0, 10.0], [10.0, 0.0]])
    for ids, found in frames:
        meter.add(ids, found, near)
    for ids, found in frames:
        meter.add(ids, found, near[::-1])
    counts = meter.result()
    assert astuple(counts) == (8, 8, 8, 2, 4)
    assert counts.mota == pytest.approx(0.75)
    assert counts.idf1 == pytest.approx(0.5)


def test_misses_and_nobodies_are_counted():
    # 3 true in 2 images (1; 1 and 2), 4 predicted, of which 2 are right.
    counts = meter_of([([1], [10, 90]), ([1, 2], [11, 95])], p11=10.0).result()
    assert (counts.truths, counts.predictions, counts.hits) == (3, 4, 2)
    assert (counts.misses, counts.extra, counts.switches) == (1, 2, 1)
    assert counts.mota == pytest.approx(1 - 4 / 3)
    assert counts.idf1 == pytest.approx(2 * 1 / 7)


def test_a_partner_is_kept_while_it_is_near_enough():
    meter = TrackingMeter(5.0)
    assert meter.add([1], [7], np.array([[1.0]])) == [(0, 0)]
    # 8 is nearer now, but 7 is still near enough.
    assert meter.add([1], [7, 8], np.array([[4.0, 0.5]])) == [(0, 0)]
    assert meter.add([1], [7, 8], np.array([[5.0, 0.5]])) == [(0, 1)]
    assert meter.result().switches == 1


def test_after_a_gap_the_last_id_counts():
    counts = meter_of([([1], [10]), ([1], []), ([1], [10]), ([], []), ([1], [12])]).result()
    assert (counts.hits, counts.misses, counts.switches) == (3, 1, 1)


def test_as_many_are_paired_as_can_be():
    # The nearest pair first would leave the other without a partner.
    meter = TrackingMeter(5.0)
    distances = np.array([[0.1, 4.0], [4.0, np.nan]])
    assert meter.add([1, 2], [7, 8], distances) == [(0, 1), (1, 0)]


def test_two_who_had_one_partner_do_not_share_it():
    meter = TrackingMeter(5.0)
    meter.add([1], [7], np.array([[1.0]]))
    meter.add([2], [7], np.array([[1.0]]))
    assert meter.add([1, 2], [7], np.array([[2.0], [1.0]])) == [(1, 0)]


def test_nobody_gives_no_figures():
    counts = meter_of([([], [])]).result()
    assert np.isnan([counts.mota, counts.idf1]).all()
    counts = meter_of([([], [70])]).result()
    assert np.isnan(counts.mota)
    assert (counts.idf1, counts.extra) == (0, 1)


def test_counts_of_sequences_add_up():
    one, other = TrackingCounts(4, 3, 3, 1, 2), TrackingCounts(6, 6, 5, 0, 5)
    total = one + other
    assert astuple(total) == (10, 9, 8, 1, 7)
    assert total.mota == pytest.approx(1 - (2 + 1 + 1) / 10)
    assert total.idf1 == pytest.approx(14 / 19)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r'distances: expected \(1, 2\); got \(2, 1\)'):
        TrackingMeter(1.0).add([1], [1, 2], np.zeros((2, 1)))
