"""Calibration of a detector's scores: a straight line through their logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from unihpe_ros.core.geometry import Array
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.evaluation.detection_report import ScenePredictions
from unihpe_ros.evaluation.reliability import Reliability
from unihpe_ros.metrics.detection import OVERLAPS

# Boxes with lower scores say little about those that are used.
_LEAST_SCORE = 0.05
_LEAST_BOXES = 50


@dataclass(frozen=True)
class DetectorCalibration:
    """
    A score's logit becomes ``slope * logit + offset`` (Platt, 1999).

    Parameters
    ----------
    slope, offset : float
        Of the line.
    before, after : float
        Expected calibration error without it and with it; `after` judges the boxes of each half
        of the pictures by the line that the other half asks for.

    """

    slope: float
    offset: float
    before: float
    after: float


def calibrate_detector(predicted: ScenePredictions) -> DetectorCalibration:
    """
    Find the line that makes a box's score the chance that it shows a labelled person (IoU 0.5).

    Parameters
    ----------
    predicted : ScenePredictions
        Detections in pictures that the detector was not trained on, whose people are labelled.

    Raises
    ------
    DatasetError
        If there are not fifty boxes, or all or none of them are right.

    """
    matches = predicted.matches(OVERLAPS[0])
    picture = np.repeat(np.arange(len(matches)), [len(part.scores) for part in matches])
    scores, hits, counts = (
        np.concatenate([getattr(part, name) for part in matches])
        for name in ('scores', 'hits', 'counts')
    )
    kept = counts & (scores >= _LEAST_SCORE)
    values, right = logit(scores[kept].astype(np.float64)), hits[kept]
    if len(right) < _LEAST_BOXES or right.all() or not right.any():
        raise DatasetError(
            f'expected at least {_LEAST_BOXES} boxes, right and wrong ones; got '
            f'{int(right.sum())} right of {len(right)}'
        )
    second = picture[kept] % 2 == 1
    after = np.empty(len(right))
    for half in (second, ~second):
        slope, offset = _line(values[~half], right[~half])
        after[half] = expit(slope * values[half] + offset)
    slope, offset = _line(values, right)
    before = Reliability.of(expit(values), right).error
    return DetectorCalibration(slope, offset, before, Reliability.of(after, right).error)


def _line(values: Array, right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset of the largest likelihood; the order of scores is kept."""

    def cost(line: Array) -> float:
        margin = np.where(right, 1.0, -1.0) * (line[0] * values + line[1])
        return float(np.logaddexp(0, -margin).mean())

    slope, offset = minimize(cost, (1.0, 0.0), bounds=((0.1, 10.0), (None, None))).x
    return float(slope), float(offset)
