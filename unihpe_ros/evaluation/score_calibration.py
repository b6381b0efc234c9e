"""Calibration of keypoint scores by the temperature of their logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.keypoint_sigmas import COCO_SIGMAS
from unihpe_ros.core.simcc import read_keypoints
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.datasets.augment import crop_record
from unihpe_ros.datasets.records import DatasetError, Records
from unihpe_ros.evaluation.keypoint_report import reliability
from unihpe_ros.evaluation.predictor import Predictor
from unihpe_ros.evaluation.reliability import Reliability
from unihpe_ros.metrics.pose_errors import keypoint_errors, torso_size

# Temperatures to try: below 1 scores get lower, above 1 higher.
_TEMPERATURES = np.arange(0.6, 2.01, 0.05)
_BATCH, _BLOCK = 32, 5


@dataclass(frozen=True)
class ScoreCalibration:
    """
    Result of a calibration: temperature, and the error before and after.

    Parameters
    ----------
    temperature : float
        Factor on the SimCC logits (Guo et al., 2017, call its inverse the temperature).
    before, after : float
        Expected calibration error without it and with it; `after` judges each half of the people
        by the factor that the other half asks for.

    """

    temperature: float
    before: float
    after: float


@dataclass(frozen=True)
class _Outputs:
    """Outputs of an image branch for N people, and their true keypoints, crop px."""

    simcc_x: Array
    simcc_y: Array
    visibility: Array
    truth: Array
    ratio: float

    def __len__(self) -> int:
        return len(self.truth)

    def reliability(self, factor: float, rows: NDArray[np.intp]) -> Reliability:
        """Return how often keypoints of a score are right, of some people at a temperature."""
        keypoints, scores = read_keypoints(
            {
                'simcc_x': self.simcc_x[rows] * factor,
                'simcc_y': self.simcc_y[rows] * factor,
                'visibility': self.visibility[rows],
            },
            self.ratio,
            COCO_SIGMAS,
        )
        torso = torso_size(self.truth[rows])
        relative = keypoint_errors(keypoints, self.truth[rows]) / torso[:, None]
        return reliability(relative, scores)

    def best(self, rows: NDArray[np.intp]) -> float:
        """Return the temperature of least calibration error of some people."""
        errors = [self.reliability(factor, rows).error for factor in _TEMPERATURES]
        return float(_TEMPERATURES[int(np.argmin(errors))])


def calibrate(predictor: Predictor, records: Records) -> ScoreCalibration:
    """
    Find the temperature at which scores of an image branch are the chance of being right.

    Parameters
    ----------
    predictor : Predictor
        The model.
    records : Records
        People in pictures that it was not trained on, with labelled shoulders and hips.

    Raises
    ------
    DatasetError
        If there are not ten such people.

    """
    outputs = _outputs(predictor, records)
    everybody = np.arange(len(outputs))
    # People of a picture follow each other, and so do those of a source: blocks part the former
    # seldom and spread the latter.
    second = np.asarray(everybody // _BLOCK % 2 == 1)
    halves = [everybody[~second], everybody[second]]
    after = [
        outputs.reliability(outputs.best(other), half).error * len(half)
        for half, other in (halves, halves[::-1])
    ]
    return ScoreCalibration(
        temperature=outputs.best(everybody),
        before=outputs.reliability(1.0, everybody).error,
        after=sum(after) / len(everybody),
    )


def _outputs(predictor: Predictor, records: Records) -> _Outputs:
    coco = COCO_17.indices_in(UNION)
    parts: dict[str, list[Array]] = {name: [] for name in ('simcc_x', 'simcc_y', 'visibility')}
    truth: list[Array] = []
    for start in tqdm(range(0, len(records), _BATCH), desc='calibrating', unit='batch', delay=2):
        images = []
        for index in range(start, min(start + _BATCH, len(records))):
            try:
                sample = crop_record(records[index], predictor.size, padding=predictor.padding)
            except DatasetError:
                # Evaluation counts and reports them.
                continue
            labelled = np.where(sample.visibility[coco, None] > 0, sample.keypoints[coco], np.nan)
            if np.isfinite(torso_size(labelled)):
                images.append(sample.image)
                truth.append(labelled)
        if images:
            answer = predictor.encode_image(np.stack(images))
            for name, values in parts.items():
                values.append(answer[name][:, coco])
    if len(truth) < 10:
        raise DatasetError(
            f'expected at least 10 people with labelled shoulders and hips; got {len(truth)}'
        )
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    return _Outputs(**joined, truth=np.stack(truth), ratio=predictor.simcc_ratio)
