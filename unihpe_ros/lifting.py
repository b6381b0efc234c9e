"""Lifting of 2D keypoints from another source to observations in 3D."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.image_input import CameraImage
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.core.pose import person_scores
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.engines.people_model import PeopleModel
from unihpe_ros.engines.pose_model import PoseModel
from unihpe_ros.tracking.observations import build_observations, Observations


def lifted_people(
    model: PoseModel | PeopleModel,
    keypoints_2d: NDArray[np.float64],
    scores: NDArray[np.float32],
    camera: Camera,
    settings: EstimatorSettings,
    image: CameraImage | None = None,
) -> Observations:
    """
    Lift 2D keypoints and place them in front of the camera.

    Parameters
    ----------
    model : PoseModel or PeopleModel
        The model.
    keypoints_2d, scores
        See `unihpe_ros.core.keypoint_sets.in_union`.
    camera : Camera
        Intrinsics of the image that the keypoints are of.
    settings : EstimatorSettings
        See there.
    image : CameraImage, optional
        The image of the keypoints; its colours too tell people apart.

    Returns
    -------
    Observations
        The highest scores first, at most `max_people`.

    Raises
    ------
    EngineError
        If the runtime fails.

    """
    sure = person_scores(scores)
    order = np.argsort(-sure, kind='stable')[: settings.max_people]
    order = order[sure[order] >= settings.score_threshold]
    around = boxes.around(np.where(scores[..., None] > 0, keypoints_2d, np.nan))
    spec = model.lifting_spec or model.spec
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
        *((image.image, image.reduction) if image is not None else ()),
    )
