"""
Pose metrics: MPJPE, PA-MPJPE, PCK, AUC and the average precision of OKS.

Errors come back in the unit of their input; protocols of the public data sets are built from
these in `unihpe_ros.evaluation`.

"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import COCO_17


def keypoint_errors(predicted: Array, truth: Array) -> NDArray[np.float64]:
    """
    Return the distance of every keypoint from the truth.

    Parameters
    ----------
    predicted, truth : NDArray
        ``(..., K, D)`` in one unit; NaN where unknown.

    Returns
    -------
    NDArray[np.float64]
        ``(..., K)`` in the same unit; NaN where either is unknown.

    Raises
    ------
    ValueError
        If the shapes differ.

    """
    if predicted.shape != truth.shape:
        raise ValueError(f'expected equal shapes; got {predicted.shape} and {truth.shape}')
    return np.linalg.norm(predicted.astype(np.float64) - truth, axis=-1)


def mpjpe(predicted: Array, truth: Array, root: int | None = None) -> float:
    """
    Mean per-joint position error over all known keypoints.

    Parameters
    ----------
    predicted, truth : NDArray
        ``(..., K, 3)`` in one unit.
    root : int, optional
        Keypoint that is moved to the origin in both first; it stays in the mean.

    """
    if root is not None:
        predicted = predicted - predicted[..., root : root + 1, :]
        truth = truth - truth[..., root : root + 1, :]
    return float(np.nanmean(keypoint_errors(predicted, truth)))


def align(predicted: Array, truth: Array) -> NDArray[np.float64]:
    """
    Return each pose moved onto the truth by the best similarity transform, no reflection.

    Closed form of Umeyama (PAMI 1991), per pose, over the keypoints known in both.

    Parameters
    ----------
    predicted, truth : NDArray
        ``(..., K, 3)`` in one unit; NaN where unknown.

    Returns
    -------
    NDArray[np.float64]
        ``(..., K, 3)`` `predicted` after rotation, uniform scale and translation.

    """
    if predicted.shape != truth.shape:
        raise ValueError(f'expected equal shapes; got {predicted.shape} and {truth.shape}')
    x, y = predicted.astype(np.float64), truth.astype(np.float64)
    known = np.isfinite(x).all(-1, keepdims=True) & np.isfinite(y).all(-1, keepdims=True)
    count = np.maximum(known.sum(-2, keepdims=True), 1)
    x_mean = np.where(known, x, 0).sum(-2, keepdims=True) / count
    y_mean = np.where(known, y, 0).sum(-2, keepdims=True) / count
    x0, y0 = np.where(known, x - x_mean, 0), np.where(known, y - y_mean, 0)
    U, S, Vt = np.linalg.svd(np.swapaxes(y0, -1, -2) @ x0)
    # Umeyama 1991: flip the last axis rather than return a reflection.
    flip = np.ones_like(S)
    flip[..., -1] = np.sign(np.linalg.det(U @ Vt))
    rotation = (U * flip[..., None, :]) @ Vt
    variance = np.maximum((x0**2).sum((-1, -2)), 1e-12)
    scale = ((S * flip).sum(-1) / variance)[..., None, None]
    return scale * (x - x_mean) @ np.swapaxes(rotation, -1, -2) + y_mean


def pa_mpjpe(predicted: Array, truth: Array) -> float:
    """
    MPJPE after Procrustes alignment of each pose (similarity, no reflection).

    Parameters
    ----------
    predicted, truth : NDArray
        ``(..., K, 3)`` in one unit.

    """
    return mpjpe(align(predicted, truth), truth)


def pck(errors: Array, threshold: float | Array) -> float:
    """
    Return the share of known keypoints whose error is at most a threshold, in [0, 1].

    Parameters
    ----------
    errors : NDArray
        ``(..., K)``; NaN where unknown.
    threshold : float or NDArray
        In the unit of `errors`; an array is broadcast, e.g. ``(N, 1)`` per person.

    """
    known = np.isfinite(errors)
    correct = known & (np.where(known, errors, np.inf) <= threshold)
    return float(correct.sum() / max(known.sum(), 1))


def auc(errors: Array, thresholds: Sequence[float]) -> float:
    """Return the mean PCK over `thresholds`, in [0, 1]."""
    return float(np.mean([pck(errors, threshold) for threshold in thresholds]))


def torso_size(keypoints: Array) -> NDArray[np.float64]:
    """
    Return each person's torso length, the scale of PCK at 0.2 torso.

    Parameters
    ----------
    keypoints : NDArray
        ``(..., 17, D)`` COCO keypoints.

    Returns
    -------
    NDArray[np.float64]
        ``(...)`` largest distance of a shoulder from the opposite hip; NaN where unknown.

    """
    left_shoulder, right_shoulder, left_hip, right_hip = COCO_17.indices(
        'left_shoulder', 'right_shoulder', 'left_hip', 'right_hip'
    )
    one = np.linalg.norm(keypoints[..., left_shoulder, :] - keypoints[..., right_hip, :], axis=-1)
    two = np.linalg.norm(keypoints[..., right_shoulder, :] - keypoints[..., left_hip, :], axis=-1)
    return np.fmax(one, two)


def interpolated_precision(hits: NDArray[np.bool_], truths: int) -> float:
    """
    Return the area under the precision-recall curve, read at 101 recalls as COCO does.

    Parameters
    ----------
    hits : NDArray[np.bool_]
        ``(M,)`` whether each answer is right, the surest first.
    truths : int
        Number of things to be found, at least 1.

    """
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    # 7 of 10 reaches a recall of 0.7, which linspace gives as 0.7000000000000001.
    points = np.linspace(0, 1, 101) - 1e-12
    places = np.searchsorted(right / truths, points, side='left')
    return float(np.append(precision, 0.0)[np.minimum(places, len(hits))].mean())
