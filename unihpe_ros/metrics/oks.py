"""Object keypoint similarity (OKS) of two poses in the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.keypoint_sigmas import COCO_SIGMAS


def oks(
    predicted: Array, truth: Array, area: Array, labelled: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """
    Return the object keypoint similarity of COCO-17 poses.

    ``exp(-d^2 / (2 area k^2))`` with k = 2 sigma, averaged over labelled keypoints
    (cocodataset.org, keypoints-eval).

    Parameters
    ----------
    predicted : NDArray
        ``(..., 17, 2)`` px.
    truth : NDArray
        ``(..., 17, 2)`` px.
    area : NDArray
        ``(...)`` area of the person, px^2.
    labelled : NDArray
        ``(..., 17)`` bool, keypoints that count.

    Returns
    -------
    NDArray[np.float64]
        ``(...)`` similarity in [0, 1]; NaN without any labelled keypoint.

    """
    squared = ((predicted - truth) ** 2).sum(-1)
    falloff = 2 * np.maximum(area, 1e-9)[..., None] * (2 * COCO_SIGMAS) ** 2
    similarity = np.where(labelled & np.isfinite(squared), np.exp(-squared / falloff), 0.0)
    count = labelled.sum(-1)
    return np.where(count > 0, similarity.sum(-1) / np.maximum(count, 1), np.nan)
