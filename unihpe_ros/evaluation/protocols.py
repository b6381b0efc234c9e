"""Evaluation protocols of the public data sets: which keypoints and errors, averaged how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import COCO_17, H36M_17, UNION
from unihpe_ros.datasets.pw3d import Pw3d
from unihpe_ros.datasets.records import Records
from unihpe_ros.evaluation.keypoint_report import keypoint_table, record_counts
from unihpe_ros.evaluation.predictions import Predictions
from unihpe_ros.evaluation.tables import EvaluationReport, Table
from unihpe_ros.metrics import pose_errors as metrics

_MM = 1000.0
_ROOT = UNION.index('pelvis')
_BOXES = 'boxes are the true ones'
_LIMBS = tuple(
    f'{side}_{joint}'
    for joint in ('hip_joint', 'knee', 'ankle', 'shoulder_joint', 'elbow', 'wrist')
    for side in ('left', 'right')
)
_SMPL = (
    "PA-MPJPE-14 (SMPL joints): not the paper's joints and not comparable with its number, which "
    'needs Human3.6M joints regressed from the surface (h36m_joints, see datasets/pw3d.py)'
)
PCK_LIMIT_MM = 150.0
AUC_LIMITS_MM = np.arange(0, 151, 5)
_PCK_TITLE = 'PCK 150 mm [%]'


@dataclass(frozen=True)
class EvaluationProtocol:
    """
    Protocol of a data set: the keypoints and errors to report, and how they are averaged.

    Parameters
    ----------
    title : str
        Its name.
    kind : str
        Data set, a key of `datasets.catalogue.DATASET_KINDS`.
    headline : str
        Key of MEASURES: what the tables by group and by keypoint show.
    keypoints : Sequence[str]
        Keypoints that count, where the data set knows them.
    group : str
        What the data set's groups are; empty for none.
    equal_groups : bool
        Whether every group weighs the same, and not every record.
    notes : Sequence[str]
        What to know when comparing.

    """

    title: str
    kind: str
    headline: str
    keypoints: Sequence[str]
    group: str
    equal_groups: bool
    notes: Sequence[str]


PROTOCOLS: Mapping[str, EvaluationProtocol] = {
    'h36m-p1': EvaluationProtocol(
        *('Human3.6M, protocol 1', 'human36m', 'MPJPE [mm]', H36M_17.keypoints, 'action', True),
        ('S9 and S11, 17 joints, the root at zero and counted', _BOXES),
    ),
    'h36m-p2': EvaluationProtocol(
        *('Human3.6M, protocol 2', 'human36m', 'PA-MPJPE [mm]', H36M_17.keypoints, 'action', True),
        ('S9 and S11, 17 joints, similarity without reflection', _BOXES),
    ),
    '3dpw': EvaluationProtocol(
        *('3DPW, test split', 'pw3d', 'PA-MPJPE [mm]', ('pelvis', *_LIMBS, 'neck'), 'sequence'),
        *(False, ('frames with a valid camera pose', _SMPL, _BOXES)),
    ),
    '3dhp': EvaluationProtocol(
        *('MPI-INF-3DHP, test set', 'mpi_inf_3dhp', _PCK_TITLE, (*_LIMBS, 'neck', 'head_top')),
        *('sequence', False, ('valid frames, universal skeleton, 14 joints, root pelvis', _BOXES)),
    ),
    'synthetic': EvaluationProtocol(
        *('Rendered people', 'synthetic', 'MPJPE [mm]', H36M_17.keypoints, '', False),
        ('17 joints of Human3.6M, the root at zero and counted', _BOXES),
    ),
}

# 3DPW with the joints of the paper's protocol.
_REGRESSED = replace(
    PROTOCOLS['3dpw'],
    keypoints=(*_LIMBS, 'neck', 'head_top'),
    notes=('frames with a valid camera pose', '14 regressed joints', _BOXES),
)


def protocol_of(name: str, records: Records) -> EvaluationProtocol:
    """Return a protocol by its name; 3DPW's depends on which joints the set was read with."""
    if isinstance(records, Pw3d) and records.has_h36m_joints:
        return _REGRESSED
    return PROTOCOLS[name]


def _mpjpe(errors: Array, _: Array) -> float:
    return float(np.nanmean(errors)) if np.isfinite(errors).any() else float('nan')


