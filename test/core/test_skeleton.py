"""Keypoint sets: trees, flips and conversions, by name."""

from hypothesis import given, strategies as st
import numpy as np
import pytest
from unihpe_ros.core.skeleton import (
    COCO_17,
    convert,
    H36M_17,
    mirrored_name,
    ROS4HRI_18,
    Skeleton,
    SKELETONS,
    UNION,
)

every = pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)


@every
def test_every_keypoint_leads_to_one_root(skeleton: Skeleton) -> None:
    roots = set()
    for name in skeleton.keypoints:
        path = [name]
        while skeleton.parents[path[-1]]:
            assert len(path) <= len(skeleton), f'{path} runs in a circle'
            path.append(skeleton.parents[path[-1]])
        roots.add(path[-1])
    assert len(roots) == 1
    assert len(skeleton.bones) == len(skeleton) - 1


@every
def test_flip_is_an_involution_that_keeps_bones(skeleton: Skeleton) -> None:
    flip = skeleton.flip_indices
    np.testing.assert_array_equal(flip[flip], np.arange(len(skeleton)))
    bones = {frozenset(bone) for bone in skeleton.bones}
    mirrored = {frozenset((int(flip[a]), int(flip[b]))) for a, b in skeleton.bones}
    # A set that hangs on one side's hip or eye would not be symmetric.
    assert bones == mirrored
    for index, name in enumerate(skeleton.keypoints):
        assert skeleton.keypoints[flip[index]] == mirrored_name(name)


@every
def test_sides_follow_the_names(skeleton: Skeleton) -> None:
    sides = [skeleton.side(index) for index in range(len(skeleton))]
    assert sides.count('left') == sides.count('right') > 0
    assert sides[skeleton.index('nose' if 'nose' in skeleton.parents else 'head')] == 'middle'


def test_union_holds_both_published_sets() -> None:
    for part in (COCO_17, H36M_17):
        assert (part.indices_in(UNION) >= 0).all()
        assert [UNION.keypoints[i] for i in part.indices_in(UNION)] == list(part.keypoints)
    np.testing.assert_array_equal(COCO_17.indices_in(UNION), np.arange(17))
    assert len(UNION) == 26


def test_sets_have_the_published_order() -> None:
    assert COCO_17.indices('nose', 'left_shoulder', 'right_ankle') == [0, 5, 16]
    assert H36M_17.indices('pelvis', 'right_hip_joint', 'left_hip_joint', 'head_top') == [
        *(0, 1, 4, 10)
    ]


@given(st.integers(1, 3))
def test_conversion_through_the_union_loses_nothing(n: int) -> None:
    values = np.random.default_rng(n).normal(size=(n, 17, 3))
    there = convert(values, H36M_17, UNION)
    np.testing.assert_array_equal(convert(there, UNION, H36M_17), values)
    absent = H36M_17.indices_in(UNION)
    others = np.setdiff1d(np.arange(26), absent)
    # Hips and shoulders on the surface are read from the joints under another name.
    stand_ins = UNION.indices('left_hip', 'right_hip', 'left_shoulder', 'right_shoulder')
    assert np.isnan(there[:, np.setdiff1d(others, stand_ins)]).all()
    assert np.isfinite(there[:, stand_ins]).all()


def test_what_a_set_lacks_is_missing() -> None:
    converted = convert(np.ones((17, 2)), COCO_17, ROS4HRI_18)
    assert np.isnan(converted[ROS4HRI_18.index('neck')]).all()
    assert np.isfinite(np.delete(converted, ROS4HRI_18.index('neck'), 0)).all()
    filled = convert(np.ones((17, 2)), COCO_17, ROS4HRI_18, missing=-7)
    assert (filled[ROS4HRI_18.index('neck')] == -7).all()


def test_conversion_leaves_its_input_alone() -> None:
    values = np.zeros((17, 2))
    convert(values, COCO_17, COCO_17)[:] = 1
    assert (values == 0).all()


def test_wrong_number_of_keypoints() -> None:
    with pytest.raises(ValueError, match=r'coco17 keypoints: expected \(\.\.\., 17, D\), got \(2'):
        convert(np.zeros((2, 16, 3)), COCO_17, UNION)


def test_unknown_keypoint() -> None:
    with pytest.raises(ValueError, match="skeleton coco17 has no keypoint 'tail'"):
        COCO_17.index('tail')


def test_unknown_parent() -> None:
    with pytest.raises(ValueError, match="skeleton cat: tail has unknown parent 'spine'"):
        Skeleton('cat', {'tail': 'spine'})
