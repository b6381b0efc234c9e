"""Accuracy of 2D keypoints found in the image: COCO's protocol, and PCK for every data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import itertools

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.pose import person_scores
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.evaluation.coco_eval import keypoint_precision
from unihpe_ros.evaluation.predictions import Predictions
from unihpe_ros.evaluation.reliability import Reliability
from unihpe_ros.evaluation.tables import EvaluationReport, Table
from unihpe_ros.metrics import pose_errors as metrics

# Heights of people by which photographs are grouped, px.
_HEIGHTS = (0.0, 80.0, 160.0, 240.0, np.inf)
# A keypoint is right if it lies within this share of the torso.
RIGHT = 0.2
# People with fewer labelled keypoints are not among the worst.
_LABELLED = 4


def record_counts(predicted: Predictions) -> list[str]:
    """Return notes on how many records were read, and how many could not be."""
    skipped = f', {predicted.skipped} unreadable' if predicted.skipped else ''
    damaged = f', {predicted.damaged} damaged shards left out' if predicted.damaged else ''
    return [f'{len(predicted)} records{skipped}{damaged}']


def keypoint_table(predicted: Predictions) -> Table:
    """Return PCK at 0.2 of the torso and the median error of COCO's keypoints in the image."""
    coco = COCO_17.indices_in(UNION)
    relative = _torso_errors(predicted, predicted.keypoints[:, coco])
    scores = predicted.scores[:, coco]
    parts = {name: np.s_[:, i] for i, name in enumerate(COCO_17.keypoints)} | {'all': np.s_[:]}
    rows = {}
    for name, part in parts.items():
        column = relative[part]
        known = np.isfinite(column)
        rows[name] = [float('nan')] * 3
        if known.any():
            apart = reliability(column, scores[part]).error
            share = metrics.pck(column, RIGHT)
            rows[name] = [100 * share, float(np.median(column[known])), 100 * apart]
    columns = ['PCK 0.2 torso [%]', 'median error [torso]', 'calibration error of scores [%]']
    return Table('2D keypoints', columns, rows)


def reliability(relative: Array, scores: Array) -> Reliability:
    """Return how often keypoints of a score are right, of ``(...)`` errors in torsos; NaN: no."""
    known = np.isfinite(relative)
    return Reliability.of(scores[known], relative[known] < RIGHT)


def worst_people(predicted: Predictions, count: int) -> NDArray[np.intp]:
    """Return the numbers of the people whose labelled keypoints are furthest off, worst first."""
    relative = _torso_errors(predicted, ImageKeypoints.of(predicted).keypoints)
    known = np.isfinite(relative)
    labelled = known.sum(1)
    # Errors above one torso count as one torso.
    mean = np.where(known, np.minimum(relative, 1.0), 0).sum(1) / np.maximum(labelled, 1)
    order = np.argsort(-np.where(labelled >= _LABELLED, mean, -1.0), kind='stable')
    return order[:count][labelled[order[:count]] >= _LABELLED]


def _torso_errors(predicted: Predictions, found: Array) -> Array:
    """
    Return the errors of keypoints as shares of each person's torso.

    Parameters
    ----------
    predicted : Predictions
        N people with true 2D keypoints.
    found : NDArray
        ``(N, 17, 2)`` COCO's keypoints that a network found, px.

    Returns
    -------
    NDArray
        ``(N, 17)``; NaN where the truth is unknown or outside, or the torso's size is unknown.

    """
    coco = COCO_17.indices_in(UNION)
    truth = predicted.truth_2d[:, coco]
    errors = np.where(predicted.inside[:, coco], metrics.keypoint_errors(found, truth), np.nan)
    torso = metrics.torso_size(truth)
    # Sets that have joint centres only are measured by those.
    centres = metrics.torso_size(predicted.truth_2d[:, _centres()])
    return np.asarray(errors / np.where(np.isfinite(torso), torso, centres)[:, None])


def _centres() -> list[int]:
    """Return COCO's keypoints with the joint centres for shoulders and hips."""
    return UNION.indices(
        *(
            f'{name}_joint' if f'{name}_joint' in UNION.parents else name
            for name in COCO_17.parents
        )
    )


def coco_report(
    predicted: Predictions, peers: Mapping[str, ImageKeypoints] | None = None
) -> EvaluationReport:
    """
    Return COCO's tables: average precision of the keypoints found in the image, and PCK.

    Parameters
    ----------
    predicted : Predictions
        Predictions for COCO.
    peers : Mapping[str, ImageKeypoints], optional
        See `photo_report`.

    """
    models = {'image': ImageKeypoints.of(predicted), **(peers or {})}
    figures = [found.precision(predicted) for found in models.values()]
    rows = {f'{name} [%]': [one[name] for one in figures] for name in figures[0]}
    notes = [
        'boxes are the true ones: each person is given one answer',
        *record_counts(predicted),
    ]
    table = Table('COCO keypoints', list(models), rows)
    return EvaluationReport('COCO, validation set', notes, [table, keypoint_table(predicted)])