def _pa_mpjpe(_: Array, aligned: Array) -> float:
    return _mpjpe(aligned, aligned)


def _pck(errors: Array, _: Array) -> float:
    known = np.isfinite(errors).any()
    return 100 * metrics.pck(errors, PCK_LIMIT_MM) if known else float('nan')


def _auc(errors: Array, _: Array) -> float:
    known = np.isfinite(errors).any()
    return 100 * metrics.auc(errors, list(AUC_LIMITS_MM)) if known else float('nan')


# Figures from errors ``(N, K)`` mm of root-relative poses, and of poses aligned by similarity.
MEASURES: Mapping[str, Callable[[Array, Array], float]] = {
    'MPJPE [mm]': _mpjpe,
    'PA-MPJPE [mm]': _pa_mpjpe,
    _PCK_TITLE: _pck,
    'AUC 0 to 150 mm [%]': _auc,
}


def pose_errors(
    predicted: Predictions, keypoints: Sequence[str]
) -> Mapping[str, tuple[Array, Array]]:
    """
    Return the errors of all 3D poses, before and after alignment.

    Parameters
    ----------
    predicted : Predictions
        Predictions of a model.
    keypoints : Sequence[str]
        Keypoints that count.

    Returns
    -------
    Mapping[str, tuple[NDArray, NDArray]]
        By source of the pose, ``(N, K)`` mm: with both roots at zero, and after the best
        similarity transform of these keypoints; NaN where the truth is unknown.

    """
    chosen = UNION.indices(*keypoints)
    truth = _MM * (predicted.truth - predicted.truth[:, _ROOT : _ROOT + 1])
    errors: dict[str, tuple[Array, Array]] = {}
    for name, poses in predicted.poses.items():
        relative = _MM * (poses - poses[:, _ROOT : _ROOT + 1]).astype(np.float64)
        relative, wanted = relative[:, chosen], truth[:, chosen]
        errors[name] = (
            metrics.keypoint_errors(relative, wanted),
            metrics.keypoint_errors(metrics.align(relative, wanted), wanted),
        )
    return errors


def pose_report(protocol: EvaluationProtocol, predicted: Predictions) -> EvaluationReport:
    """
    Return the tables of a 3D protocol.

    The first has all the measures; then follow the headline by group and by keypoint.

    Parameters
    ----------
    protocol : EvaluationProtocol
        What to measure.
    predicted : Predictions
        Predictions for the protocol's data set.

    """
    known = np.asarray(np.isfinite(predicted.truth).any((0, 2)))
    keypoints = [name for name in protocol.keypoints if known[UNION.index(name)]]
    errors = pose_errors(predicted, keypoints)
    groups = np.array(predicted.groups)
    names = sorted(set(predicted.groups))
    by_group = {
        measure: {
            group: [
                figure(aside[groups == group], aligned[groups == group])
                for aside, aligned in errors.values()
            ]
            for group in names
        }
        for measure, figure in MEASURES.items()
    }
    rows = {
        measure: _mean(list(by_group[measure].values()))
        if protocol.equal_groups
        else [figure(*pair) for pair in errors.values()]
        for measure, figure in MEASURES.items()
    }
    title = f'Mean over {len(names)} {protocol.group}s' if protocol.equal_groups else 'All records'
    tables = [Table(title, list(errors), rows)]
    if protocol.group:
        table = {**by_group[protocol.headline], title.lower(): rows[protocol.headline]}
        tables.append(Table(f'{protocol.headline} by {protocol.group}', list(errors), table))
    figure = MEASURES[protocol.headline]
    table = {
        name: [figure(aside[:, [i]], aligned[:, [i]]) for aside, aligned in errors.values()]
        for i, name in enumerate(keypoints)
    }
    tables.append(Table(f'{protocol.headline} by keypoint', list(errors), table))
    if np.isfinite(predicted.truth_2d[:, COCO_17.indices_in(UNION)]).any() and 'image' in errors:
        tables.append(keypoint_table(predicted))
    counted = f'{len(keypoints)} keypoints counted: {", ".join(keypoints)}'
    return EvaluationReport(
        protocol.title, [*protocol.notes, counted, *record_counts(predicted)], tables
    )


def _mean(rows: Sequence[Sequence[float]]) -> list[float]:
    return [float(value) for value in np.mean(np.array(rows, np.float64), 0)]
