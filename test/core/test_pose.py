"""Poses: shapes are checked, conversions keep what both sets know."""

from dataclasses import fields, FrozenInstanceError, replace

import numpy as np
import pytest
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import COCO_17, H36M_17, UNION


def poses(n: int, rng: np.random.Generator) -> Poses:
    return Poses(
        skeleton=UNION,
        boxes=rng.uniform(size=(n, 4)).astype(np.float32),
        keypoints_2d=rng.uniform(size=(n, 26, 2)).astype(np.float32),
        keypoints_3d=rng.uniform(size=(n, 26, 3)).astype(np.float32),
        scores=rng.uniform(0.5, 1, (n, 26)).astype(np.float32),
        flags=np.full((n, 26), KeypointFlag.OBSERVED | KeypointFlag.METRIC_ROOT, np.uint16),
        track_ids=np.arange(1, n + 1, dtype=np.uint32),
        agreement=np.ones(n, np.float32),
        root_mode=RootMode.PROJECTIVE,
    )


ARRAYS = [field.name for field in fields(Poses) if field.name not in ('skeleton', 'root_mode')]


@pytest.mark.parametrize('field', [name for name in ARRAYS if name != 'boxes'])
def test_wrong_shape_is_named(field: str, rng: np.random.Generator) -> None:
    good = poses(2, rng)
    wrong = getattr(good, field)[:1]
    expected = getattr(good, field).shape
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared)
        replace(good, **{field: wrong})
    assert str(caught.value) == f'Poses.{field}: expected {expected}, got {wrong.shape}'


def test_boxes_need_four_corners(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=r'Poses\.boxes: expected \(2, 4\), got \(2, 3\)'):
        replace(poses(2, rng), boxes=np.zeros((2, 3), np.float32))


def test_nobody() -> None:
    nobody = Poses.empty(COCO_17)
    assert len(nobody) == 0
    assert len(nobody.to(H36M_17)) == 0
    assert nobody.to(H36M_17).keypoints_3d.shape == (0, 17, 3)


def test_poses_do_not_change(rng: np.random.Generator) -> None:
    with pytest.raises(FrozenInstanceError):
        poses(1, rng).boxes = np.zeros((1, 4))


def test_conversion_keeps_people_and_marks_what_is_missing(rng: np.random.Generator) -> None:
    coco = poses(3, rng).to(COCO_17)
    union = coco.to(UNION)
    pelvis = UNION.index('pelvis')
    assert np.isnan(union.keypoints_2d[:, pelvis]).all()
    assert np.isnan(union.keypoints_3d[:, pelvis]).all()
    assert (union.scores[:, pelvis] == 0).all()
    assert (union.flags[:, pelvis] == 0).all()
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(union.to(COCO_17), name), getattr(coco, name))


def test_conversion_to_itself_is_itself(rng: np.random.Generator) -> None:
    given = poses(1, rng)
    assert given.to(UNION) is given
