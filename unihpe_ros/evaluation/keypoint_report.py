"""Figures of the 2D keypoints found in the image: COCO's protocol, and PCK for every set."""

from __future__ import annotations

import numpy as np
from unihpe_ros.core.similarity import oks
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.evaluation.answers import Answers
from unihpe_ros.evaluation.report import Report, Table
from unihpe_ros.metrics import pose as metrics


def reading(answers: Answers) -> list[str]:
    """Note how many records the figures come from."""
    skipped = f', {answers.skipped} unreadable' if answers.skipped else ''
    damaged = f', {answers.damaged} damaged shards left out' if answers.damaged else ''
    return [f'{len(answers)} records{skipped}{damaged}']


def keypoint_table(answers: Answers) -> Table:
    """Return PCK at 0.2 of the torso and the median error of COCO's keypoints in the image."""
    coco = COCO_17.indices_in(UNION)
    truth, found = answers.truth_2d[:, coco], answers.keypoints[:, coco]
    errors = np.where(answers.inside[:, coco], metrics.keypoint_errors(found, truth), np.nan)
    torso = metrics.torso_size(truth)
    # Sets that have joint centres only are measured by those.
    centres = metrics.torso_size(answers.truth_2d[:, _centres()])
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


def coco_report(answers: Answers) -> Report:
    """
    Draw up COCO's tables: average precision of the image's own keypoints, and PCK.

    Parameters
    ----------
    answers : Answers
        The model's answers to COCO.

    """
    coco = COCO_17.indices_in(UNION)
    truth, found = answers.truth_2d[:, coco], answers.keypoints[:, coco]
    labelled = np.asarray(np.isfinite(truth).all(-1))
    similarity = oks(found, truth, answers.areas, labelled)
    confidence = answers.scores[:, coco].mean(-1)
    rows = {
        'AP, OKS 0.50:0.95 [%]': [
            100 * metrics.average_precision(similarity, confidence, len(answers))
        ],
        'OKS at least 0.50 [%]': [100 * float((similarity >= 0.5).mean())],
        'OKS at least 0.75 [%]': [100 * float((similarity >= 0.75).mean())],
        'mean OKS [%]': [100 * float(np.nanmean(similarity))],
    }
    notes = ['boxes are the true ones: each person is given one answer', *reading(answers)]
    table = Table('COCO keypoints', ['image'], rows)
    return Report('COCO, validation set', notes, [table, keypoint_table(answers)])
