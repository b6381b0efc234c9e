"""Calibration of a detector's scores."""

import numpy as np
import pytest
from scipy.special import expit, logit
from unihpe_ros.core.detector_output import Detections
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.datasets.scene_augment import LabelledPicture
from unihpe_ros.evaluation.detection_report import ScenePredictions
from unihpe_ros.evaluation.detector_calibration import calibrate_detector

PERSON = np.array([[10, 10, 50, 90]], np.float32)
ELSEWHERE = PERSON + 200


def predictions(scores, right):
    """Return pictures of one person and one box, which is right or far away."""
    empty = np.zeros((0, 0, 3), np.uint8)
    found = [
        Detections(PERSON if good else ELSEWHERE, np.array([score], np.float32))
        for score, good in zip(scores, right, strict=True)
    ]
    return ScenePredictions(found, [LabelledPicture(empty, PERSON, np.ones(1))] * len(scores))


def test_the_line_through_logits_is_found_and_the_error_falls():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.06, 0.94, 3000)
    right = rng.random(3000) < expit(2.0 * logit(scores) + 1.0)
    found = calibrate_detector(predictions(scores, right))
    assert found.slope == pytest.approx(2.0, abs=0.25)
    assert found.offset == pytest.approx(1.0, abs=0.25)
    assert found.before > 0.1
    assert found.after < 0.04


@pytest.mark.parametrize('right', [np.ones(100, bool), np.zeros(100, bool), np.ones(3, bool)])
def test_too_little_to_calibrate_by_is_told(right):
    with pytest.raises(DatasetError, match='expected at least 50 boxes, right and wrong ones'):
        calibrate_detector(predictions(np.full(len(right), 0.5), right))
