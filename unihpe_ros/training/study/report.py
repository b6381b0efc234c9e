"""The table of a study: mean and spread over the seeds of each variant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from unihpe_ros.core.geometry import Array
from unihpe_ros.evaluation.tables import EvaluationReport, Table
from unihpe_ros.training.study.study_config import Result, Study

_TITLES = {'modalities': 'Contrastive losses', 'lifters': 'Lifters'}


def study_report(study: Study, results: Sequence[Result]) -> EvaluationReport:
    """
    Return the table of a study.

    Parameters
    ----------
    study : Study
        The study.
    results : Sequence[Result]
        Its runs; those that failed count for nothing, and are named.

    """
    columns = list(dict.fromkeys(name for result in results for name in result.scores))
    means, spreads = {}, {}
    for variant in study.variants:
        rows = [
            [result.scores.get(name, np.nan) for name in columns]
            for result in results
            if result.variant == variant and result.scores
        ]
        values = np.array(rows).reshape(len(rows), len(columns))
        known = [column[np.isfinite(column)] for column in values.T]
        means[variant] = [float(column.mean()) if len(column) else np.nan for column in known]
        spreads[variant] = [_spread(column) for column in known]
    table = Table('Mean ± standard deviation over the seeds', columns, means, spreads)
    return EvaluationReport(_TITLES[study.kind], _notes(study, results), [table])


def _spread(values: Array) -> float:
    """Return the standard deviation; NaN if it is zero or of one value."""
    return float(values.std(ddof=1)) if len(values) > 1 and np.ptp(values) > 0 else np.nan


def _notes(study: Study, results: Sequence[Result]) -> list[str]:
    config = study.config(next(iter(study.variants)), study.seeds[0])
    crops = f', {config.image_batch} crops of {config.preset}' if config.images else ''
    poses = f', {config.pose_batch} projected poses' if config.poses else ''
    notes = [
        f'{len(study.seeds)} seeds; {config.steps} steps a run{crops}{poses} a step',
        f'scored on {study.limit} held-out records at most, 17 joints of Human3.6M, '
        'averaged weights',
    ]
    if study.kind == 'modalities':
        chance = 100 / study.limit
        notes.append(f'chance of R@1: {chance:.2g} %; retrieval in mm: MPJPE of the pose found')
    if len(results) < len(study.variants) * len(study.seeds):
        done = [sum(one.variant == name for one in results) for name in study.variants]
        counts = (f'{name} {count}' for name, count in zip(study.variants, done, strict=True))
        notes.append(f'unfinished; runs so far: {", ".join(counts)}')
    failed = [one for one in results if one.failure]
    return notes + [f'{one.variant}, seed {one.seed}: {one.failure}' for one in failed]
