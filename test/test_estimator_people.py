"""Who the estimator follows from image to image, and when it starts over."""

from pathlib import Path

import numpy as np
import pytest
from tiny_estimator import tiny_estimator
from tiny_model import Box, keypoints_in, person_box, picture
from unihpe_ros.core.pose import KeypointFlag, RootMode
from unihpe_ros.estimator import EstimatorSettings, PoseEstimator
from watched_people import CAMERA, RATE, watch

pytestmark = pytest.mark.slow


def test_several_people_keep_their_ids_while_they_walk(estimator: PoseEstimator) -> None:
    def people(frame: int) -> list[Box]:
        return [
            person_box(80 + 2 * frame, 240, 260),
            person_box(330, 200, 180),
            person_box(560 - 2 * frame, 300, 240),
        ]

    seen = []
    for frame in range(45):
        poses = estimator.estimate(picture(*people(frame)), CAMERA, frame / RATE)
        seen.append(
            {
                int(
                    np.abs(keypoints - [keypoints_in(box) for box in people(frame)])
                    .mean((1, 2))
                    .argmin()
                ): int(i)
                for keypoints, i in zip(poses.keypoints_2d, poses.track_ids, strict=True)
            }
        )
    assert len(seen[-1]) == 3
    assert all(poses == seen[-1] for poses in seen[30:])
    for box, person in seen[-1].items():
        assert all(poses.get(box, person) == person for poses in seen)
    assert len({person for poses in seen for person in poses.values()}) == 3


def test_newcomer_is_found_while_another_is_followed(estimator: PoseEstimator) -> None:
    first, second = person_box(150, 240, 300), person_box(450, 240, 250)
    assert len(watch(estimator, first)) == 1
    poses = watch(estimator, first, second, frames=40, start=1.0)
    assert poses.track_ids.tolist() == [1, 2]


def test_limit_of_one_person(model: Path) -> None:
    estimator = tiny_estimator(model, EstimatorSettings(max_people=1))
    people = person_box(150, 240, 300), person_box(450, 240, 250)
    assert watch(estimator, *people, frames=40).track_ids.tolist() == [1]


def test_unseen_person_coasts_with_falling_scores_and_ends(estimator: PoseEstimator) -> None:
    last = watch(estimator, person_box(320, 240, 300))
    for frame in range(4, 18):
        poses = estimator.estimate(picture(), CAMERA, frame / RATE)
        assert poses.track_ids.tolist() == [1]
        assert (poses.scores < last.scores).all()
        assert (poses.flags & KeypointFlag.PREDICTED).all()
        assert not (poses.flags & KeypointFlag.OBSERVED).any()
        np.testing.assert_allclose(poses.keypoints_3d, last.keypoints_3d, atol=0.02)
        last = poses
    for frame in range(18, 21):
        poses = estimator.estimate(picture(), CAMERA, frame / RATE)
    assert len(poses) == 0


def test_time_that_jumps_back_starts_over(estimator: PoseEstimator) -> None:
    box = person_box(320, 240, 300)
    assert watch(estimator, box, start=100.0).track_ids.tolist() == [1]
    assert len(estimator.estimate(picture(), CAMERA, 5.0)) == 0
    assert watch(estimator, box, frames=15, start=6.0).track_ids.tolist() == [2]


def test_image_of_another_size_starts_over(estimator: PoseEstimator) -> None:
    watch(estimator, person_box(320, 240, 300))
    small = picture(person_box(160, 120, 150), size=(320, 240))
    assert len(estimator.estimate(small, None, 1.0)) == 0


def test_nobody_coasts_from_one_root_mode_into_another(estimator: PoseEstimator) -> None:
    watch(estimator, person_box(320, 240, 300))
    estimator.configure(EstimatorSettings(root_mode=RootMode.RELATIVE))
    poses = estimator.estimate(picture(), CAMERA, 4 / RATE)
    assert len(poses) == 0
    assert poses.root_mode is RootMode.RELATIVE


def test_nobody_coasts_from_an_assumed_view_into_a_calibrated_one(
    estimator: PoseEstimator,
) -> None:
    for frame in range(4):
        poses = estimator.estimate(picture(person_box(320, 240, 300)), None, frame / RATE)
    assert len(poses) == 1
    assert len(estimator.estimate(picture(), None, 4 / RATE)) == 1
    assert len(estimator.estimate(picture(), CAMERA, 5 / RATE)) == 0


def test_reset_forgets_everybody(estimator: PoseEstimator) -> None:
    box = person_box(320, 240, 300)
    watch(estimator, box)
    estimator.reset()
    assert len(estimator.estimate(picture(box), CAMERA, 1.0)) == 0
    assert estimator.estimate(picture(box), CAMERA, 1.1).track_ids.tolist() == [2]
