"""Reports: who was seen, who is predicted, and the flags that say so."""

from dataclasses import replace

import numpy as np
import pytest
from unihpe_ros.core.pose import KeypointFlag, person_scores, Poses, RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.tracking.assemble import assemble_poses, coast, join_poses
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.refinement import RefinedPoses
from unihpe_ros.tracking.track import Track

ARRAYS = ('boxes', 'keypoints_2d', 'keypoints_3d', 'scores', 'flags', 'track_ids', 'agreement')
K = len(UNION)


def poses(n: int, rng: np.random.Generator) -> Poses:
    return Poses(
        skeleton=UNION,
        boxes=rng.uniform(size=(n, 4)).astype(np.float32),
        keypoints_2d=rng.uniform(size=(n, K, 2)).astype(np.float32),
        keypoints_3d=rng.uniform(size=(n, K, 3)).astype(np.float32),
        scores=rng.uniform(0.5, 1, (n, K)).astype(np.float32),
        flags=np.full((n, K), KeypointFlag.OBSERVED | KeypointFlag.METRIC_ROOT, np.uint16),
        track_ids=np.arange(1, n + 1, dtype=np.uint32),
        agreement=np.ones(n, np.float32),
        root_mode=RootMode.PROJECTIVE,
    )


def track(
    number: int, moved: tuple[float, float], moved_root: tuple[float, float, float]
) -> Track:
    nothing = np.zeros(0)
    return Track(
        box=np.zeros(4), keypoints=np.zeros((K, 2)), scores=np.zeros(K), root=np.zeros(3),
        embedding=nothing, colours=nothing, stamp=0.0, first=0.0, id=number,
        moved=np.array(moved), moved_root=np.array(moved_root),
    )  # fmt: skip


def test_joined_people_are_in_the_order_of_their_ids(rng: np.random.Generator) -> None:
    every = poses(4, rng)

    def some(rows: list[int]) -> Poses:
        return replace(every, **{name: getattr(every, name)[rows] for name in ARRAYS})

    joined = join_poses(some([3, 1]), some([2, 0]))
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(joined, name), getattr(every, name))


def test_coasting_people_are_predicted_fade_and_move(rng: np.random.Generator) -> None:
    last = poses(3, rng)
    last.scores[1, 5], last.flags[1, 5] = 0, 0  # missing stays missing
    gone = coast(last, [track(2, (3.0, -1.0), (0.1, 0.0, 0.2))], 0.5, RootMode.PROJECTIVE)
    assert gone.track_ids.tolist() == [2]
    np.testing.assert_allclose(gone.scores, last.scores[1:2] * 0.5)
    expected = KeypointFlag.PREDICTED | KeypointFlag.METRIC_ROOT
    assert (np.delete(gone.flags[0], 5) == expected).all()
    assert gone.flags[0, 5] == 0
    assert (last.flags[0] & KeypointFlag.OBSERVED).all()
    np.testing.assert_allclose(
        gone.keypoints_2d[0] - last.keypoints_2d[1], [[3, -1]] * K, atol=1e-5
    )
    moved = gone.keypoints_3d[0] - last.keypoints_3d[1]
    np.testing.assert_allclose(moved, [[0.1, 0, 0.2]] * K, atol=1e-5)


def test_nobody_coasts(rng: np.random.Generator) -> None:
    someone = track(7, (0.0, 0.0), (0.0, 0.0, 0.0))
    assert len(coast(poses(2, rng), [someone], 0.5, RootMode.PROJECTIVE)) == 0


def test_nobody_coasts_from_the_room_to_the_origin(rng: np.random.Generator) -> None:
    someone = track(1, (0.0, 0.0), (0.0, 0.0, 0.0))
    gone = coast(poses(2, rng), [someone], 0.5, RootMode.RELATIVE)
    assert (len(gone), gone.root_mode) == (0, RootMode.RELATIVE)


@pytest.mark.parametrize('lifted', [False, True])
def test_report_is_in_the_order_of_ids_and_says_why_to_trust_whom(lifted: bool) -> None:
    settings = EstimatorSettings(score_threshold=0.4, agreement_threshold=0.6)
    scores = np.full((2, K), 0.9, np.float32)
    scores[:, 1] = 0.1
    nobody = Observations.none(UNION)
    people = replace(
        nobody,
        boxes=np.zeros((2, 4), np.float32),
        scores=scores,
        agreement=np.array([0.9, 0.3], np.float32),
    )
    placed = RefinedPoses(
        keypoints_2d=np.ones((2, K, 2), np.float32),
        keypoints_3d=np.ones((2, K, 3), np.float32),
        measured=np.array([False, True]),
    )
    placed.keypoints_3d[0] = np.nan
    placed.keypoints_2d[0, 0] = np.nan
    ids = np.array([9, 4], np.uint32)
    shown = assemble_poses(ids, people, placed, UNION, RootMode.DEPTH, settings, lifted=lifted)
    assert shown.track_ids.tolist() == [4, 9]
    extra = KeypointFlag.LIFTED if lifted else 0
    doubted, unplaced = shown.flags
    doubt = KeypointFlag.METRIC_ROOT | KeypointFlag.DEPTH_ROOT | KeypointFlag.LOW_AGREEMENT | extra
    assert doubted[0] == KeypointFlag.OBSERVED | doubt
    assert doubted[1] == KeypointFlag.PREDICTED | doubt
    seen, guessed = KeypointFlag.OBSERVED | extra, KeypointFlag.PREDICTED | extra
    assert unplaced.tolist() == [0, guessed] + [seen] * (K - 2)
    # Half of the agreement that is asked for: half of the score.
    assert shown.scores[0, 2] == pytest.approx(0.45)
    assert shown.scores[1, 0] == 0
    assert shown.scores[1, 2] == pytest.approx(0.9)
    relative = assemble_poses(ids, people, placed, UNION, RootMode.RELATIVE, settings)
    assert relative.flags[1, 2] == KeypointFlag.OBSERVED


def test_person_score_forgives_a_hidden_half() -> None:
    scores = np.zeros((2, K), np.float32)
    scores[0, : K // 2] = 0.8
    np.testing.assert_allclose(person_scores(scores), [0.8, 0])
