"""Observations of the people in an image's crops, from what the network found in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.image_input import CameraImage
from unihpe_ros.core.pose import person_scores
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.engines.pose_model import PoseModelOutput
from unihpe_ros.tracking.observations import build_observations, Observations


def observe_crops(
    image: CameraImage,
    sources: NDArray[np.intp],
    crops: Crops,
    output: PoseModelOutput,
    settings: EstimatorSettings,
) -> Observations:
    """
    Build observations of the crops that show somebody.

    Parameters
    ----------
    image : CameraImage
        The image.
    sources, crops
        What `unihpe_ros.camera_stream.CameraStream.aim` returned for it.
    output : PoseModelOutput
        What the network found in the crops.
    settings : EstimatorSettings
        See there.

    """
    least = settings.person_thresholds((sources < 0) & (image.boxes is None))
    rows = np.flatnonzero(person_scores(output.scores) >= least)
    if not len(rows):
        return Observations.none(UNION)
    if len(rows) < len(output):
        crops, sources, output = crops[rows], sources[rows], output.select(rows)
    observed = (output.scores >= settings.score_threshold) & (output.scores > 0)
    cut = np.asarray((crops.near_edge(output.keypoints_crop) & observed).any(-1))
    keypoints_2d = crops.to_image(output.keypoints_crop)
    return build_observations(
        crops,
        UNION,
        sources,
        keypoints_2d,
        output.scores,
        output.relative_3d,
        output.embeddings,
        output.agreement,
        cut,
        settings,
        image.image,
        image.reduction,
    )
