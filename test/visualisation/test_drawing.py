"""Drawing: into a copy, where the keypoints are, and never over the edge of what OpenCV takes."""

from dataclasses import replace

import numpy as np
import pytest
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.visualisation.skeletons import draw_poses, SIDE_COLOURS


@pytest.fixture
def poses():
    """Return one person whose keypoints lie on a diagonal, 10 px apart."""
    pixels = np.stack([np.arange(17), np.arange(17)], -1) * 10.0 + 40
    return replace(
        Poses.empty(COCO_17),
        boxes=np.array([[40, 40, 200, 200]], np.float32),
        keypoints_2d=pixels[None].astype(np.float32),
        keypoints_3d=np.full((1, 17, 3), np.nan, np.float32),
        scores=np.ones((1, 17), np.float32),
        flags=np.full((1, 17), KeypointFlag.OBSERVED, np.uint16),
        track_ids=np.array([3], np.uint32),
        agreement=np.ones(1, np.float32),
    )


@pytest.fixture
def black():
    image = np.zeros((240, 320, 3), np.uint8)
    image.flags.writeable = False  # As a decoder's view of a message may be.
    return image


def test_a_keypoint_has_the_colour_of_its_side(poses, black):
    picture = draw_poses(black, poses)
    for name in ('left_wrist', 'right_wrist', 'nose'):
        x, y = poses.keypoints_2d[0, COCO_17.index(name)].astype(int)
        rgb = picture[y, x, ::-1] / 255
        np.testing.assert_allclose(rgb, SIDE_COLOURS[COCO_17.side(COCO_17.index(name))], atol=0.01)


def test_what_was_not_observed_is_darker(poses, black):
    guess = replace(poses, flags=np.full((1, 17), KeypointFlag.PREDICTED, np.uint16))
    x, y = poses.keypoints_2d[0, 16].astype(int)
    assert draw_poses(black, guess)[y, x].max() < draw_poses(black, poses)[y, x].max()


def test_words_stand_in_a_second_line_inside_of_the_picture(poses, black):
    plain, told = draw_poses(black, poses), draw_poses(black, poses, {3: 'standing  waving'})
    rows, columns = np.nonzero((plain != told).any(-1))
    assert len(rows)
    assert np.ptp(columns) > 60
    # Above the highest keypoint, which is at y = 40.
    assert rows.max() < 40
    assert (draw_poses(black, poses, {4: 'waving'}) == plain).all()


@pytest.mark.parametrize('value', [np.nan, np.inf, -1e30, 1e30, 1e5])
def test_keypoints_that_are_nowhere_are_not_drawn(poses, black, value):
    poses.keypoints_2d[:] = value
    assert not draw_poses(black, poses).any()


def test_nobody_leaves_the_picture_as_it_is(black):
    picture = draw_poses(black, Poses.empty(COCO_17))
    assert picture is not black
    assert not picture.any()


def placed(poses, depths):
    """Return people at so many m, whose keypoints are all at the same pixels."""
    n = len(depths)
    points = np.zeros((n, 17, 3), np.float32)
    points[..., 2] = np.array(depths)[:, None]
    repeated = {
        name: np.repeat(getattr(poses, name), n, axis=0)
        for name in ('boxes', 'keypoints_2d', 'scores', 'flags', 'agreement')
    }
    ids = np.arange(1, n + 1, dtype=np.uint32)
    projective = RootMode.PROJECTIVE
    return replace(poses, keypoints_3d=points, track_ids=ids, root_mode=projective, **repeated)


def test_who_is_nearer_is_drawn_over_who_is_behind(poses, black):
    flags = np.full((2, 17), KeypointFlag.OBSERVED, np.uint16)
    flags[0] = KeypointFlag.PREDICTED  # The first is darker.
    x, y = poses.keypoints_2d[0, COCO_17.index('left_wrist')].astype(int)
    near_first, far_first = (
        draw_poses(black, replace(placed(poses, depths), flags=flags))[y, x]
        for depths in ((2, 5), (5, 2))
    )
    assert near_first.max() < far_first.max()


def test_the_label_has_a_distance_where_there_is_a_place(poses, black):
    near = draw_poses(black, placed(poses, (2.0,)))
    far = draw_poses(black, placed(poses, (3.0,)))
    assert (near != far).any()
    relative = [
        draw_poses(black, replace(placed(poses, (z,)), root_mode=RootMode.RELATIVE))
        for z in (2.0, 3.0)
    ]
    np.testing.assert_array_equal(*relative)
