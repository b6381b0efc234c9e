"""Accuracy against ground truth, as sums that several recordings may add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.skeleton import COCO_17, H36M_17
from unihpe_ros.metrics.matching import match_people, MAX_OFFSET, MIN_IN_SIGHT, offsets
from unihpe_ros.metrics.pose_errors import align, keypoint_errors, torso_size
from unihpe_ros.metrics.tracking import TrackingCounts, TrackingMeter

PCK_TORSO = 0.2
PCK_MM = 150.0
_ROOT = H36M_17.index('pelvis')
_SUMS = ('error_px', 'root_share', 'pck_2d', 'pck_3d')


class TruthMeter:
    """
    Comparison of predicted with true people, image by image.

    Pairs and id switches follow CLEAR MOT (Bernardin & Stiefelhagen 2008): a pair is kept while
    its two people are near each other, and a switch is counted when a true person is found under
    another id than the last time, however long ago.

    """

    def __init__(self) -> None:
        self._tracking = TrackingMeter(MAX_OFFSET)
        self._frames = 0
        self._sums = {name: [0.0, 0] for name in _SUMS}
        # Sum of errors, sum of errors after alignment (mm), and how many.
        self._joints = np.zeros((len(H36M_17), 3))

    def add(self, predicted: Poses, truth: Poses) -> dict[str, float]:
        """
        Compare the people of one image.

        Barely visible people (fewer than MIN_IN_SIGHT keypoints flagged OBSERVED) need not be
        found but may be; a predicted person without any observed keypoint is remembered, not seen,
        and does not count.

        Parameters
        ----------
        predicted : Poses
            What was found.
        truth : Poses
            The true people, any keypoint set; keypoints in sight are flagged OBSERVED.

        Returns
        -------
        dict[str, float]
            error_px, mpjpe_mm (means over people found), missed, extra, and badness: the mean
            offset of a person's keypoints as a share of the person's extent, where someone missed
            and someone who is nobody count 1.

        """
        truth = truth.to(predicted.skeleton)
        wanted = np.flatnonzero(truth.observed.sum(-1) >= MIN_IN_SIGHT)
        seen = np.flatnonzero(predicted.observed.any(-1))
        seen = _without_bystanders(predicted, seen, truth, wanted)
        apart = offsets(predicted.keypoints_2d[seen], truth.keypoints_2d[wanted]).T
        pairs = self._tracking.add(
            truth.track_ids[wanted].tolist(), predicted.track_ids[seen].tolist(), apart
        )
        self._frames += 1
        fits = [self._compare(predicted, int(seen[n]), truth, int(wanted[m])) for m, n in pairs]
        missed, extra = len(wanted) - len(pairs), len(seen) - len(pairs)
        near = sum(float(apart[pair]) for pair in pairs)
        return {
            'error_px': _mean([fit[0] for fit in fits]),
            'mpjpe_mm': _mean([fit[1] for fit in fits]),
            'missed': missed,
            'extra': extra,
            'badness': (near + missed + extra) / max(len(wanted) + extra, 1),
        }

    def _compare(self, predicted: Poses, n: int, truth: Poses, m: int) -> tuple[float, float]:
        """Return mean error in the image, px, and MPJPE, mm; NaN where unknown."""
        flat = keypoint_errors(predicted.keypoints_2d[n], truth.keypoints_2d[m])
        error_px = _mean(flat.tolist())
        self._add('error_px', error_px)
        coco = truth.to(COCO_17).keypoints_2d[m]
        errors = keypoint_errors(predicted.to(COCO_17).keypoints_2d[n], coco)
        self._add_share('pck_2d', errors, PCK_TORSO * float(torso_size(coco)))
        pose, true_pose = (
            poses.to(H36M_17).keypoints_3d[i].astype(np.float64)
            for poses, i in ((predicted, n), (truth, m))
        )
        if not (np.isfinite(pose[_ROOT]).all() and np.isfinite(true_pose[_ROOT]).all()):
            return error_px, math.nan
        if predicted.root_mode is not RootMode.RELATIVE:
            off = float(np.linalg.norm(pose[_ROOT] - true_pose[_ROOT]))
            self._add('root_share', off / max(float(np.linalg.norm(true_pose[_ROOT])), 1e-9))
        errors = 1e3 * keypoint_errors(pose - pose[_ROOT], true_pose - true_pose[_ROOT])
        aligned = 1e3 * keypoint_errors(align(pose, true_pose), true_pose)
        self._add_share('pck_3d', errors, PCK_MM)
        known = np.isfinite(errors)
        for column, values in enumerate((errors, aligned, known)):
            self._joints[:, column] += np.where(known, values, 0)
        return error_px, float(errors[known].mean())

    def _add(self, name: str, value: float) -> None:
        if math.isfinite(value):
            self._sums[name][0] += value
            self._sums[name][1] += 1

    def _add_share(self, name: str, errors: NDArray[np.float64], threshold: float) -> None:
        known = errors[np.isfinite(errors)]
        if math.isfinite(threshold):
            self._sums[name][0] += int((known <= threshold).sum())
            self._sums[name][1] += len(known)

    def result(self) -> dict[str, Any]:
        """Return the sums so far, as a report holds them."""
        return {
            'frames': self._frames,
            'tracking': asdict(self._tracking.result()),
            'sums': {name: list(values) for name, values in self._sums.items()},
            'joints': dict(zip(H36M_17.keypoints, self._joints.tolist(), strict=True)),
        }


def accuracy(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """
    Return the figures of one or several recordings.

    Parameters
    ----------
    results : Sequence[Mapping[str, Any]]
        What `TruthMeter.result` returned.

    Returns
    -------
    dict[str, Any]
        Figures as docs/bench_report.md describes them; NaN where nothing could be compared.

    """
    counts = sum((TrackingCounts(**one['tracking']) for one in results), TrackingCounts())
    joints = sum((_joint_sums(one) for one in results), np.zeros((len(H36M_17), 3)))
    sums = {name: [sum(one['sums'][name][i] for one in results) for i in (0, 1)] for name in _SUMS}
    total, total_aligned, known = joints.sum(0)
    return {
        'frames': sum(one['frames'] for one in results),
        'people': counts.truths,
        'found': counts.hits,
        'missed': counts.misses,
        'extra': counts.extra,
        'id_switches': counts.switches,
        'recall': _ratio(counts.hits, counts.truths),
        'mota': counts.mota,
        'idf1': counts.idf1,
        'error_px': _ratio(*sums['error_px']),
        'pck_2d': _ratio(*sums['pck_2d']),
        'mpjpe_mm': _ratio(total, known),
        'pa_mpjpe_mm': _ratio(total_aligned, known),
        'pck_3d': _ratio(*sums['pck_3d']),
        'root_share': _ratio(*sums['root_share']),
        'joints': {
            name: {'mpjpe_mm': _ratio(row[0], row[2]), 'pa_mpjpe_mm': _ratio(row[1], row[2])}
            for name, row in zip(H36M_17.keypoints, joints, strict=True)
        },
    }


def _joint_sums(result: Mapping[str, Any]) -> NDArray[np.float64]:
    return np.array([result['joints'][name] for name in H36M_17.keypoints], np.float64)


def _without_bystanders(
    predicted: Poses, seen: NDArray[np.intp], truth: Poses, wanted: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the predictions without those of barely visible people, which do not count."""
    pairs = match_people(predicted.keypoints_2d[seen], truth.keypoints_2d)
    beside = {n for n, m in pairs if m not in wanted}
    return np.array([row for n, row in enumerate(seen) if n not in beside], np.intp)


def _mean(values: Sequence[float] | Array) -> float:
    known = [float(value) for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan
