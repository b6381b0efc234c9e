"""Poses: shapes are checked, conversions keep what both sets know."""

from dataclasses import fields, FrozenInstanceError, replace

import numpy as np
import pytest
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.sightings import coast, join, person_scores, Sightings
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


def test_joined_people_are_in_the_order_of_their_ids(rng: np.random.Generator) -> None:
    every = poses(4, rng)

    def some(rows: list[int]) -> Poses:
        return replace(every, **{name: getattr(every, name)[rows] for name in ARRAYS})

    joined = join(some([3, 1]), some([2, 0]))
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(joined, name), getattr(every, name))


def test_coasting_people_are_predicted_and_fade(rng: np.random.Generator) -> None:
    last = poses(3, rng)
    last.scores[1, 5], last.flags[1, 5] = 0, 0  # missing stays missing
    gone = coast(last, [2], 0.5)
    assert gone.track_ids.tolist() == [2]
    np.testing.assert_allclose(gone.scores, last.scores[1:2] * 0.5)
    expected = KeypointFlag.PREDICTED | KeypointFlag.METRIC_ROOT
    assert (np.delete(gone.flags[0], 5) == expected).all()
    assert gone.flags[0, 5] == 0
    assert (last.flags[0] & KeypointFlag.OBSERVED).all()


def test_nobody_coasts(rng: np.random.Generator) -> None:
    assert len(coast(poses(2, rng), [7], 0.5)) == 0


def test_report_shows_who_has_an_id_and_why_to_trust_them() -> None:
    settings = EstimatorSettings(score_threshold=0.4, agreement_threshold=0.6)
    points_3d = np.ones((3, 26, 3), np.float32)
    points_3d[1] = np.nan
    points_2d = np.ones((3, 26, 2), np.float32)
    points_2d[1, 0] = np.nan
    scores = np.full((3, 26), 0.9, np.float32)
    scores[:, 1] = 0.1
    sightings = Sightings(
        np.arange(3), np.zeros((3, 4), np.float32), points_2d, points_3d, scores,
        np.array([0.9, 0.9, 0.2], np.float32), np.zeros(3, bool),
    )  # fmt: skip
    shown = sightings.report(np.array([0, 9, 4], np.uint32), UNION, RootMode.PROJECTIVE, settings)
    assert shown.track_ids.tolist() == [4, 9]
    doubted, unplaced = shown.flags
    assert doubted[0] == KeypointFlag.OBSERVED | 8 | 16
    assert doubted[1] == KeypointFlag.PREDICTED | 8 | 16
    assert unplaced.tolist() == [0, 2] + [1] * 24
    assert shown.scores[1, 0] == 0
    relative = sightings.report(np.array([7, 0, 0], np.uint32), UNION, RootMode.RELATIVE, settings)
    assert relative.flags[0, 0] == KeypointFlag.OBSERVED


def test_person_score_forgives_a_hidden_half() -> None:
    scores = np.zeros((2, 26), np.float32)
    scores[0, :13] = 0.8
    np.testing.assert_allclose(person_scores(scores), [0.8, 0])
