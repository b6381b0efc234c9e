"""Anonymised pictures: nothing of a head is left, whatever is known of its person."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_bag import truth_at, walker
from unihpe_ros.core.pose import KeypointFlag, Poses
from unihpe_ros.core.skeleton import SKELETONS, UNION
from unihpe_ros.visualisation.anonymise import anonymise, ANONYMISE_MODES, head_areas


@pytest.fixture
def poses() -> Poses:
    return truth_at(walker(0.0))[0]


@pytest.fixture
def noise(rng) -> np.ndarray:
    return rng.integers(0, 256, (480, 640, 3), np.uint8)


def detail(picture: np.ndarray, box: np.ndarray) -> float:
    """Return how much neighbouring pixels differ inside a box; noise has about 85."""
    x0, y0, x1, y1 = np.clip(box, 0, (639, 479, 639, 479)).astype(int)
    return float(np.abs(np.diff(picture[y0:y1, x0:x1].astype(int), axis=1)).mean())


def head_of(poses: Poses, person: int) -> np.ndarray:
    """Return the box around the keypoints on a head."""
    names = ('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear', 'head_top')
    points = poses.keypoints_2d[person, UNION.indices(*(n for n in names if n in UNION.parents))]
    return np.concatenate([points.min(0) - 3, points.max(0) + 3])


@pytest.mark.parametrize('mode', ['blur', 'skeleton'])
def test_heads_lose_their_detail_and_the_rest_of_the_picture_keeps_it(poses, noise, mode):
    before = noise.copy()
    shown = anonymise(noise, poses, mode)
    np.testing.assert_array_equal(noise, before)
    for person in range(len(poses)):
        assert detail(noise, head_of(poses, person)) > 60
        assert detail(shown, head_of(poses, person)) < 5
    np.testing.assert_array_equal(shown[:40, :40], noise[:40, :40])


def test_a_body_is_kept_under_blur_and_covered_under_skeleton(poses, noise):
    hips = poses.keypoints_2d[0, UNION.index('pelvis')]
    box = np.concatenate([hips - 8, hips + 8])
    assert detail(anonymise(noise, poses, 'blur'), box) > 60
    assert detail(anonymise(noise, poses, 'skeleton'), box) == 0


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=lambda one: one.name)
def test_every_set_of_keypoints_has_a_head(poses, noise, skeleton):
    shown = anonymise(noise, poses.to(skeleton), 'blur')
    assert detail(shown, head_of(poses, 0)) < 5


def test_of_somebody_known_by_a_box_alone_all_of_it_is_blurred(poses, noise):
    blind = replace(
        poses,
        keypoints_2d=np.full_like(poses.keypoints_2d, np.nan),
        flags=np.zeros_like(poses.flags),
    )
    assert detail(anonymise(noise, blind, 'blur'), poses.boxes[0]) < 5


def test_where_the_head_was_only_predicted_all_of_the_person_is_blurred(poses):
    guessed = replace(poses, flags=poses.flags & ~np.uint16(KeypointFlag.OBSERVED))
    assert len(head_areas(poses, 0)) == 1
    area = head_areas(guessed, 0)[-1]
    x0, y0, x1, y1 = poses.boxes[0]
    assert area[0] < x0
    assert area[1] < y0
    assert area[2] > x1
    assert area[3] > y1


def test_people_outside_of_the_picture_and_nobody_do_no_harm(poses, noise):
    for shift in (-5000, 5000, 1e9):
        away = replace(
            poses,
            boxes=(poses.boxes + shift).astype(np.float32),
            keypoints_2d=(poses.keypoints_2d + shift).astype(np.float32),
        )
        np.testing.assert_array_equal(anonymise(noise, away, 'blur'), noise)
        np.testing.assert_array_equal(anonymise(noise, away, 'skeleton'), noise)
    unknown = replace(
        poses,
        boxes=np.full_like(poses.boxes, np.nan),
        keypoints_2d=np.full_like(poses.keypoints_2d, np.nan),
    )
    for mode in ANONYMISE_MODES:
        np.testing.assert_array_equal(anonymise(noise, unknown, mode), noise)
        np.testing.assert_array_equal(anonymise(noise, Poses.empty(UNION), mode), noise)
