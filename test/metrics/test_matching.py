"""People paired with people, and what is counted over a sequence."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_bag import truth_at
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.metrics.ground_truth import accuracy, TruthMeter
from unihpe_ros.metrics.matching import match_people

THREE = np.array([[-1.2, 0.1, 4.0], [0.0, 0.0, 3.0], [1.5, 0.0, 5.0]])


@pytest.fixture
def people() -> Poses:
    return truth_at(THREE)[0]


def rows(poses: Poses, *chosen: int) -> Poses:
    """Return some of the people, in the order given."""
    index = list(chosen)
    names = ('boxes', 'keypoints_2d', 'keypoints_3d', 'scores', 'flags', 'track_ids', 'agreement')
    return replace(poses, **{name: getattr(poses, name)[index] for name in names})


def moved(poses: Poses, pixels: float = 0.0, metres: float = 0.0) -> Poses:
    """Return the people shifted in the image and, by the same vector each, in space."""
    return replace(
        poses,
        keypoints_2d=poses.keypoints_2d + np.float32(pixels),
        keypoints_3d=poses.keypoints_3d + np.array([0, 0, metres], np.float32),
    )


def test_everybody_is_matched_whatever_the_order(people, rng):
    order = [2, 0, 1]
    noisy = rows(people, *order).keypoints_2d + rng.normal(0, 4, (3, len(UNION), 2))
    assert match_people(noisy, people.keypoints_2d) == [(0, 2), (1, 0), (2, 1)]


def test_total_offset_is_least_rather_than_each_ones_nearest():
    # Both are nearest to the first; taking it for the first of them would leave a bad pair.
    base = np.random.default_rng(0).uniform(0, 100, (1, 17, 2))
    truth = np.concatenate([base, base + [12, 0]])
    predicted = np.concatenate([base + [5, 0], base - [1, 0]])
    assert match_people(predicted, truth) == [(0, 1), (1, 0)]


def test_far_people_are_no_pair_and_do_not_spoil_the_others(people):
    far = rows(people, 0, 1).keypoints_2d.copy()
    far[0] += 1000
    assert match_people(far, people.keypoints_2d) == [(1, 1)]


def test_matching_ignores_what_is_not_known(people):
    seen = people.keypoints_2d.copy()
    seen[0, 5:] = np.nan
    seen[1] = np.nan
    truth = people.keypoints_2d.copy()
    truth[2, :3] = np.nan
    assert match_people(seen, truth) == [(0, 0), (2, 2)]


@pytest.mark.parametrize(('n', 'm'), [(0, 2), (2, 0), (0, 0)])
def test_nobody_matches_nobody(n, m):
    assert match_people(np.zeros((n, 17, 2)), np.zeros((m, 17, 2))) == []


def test_the_truth_itself_is_exact(people):
    meter = TruthMeter()
    for _ in range(3):
        meter.add(people, people)
    result = accuracy([meter.result()])
    assert (result['frames'], result['people'], result['found'], result['extra']) == (3, 9, 9, 0)
    assert (result['id_switches'], result['recall']) == (0, 1.0)
    assert result['mpjpe_mm'] == result['error_px'] == result['root_share'] == 0
    assert result['pa_mpjpe_mm'] < 1e-3


def test_a_shift_in_space_shows_in_the_root_alone(people):
    meter = TruthMeter()
    meter.add(moved(rows(people, 1), pixels=3, metres=0.3), rows(people, 1))
    result = accuracy([meter.result()])
    assert result['root_share'] == pytest.approx(0.1, rel=1e-3)
    assert result['mpjpe_mm'] < 1e-2
    assert result['error_px'] == pytest.approx(3 * 2**0.5, rel=1e-3)


def test_scale_shows_in_mpjpe_but_not_after_alignment(people):
    one = rows(people, 1)
    root = one.keypoints_3d[:, [UNION.index('pelvis')]]
    larger = replace(one, keypoints_3d=root + 1.1 * (one.keypoints_3d - root))
    meter = TruthMeter()
    meter.add(larger, one)
    result = accuracy([meter.result()])
    assert 20 < result['mpjpe_mm'] < 100
    assert result['pa_mpjpe_mm'] < 1e-2


def test_misses_extras_and_switched_ids_are_counted(people):
    meter = TruthMeter()
    meter.add(people, people)
    swapped = replace(people, track_ids=people.track_ids[[1, 0, 2]])
    meter.add(swapped, people)  # Two switches.
    meter.add(rows(swapped, 0), people)  # Two missed.
    stranger = moved(rows(people, 2), pixels=-400)
    meter.add(stranger, rows(people, 0))  # One missed, one extra.
    result = accuracy([meter.result()])
    assert (result['frames'], result['people'], result['found']) == (4, 10, 7)
    assert (result['id_switches'], result['extra']) == (2, 1)
    assert result['recall'] == pytest.approx(0.7)


def test_people_hardly_in_sight_need_not_be_found_but_may(people):
    hidden = replace(people, flags=people.flags.copy())
    hidden.flags[0, 7:] = 0
    meter = TruthMeter()
    meter.add(rows(people, 1, 2), hidden)
    meter.add(people, hidden)
    result = accuracy([meter.result()])
    assert (result['people'], result['found'], result['extra']) == (4, 4, 0)


def test_people_who_are_only_remembered_do_not_count(people):
    remembered = replace(people, flags=people.flags.copy())
    remembered.flags[2] = 0
    meter = TruthMeter()
    meter.add(remembered, people)
    meter.add(moved(remembered, pixels=1000), rows(people, 0))
    result = accuracy([meter.result()])
    assert (result['found'], result['extra']) == (2, 2)


def test_places_are_not_judged_where_none_is_claimed(people):
    root = people.keypoints_3d[:, [UNION.index('pelvis')]]
    relative = replace(
        people, keypoints_3d=people.keypoints_3d - root, root_mode=RootMode.RELATIVE
    )
    meter = TruthMeter()
    meter.add(relative, people)
    result = accuracy([meter.result()])
    assert result['mpjpe_mm'] < 1e-3
    assert np.isnan(result['root_share'])


def test_nothing_to_compare_is_nan_and_never_a_number():
    meter = TruthMeter()
    meter.add(Poses.empty(UNION), Poses.empty(UNION))
    result = accuracy([meter.result()])
    assert (result['frames'], result['people'], result['found'], result['extra']) == (1, 0, 0, 0)
    for name in ('recall', 'mpjpe_mm', 'pa_mpjpe_mm', 'error_px'):
        assert np.isnan(result[name]), name


def test_a_pose_that_is_not_known_in_3d_still_counts_as_found(people):
    flat = replace(people, keypoints_3d=people.keypoints_3d.copy())
    flat.keypoints_3d[1] = np.nan
    meter = TruthMeter()
    meter.add(flat, people)
    result = accuracy([meter.result()])
    assert result['found'] == 3
    assert result['mpjpe_mm'] < 1e-3
    assert result['root_share'] < 1e-6


def test_the_published_keypoint_set_need_not_be_the_truths(people):
    meter = TruthMeter()
    meter.add(people.to(COCO_17), people)
    result = accuracy([meter.result()])
    assert (result['found'], result['error_px']) == (3, 0)
