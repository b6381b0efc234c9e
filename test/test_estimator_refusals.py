"""Images, stamps, settings and models that the estimator refuses."""

from dataclasses import replace
import math
from pathlib import Path
import re

import numpy as np
import pytest
from tiny_model import person_box, picture
from unihpe_ros.core.pose import RootMode
from unihpe_ros.engines import EngineError
from unihpe_ros.estimator import EstimatorSettings, PoseEstimator
from watched_people import CAMERA, watch


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (np.zeros((480, 640), np.uint8), r'image: .* got \(480, 640\) uint8'),
        (np.zeros((480, 640, 4), np.uint8), r'image: .* got \(480, 640, 4\) uint8'),
        (np.zeros((480, 640, 3)), r'image: expected \(H, W, 3\) uint8; .* float64'),
        (np.zeros((0, 640, 3), np.uint8), r'image: .* got \(0, 640, 3\) uint8'),
        (np.zeros((240, 320, 3), np.uint8), 'camera: expected the size of the image, 320x240'),
    ],
)
def test_malformed_image(estimator: PoseEstimator, image: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimator.estimate(image, CAMERA, 0.0)


@pytest.mark.parametrize('stamp', [math.nan, math.inf])
def test_malformed_stamp(estimator: PoseEstimator, stamp: float) -> None:
    with pytest.raises(ValueError, match='stamp: expected a finite time'):
        estimator.estimate(picture(), CAMERA, stamp)


def test_closed_estimator_says_so(estimator: PoseEstimator) -> None:
    estimator.close()
    with pytest.raises(EngineError, match='expected an open engine'):
        estimator.estimate(picture(), CAMERA, 0.0)


def test_missing_model(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match='expected two files; missing'):
        PoseEstimator(tmp_path / 'nobody')


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('max_people', 0),
        ('score_threshold', 1.0),
        ('agreement_threshold', -0.1),
        ('detector', 'theirs'),
        ('detect_every', 0),
        ('lost_timeout', -1.0),
        ('smooth_min_cutoff', 0.0),
        ('smooth_beta', -1.0),
        ('root_mode', 'somewhere'),
        ('person_height_m', 17.0),
        ('default_fov_deg', 180.0),
        ('detect_threshold', 1.0),
        ('track_timeout', math.inf),
    ],
)
def test_settings_out_of_range_are_named(field: str, value: object) -> None:
    with pytest.raises(
        ValueError, match=rf'EstimatorSettings\.{field}: .*{re.escape(repr(value))}'
    ):
        replace(EstimatorSettings(), **{field: value})


def test_root_mode_may_be_given_by_name(estimator: PoseEstimator) -> None:
    estimator.configure(EstimatorSettings(root_mode='relative'))
    assert watch(estimator, person_box(320, 240, 300)).root_mode is RootMode.RELATIVE
