"""Depth that is there and places nobody is told, with what it may be instead."""

from dataclasses import replace

import numpy as np
import pytest
from ros_fixtures import people
from unihpe_ros.core.pose import KeypointFlag, RootMode
from unihpe_ros.ros.depth_use import DepthUse

DEPTH = np.full((48, 64), 3.0, np.float32)


def seen(*, placed=False, mode=RootMode.PROJECTIVE):
    """Two people 3 m away."""
    poses = people(2, root_mode=mode)
    poses.keypoints_3d[..., 2] = 3.0
    flags = poses.flags | (KeypointFlag.DEPTH_ROOT if placed else 0)
    return replace(poses, flags=flags.astype(np.uint16))


def told_of(depth, poses, times=5):
    use = DepthUse()
    return [use.note(depth, poses) for _ in range(times)][-1], use.state


@pytest.mark.parametrize(
    ('depth', 'words'),
    [
        (
            1000 * DEPTH,
            'is 3e+03 m, expected are about 3 m; it seems to be in mm',
        ),
        (
            DEPTH / 1000,
            'is 0.003 m, expected are about 3 m; it seems to be in m,',
        ),
        (4 * DEPTH, 'median at people is 12 m, expected are about 3 m; its unit seems to be 0.25'),
        (10 * DEPTH, 'its unit seems to be 0.1 mm'),
        (100 * DEPTH, 'median at people is 300 m, expected are about 3 m'),
        (0 * DEPTH, 'it holds no distance anywhere, only zeros or NaN'),
        (np.nan * DEPTH, 'it holds no distance anywhere'),
    ],
)
def test_depth_of_another_kind_is_told_with_its_median(depth, words):
    told, state = told_of(depth, seen())
    assert words in told
    assert words in state


def test_holes_where_people_are_are_told_as_such():
    depth = np.zeros_like(DEPTH)
    depth[:2] = 3.0
    assert 'it holds no distance where people are' in told_of(depth, seen())[0]


def test_depth_that_places_people_is_told_in_diagnostics_only():
    assert told_of(DEPTH, seen(placed=True)) == ('', 'places 2 of 2 people')


def test_a_few_images_without_use_are_no_news():
    assert told_of(0 * DEPTH, seen(), times=4)[0] == ''


def test_without_depth_or_people_there_is_nothing_to_tell():
    assert told_of(None, seen()) == ('', 'none comes')
    assert told_of(0 * DEPTH, people(0))[0] == ''


def test_depth_that_does_not_fit_is_told_in_diagnostics():
    use = DepthUse()
    use.refused = 'depth_image is of 32x24'
    assert (use.note(None, seen()), use.state) == ('', 'not used: depth_image is of 32x24')
    use.note(DEPTH, seen(placed=True))
    use.note(None, seen())
    assert use.state == 'none comes'
