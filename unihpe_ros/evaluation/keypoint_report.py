"""Accuracy of 2D keypoints found in the image: COCO's protocol, and PCK for every data set."""

from __future__ import annotations

import numpy as np
from unihpe_ros.core.similarity import oks
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.evaluation.predictions import Predictions
from unihpe_ros.evaluation.report import EvaluationReport, Table
from unihpe_ros.metrics import pose as metrics


def record_counts(predicted: Predictions) -> list[str]:
    """Return notes on how many records were read, and how many could not be."""
    skipped = f', {predicted.skipped} unreadable' if predicted.skipped else ''
    damaged = f', {predicted.damaged} damaged shards left out' if predicted.damaged else ''
    return [f'{len(predicted)} records{skipped}{damaged}']


def keypoint_table(predicted: Predictions) -> Table:
    """Return PCK at 0.2 of the torso and the median error of COCO's keypoints in the image."""
    coco = COCO_17.indices_in(UNION)
    truth, found = predicted.truth_2d[:, coco], predicted.keypoints[:, coco]
    errors = np.where(predicted.inside[:, coco], metrics.keypoint_errors(found, truth), np.nan)
    torso = metrics.torso_size(truth)
    # Sets that have joint centres only are measured by those.
    centres = metrics.torso_size(predicted.truth_2d[:, _centres()])
    relative = errors / np.where(np.isfinite(torso), torso, centres)[:, None]
    rows = {}
    for name, column in [*zip(COCO_17.keypoints, relative.T, strict=True), ('all', relative)]:
        known = np.isfinite(column)
        share = 100 * metrics.pck(column, 0.2) if known.any() else float('nan')
        rows[name] = [share, float(np.median(column[known])) if known.any() else float('nan')]
    return Table('2D keypoints', ['PCK 0.2 torso [%]', 'median error [torso]'], rows)


def _centres() -> list[int]:
    """Return COCO's keypoints with the joint centres for shoulders and hips."""
    return UNION.indices(
        *(
            f'{name}_joint' if f'{name}_joint' in UNION.parents else name
            for name in COCO_17.parents
        )
    )


def coco_report(predicted: Predictions) -> EvaluationReport:
    """
    Return COCO's tables: average precision of the keypoints found in the image, and PCK.

    Parameters
    ----------
    predicted : Predictions
        Predictions for COCO.

    """
    coco = COCO_17.indices_in(UNION)
    truth, found = predicted.truth_2d[:, coco], predicted.keypoints[:, coco]
    labelled = np.asarray(np.isfinite(truth).all(-1))
    similarity = oks(found, truth, predicted.areas, labelled)
    confidence = predicted.scores[:, coco].mean(-1)
    rows = {
        'AP, OKS 0.50:0.95 [%]': [
            100 * metrics.average_precision(similarity, confidence, len(predicted))
        ],
        'OKS at least 0.50 [%]': [100 * float((similarity >= 0.5).mean())],
        'OKS at least 0.75 [%]': [100 * float((similarity >= 0.75).mean())],
        'mean OKS [%]': [100 * float(np.nanmean(similarity))],
    }
    notes = [
        'boxes are the true ones: each person is given one answer',
        *record_counts(predicted),
    ]
    table = Table('COCO keypoints', ['image'], rows)
    return EvaluationReport('COCO, validation set', notes, [table, keypoint_table(predicted)])


def photo_scores(predicted: Predictions) -> dict[str, float]:
    """Return photo_pck (0.2 torso, %) and photo_ap (OKS 0.50:0.95, %, true boxes)."""
    tables = coco_report(predicted).tables
    return {
        'photo_pck': tables[1].rows['all'][0],
        'photo_ap': tables[0].rows['AP, OKS 0.50:0.95 [%]'][0],
    }
