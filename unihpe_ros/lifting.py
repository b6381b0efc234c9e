"""Lifting of 2D keypoints from another source to observations in 3D."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.core.pose import person_scores
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import Skeleton, UNION
from unihpe_ros.engines.pose_model import PoseModel
from unihpe_ros.tracking.observations import build_observations, Observations


def in_union(
    keypoints_2d: Array, scores: Array, skeleton: Skeleton
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """
    Reorder keypoints into the network's set; those of other names are dropped.

    Parameters
    ----------
    keypoints_2d : NDArray
        ``(N, K, 2)`` px; NaN where unknown.
    scores : NDArray
        ``(N, K)`` in [0, 1]; 0 where unknown.
    skeleton : Skeleton
        The set of both.

    Returns
    -------
    keypoints_2d : NDArray[np.float64]
        ``(N, 26, 2)``.
    scores : NDArray[np.float32]
        ``(N, 26)``; 0 where there is no place.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    """
    n, k = len(keypoints_2d), len(skeleton)
    if keypoints_2d.shape != (n, k, 2) or scores.shape != (n, k):
        raise ValueError(
            f'keypoints_2d, scores: expected (N, {k}, 2) and (N, {k}); '
            f'got {keypoints_2d.shape} and {scores.shape}'
        )
    in_set = np.full((n, len(UNION), 2), np.nan)
    known = np.zeros((n, len(UNION)), np.float32)
    for i, name in enumerate(skeleton.keypoints):
        if name in UNION.parents:
            in_set[:, UNION.index(name)] = keypoints_2d[:, i]
            known[:, UNION.index(name)] = scores[:, i]
    known[~np.isfinite(in_set).all(-1)] = 0
    return in_set, np.nan_to_num(known)


def lifted_people(
    model: PoseModel,
    keypoints_2d: NDArray[np.float64],
    scores: NDArray[np.float32],
    camera: Camera,
    settings: EstimatorSettings,
) -> Observations:
    """
    Lift 2D keypoints and place them in front of the camera.

    Parameters
    ----------
    model : PoseModel
        The model.
    keypoints_2d, scores
        See `in_union`.
    camera : Camera
        Intrinsics of the image that the keypoints are of.
    settings : EstimatorSettings
        See there.

    Returns
    -------
    Observations
        The surest first, not more than there may be.

    Raises
    ------
    EngineError
        If the runtime fails.

    """
    sure = person_scores(scores)
    order = np.argsort(-sure, kind='stable')[: settings.max_people]
    order = order[sure[order] >= settings.score_threshold]
    around = boxes.around(np.where(scores[..., None] > 0, keypoints_2d, np.nan))
    spec = model.spec
    crops, made = Crops.aim(around[order], camera, spec.input_size, spec.padding)
    rows = order[made]
    if not len(rows):
        return Observations.none(UNION)
    keypoints_2d, scores = keypoints_2d[rows], scores[rows]
    lifted = model.lift(lifting_input(crops.normalise(crops.rays(keypoints_2d)), scores))
    return build_observations(
        crops,
        UNION,
        np.full(len(rows), -1),
        keypoints_2d,
        scores,
        lifted.relative_3d,
        lifted.embeddings,
        np.full(len(rows), np.nan, np.float32),
        np.zeros(len(rows), np.bool_),
        settings,
    )
