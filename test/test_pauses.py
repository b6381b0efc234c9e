"""Nobody looked for a while: whoever is there then may be somebody else."""

from test_streams import BOX, CAMERA
from tiny_model import picture
from unihpe_ros.estimator import PoseEstimator


def ids_of(estimator: PoseEstimator, stamps: list[float]) -> list[int]:
    """Show one person at these times; return the id that they end up with."""
    for stamp in stamps:
        poses = estimator.estimate(picture(BOX), CAMERA, stamp)
    return poses.track_ids.tolist()


def test_whoever_is_there_after_a_pause_is_somebody_else(estimator: PoseEstimator) -> None:
    assert ids_of(estimator, [n / 30 for n in range(5)]) == [1]
    # A moment without images, and as long as a person who is lost is remembered.
    assert ids_of(estimator, [0.9 + n / 30 for n in range(5)]) == [1]
    assert ids_of(estimator, [4.9 + n / 30 for n in range(5)]) == [1]
    assert ids_of(estimator, [3600 + n / 30 for n in range(5)]) == [2]
    # A bag that skips years.
    assert ids_of(estimator, [1e9 + n / 30 for n in range(5)]) == [3]


def test_an_image_in_ten_seconds_is_no_pause(estimator: PoseEstimator) -> None:
    assert ids_of(estimator, [10.0 * n for n in range(6)]) == [1]