def photo_scores(predicted: Predictions) -> dict[str, float]:
    """Return photo_pck (0.2 torso, %) and photo_ap (COCO's AP, %, true boxes)."""
    ours = ImageKeypoints.of(predicted)
    return {'photo_pck': ours.pck(predicted), 'photo_ap': ours.precision(predicted)['AP']}


def photo_report(
    predicted: Predictions, peers: Mapping[str, ImageKeypoints] | None = None
) -> EvaluationReport:
    """
    Draw up the tables of people in photographs: all, by source and by size, beside other networks.

    Parameters
    ----------
    predicted : Predictions
        The model's predictions for photographs.
    peers : Mapping[str, ImageKeypoints], optional
        What other networks find, given the same boxes, by their names.

    """
    models = {'this model': ImageKeypoints.of(predicted), **(peers or {})}
    names = ('PCK 0.2 torso [%]', 'AP [%]', 'AP50 [%]', 'AP75 [%]')
    rows = {}
    for name, found in models.items():
        precision = found.precision(predicted)
        rows[name] = [found.pck(predicted), *(precision[key] for key in ('AP', 'AP50', 'AP75'))]
    heights = predicted.boxes[:, 3] - predicted.boxes[:, 1]
    groups = np.array(predicted.groups)
    parts = {
        **{f'source {name}': groups == name for name in sorted(set(predicted.groups))},
        **{
            f'{low:.0f} to {high:.0f} px high': (heights >= low) & (heights < high)
            for low, high in itertools.pairwise(_HEIGHTS)
        },
    }
    columns = [f'{name}: {figure}' for name in models for figure in ('PCK', 'AP')]
    by_part = {
        f'{part} ({chosen.sum()})': [
            value
            for found in models.values()
            for value in (
                found.pck(predicted, chosen),
                found.precision(predicted, chosen)['AP'],
            )
        ]
        for part, chosen in parts.items()
        if chosen.any()
    }
    notes = [
        'boxes are the true ones: each person is given one answer',
        "AP is COCO's, OKS 0.50:0.95, computed by faster-coco-eval",
        *record_counts(predicted),
    ]
    tables = [
        Table('All people', names, rows),
        Table('By source and by height', columns, by_part),
        keypoint_table(predicted),
        photo_reliability(predicted).table(),
    ]
    return EvaluationReport('Photographs', notes, tables)


def photo_reliability(predicted: Predictions) -> Reliability:
    """Return how often COCO's keypoints of a score are right."""
    ours = ImageKeypoints.of(predicted)
    return reliability(_torso_errors(predicted, ours.keypoints), ours.scores)


@dataclass(frozen=True)
class ImageKeypoints:
    """
    COCO's keypoints that a network finds in the pictures of N people whose boxes it is given.

    Parameters
    ----------
    keypoints : NDArray
        ``(N, 17, 2)`` px of the picture.
    scores : NDArray
        ``(N, 17)`` confidence.

    """

    keypoints: Array
    scores: Array

    @classmethod
    def of(cls, predicted: Predictions) -> ImageKeypoints:
        """Return COCO's keypoints of predictions."""
        coco = COCO_17.indices_in(UNION)
        return cls(predicted.keypoints[:, coco], predicted.scores[:, coco])

    def precision(
        self, predicted: Predictions, chosen: NDArray[np.bool_] | None = None
    ) -> Mapping[str, float]:
        """
        Return COCO's figures, %, of the chosen people; see `coco_eval.keypoint_precision`.

        People are ranked as everywhere else: by `core.pose.person_scores`.
        """
        rows = np.arange(len(predicted)) if chosen is None else np.flatnonzero(chosen)
        return keypoint_precision(
            [predicted.images[int(row)] for row in rows],
            predicted.truth_2d[rows][:, COCO_17.indices_in(UNION)],
            predicted.areas[rows],
            self.keypoints[rows],
            person_scores(self.scores[rows]),
        )

    def pck(self, predicted: Predictions, chosen: NDArray[np.bool_] | None = None) -> float:
        """Return the share of labelled keypoints within 0.2 of the torso, %; NaN without any."""
        relative = _torso_errors(predicted, self.keypoints)
        relative = relative if chosen is None else relative[chosen]
        known = np.isfinite(relative)
        return 100 * metrics.pck(relative, RIGHT) if known.any() else float('nan')
