"""People whose 2D keypoints somebody else found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.lifting_input import lifting_input
from unihpe_ros.core.pose import person_scores
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import Skeleton, UNION
from unihpe_ros.engines.pose_model import PoseModel
from unihpe_ros.tracking.observations import build_observations, Observations


def in_union(
    keypoints: Array, scores: Array, skeleton: Skeleton
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """
    Put keypoints into the network's set, those of one name only.

    Parameters
    ----------
    keypoints : NDArray
        ``(N, K, 2)`` px; NaN where unknown.
    scores : NDArray
        ``(N, K)`` in [0, 1]; 0 where unknown.
    skeleton : Skeleton
        The set of both.

    Returns
    -------
    keypoints : NDArray[np.float64]
        ``(N, 26, 2)``.
    scores : NDArray[np.float32]
        ``(N, 26)``; 0 where there is no place.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    """
    n, k = len(keypoints), len(skeleton)
    if keypoints.shape != (n, k, 2) or scores.shape != (n, k):
        raise ValueError(
            f'keypoints_2d, scores: expected (N, {k}, 2) and (N, {k}); '
            f'got {keypoints.shape} and {scores.shape}'
        )
    pixels = np.full((n, len(UNION), 2), np.nan)
    known = np.zeros((n, len(UNION)), np.float32)
    for i, name in enumerate(skeleton.keypoints):
        if name in UNION.parents:
            pixels[:, UNION.index(name)] = keypoints[:, i]
            known[:, UNION.index(name)] = scores[:, i]
    known[~np.isfinite(pixels).all(-1)] = 0
    return pixels, np.nan_to_num(known)


def lifted_people(
    model: PoseModel,
    pixels: NDArray[np.float64],
    scores: NDArray[np.float32],
    camera: Camera,
    settings: EstimatorSettings,
) -> Observations:
    """
    Lift 2D keypoints.

    Parameters
    ----------
    model : PoseModel
        The model.
    pixels, scores
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
    around = boxes.around(np.where(scores[..., None] > 0, pixels, np.nan))
    spec = model.spec
    crops, made = Crops.aim(around[order], camera, spec.input_size, spec.padding)
    rows = order[made]
    if not len(rows):
        return Observations.none(UNION)
    pixels, scores = pixels[rows], scores[rows]
    lifted = model.lift(lifting_input(crops.normalise(crops.rays(pixels)), scores))
    return build_observations(
        crops,
        UNION,
        np.full(len(rows), -1),
        pixels,
        scores,
        lifted.relative_3d,
        lifted.embeddings,
        np.full(len(rows), np.nan, np.float32),
        np.zeros(len(rows), np.bool_),
        settings,
    )
