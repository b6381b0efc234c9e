"""Half bodies: another box around the same labels, and now and then an end of the photograph."""

from dataclasses import replace

import numpy as np
import pytest
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets import augment
from unihpe_ros.datasets.augment import aim_crop, crop_record
from unihpe_ros.datasets.half_body import half_body
from unihpe_ros.datasets.records import box_around, in_view, Record

SIZE = (216, 288)
LEGS = UNION.indices(
    *(f'{side}_{joint}' for side in ('left', 'right') for joint in ('knee', 'ankle'))
)
HEAD = UNION.indices('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear')
HEIGHTS = {'hip': 0.0, 'shoulder': -0.5, 'elbow': -0.25, 'wrist': 0.0, 'knee': 0.42, 'ankle': 0.84}


@pytest.fixture
def standing():
    """Return somebody upright, 4 m away, whole in a bright picture."""
    points = np.zeros((len(UNION), 3))
    for index, name in enumerate(UNION.keypoints):
        side, _, joint = name.partition('_')
        sign = {'left': 1, 'right': -1}.get(side, 0)
        height = HEIGHTS.get(joint.removesuffix('_joint'), {0: -0.75}.get(sign, -0.78))
        points[index] = [0.15 * sign, height, 4.0]
    points[UNION.index('pelvis'), 1] = 0.0
    points[UNION.index('head_top'), 1] = -0.92
    camera = Camera.from_fov(*SIZE, 0.5)
    pixels = camera.project(points).astype(np.float32)
    return Record(
        image=np.full((SIZE[1], SIZE[0], 3), 200, np.uint8),
        keypoints_2d=pixels,
        keypoints_3d=points.astype(np.float32),
        visibility=in_view(pixels, SIZE),
        K=camera.K,
        box=box_around(pixels),
        source='standing',
    )


def test_every_half_fits_its_keypoints_and_both_halves_come(standing):
    sorts = set()
    for seed in range(60):
        half = half_body(standing, np.random.default_rng(seed))
        x0, y0, x1, y1 = half.box
        xs, ys = standing.keypoints_2d.T
        inside = (xs >= x0) & (xs <= x1) & (ys >= y0) & (ys <= y1)
        assert (half.box[2:] - half.box[:2]).max() < 0.9 * (standing.box[3] - standing.box[1])
        sorts.add((bool(inside[HEAD].all()), bool(inside[LEGS].any()), bool(inside[LEGS].all())))
    assert sorts == {
        (True, False, False),  # cut at the hips
        (True, True, False),  # cut at the knees
        (False, True, True),  # the legs
    }


def test_heads_fill_the_crop_but_no_blurs_do(standing):
    height = standing.box[3] - standing.box[1]
    sizes = []
    for seed in range(60):
        half = half_body(standing, np.random.default_rng(seed))
        sizes.append((half.box[2:] - half.box[:2]).max() / height)
    assert 0.1 < np.mean(np.array(sizes) < 0.4) < 0.3
    small = replace(standing, keypoints_2d=standing.keypoints_2d / 4, box=standing.box / 4)
    for seed in range(60):
        half = half_body(small, np.random.default_rng(seed))
        assert (half.box[2:] - half.box[:2]).max() >= 40


def test_labels_are_those_of_the_whole_person_mapped_into_the_new_crop(standing, monkeypatch):
    monkeypatch.setattr(augment, '_HALF', 1.0)
    monkeypatch.setattr(augment, '_EMPTY', 0.0)
    monkeypatch.setattr(augment, '_careless_box', lambda box, rng: (box, 0.0))
    monkeypatch.setattr(augment, 'degrade', lambda image, rng: image)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sample = crop_record(standing, (144, 192), rng)
        again = np.random.default_rng(seed)
        again.random(2)
        half = half_body(standing, again)
        crop = aim_crop(half, half.box.astype(np.float64), (144, 192))
        truth = crop.to_crop(standing.keypoints_2d.astype(np.float64))
        points = standing.keypoints_3d - standing.keypoints_3d[UNION.index('pelvis')]
        relative = points @ crop.virtual_from_camera.T
        if again.random() < 0.5:
            truth, relative = truth[UNION.flip_indices], relative[UNION.flip_indices]
            truth[:, 0] = 143 - truth[:, 0]
            relative[:, 0] *= -1
        np.testing.assert_allclose(sample.keypoints, truth, atol=1e-3)
        np.testing.assert_allclose(sample.relative, relative, atol=1e-5)
        assert (in_view(sample.keypoints, (144, 192)) >= sample.visibility).all()


def test_keypoints_beyond_the_end_of_the_photograph_are_outside_and_the_picture_black(standing):
    ended = 0
    for seed in range(60):
        half = half_body(standing, np.random.default_rng(seed))
        rows = np.flatnonzero((half.image == 200).all((1, 2)))
        first, last = rows[0], rows[-1]
        assert (half.image[: int(first)] == 0).all()
        assert (half.image[int(last) + 1 :] == 0).all()
        inside = (half.keypoints_2d[:, 1] > first - 0.5) & (half.keypoints_2d[:, 1] < last + 0.5)
        np.testing.assert_array_equal(half.visibility > 0, inside)
        np.testing.assert_array_equal(half.keypoints_2d, standing.keypoints_2d)
        ended += not inside.all()
    assert 10 < ended < 40
    assert (standing.image == 200).all(), 'the record itself is left alone'


def test_who_is_hardly_seen_is_left_whole(standing):
    visibility = np.zeros(len(UNION), np.uint8)
    visibility[HEAD] = 2
    few = replace(standing, visibility=visibility)
    for seed in range(10):
        assert half_body(few, np.random.default_rng(seed)) is few
