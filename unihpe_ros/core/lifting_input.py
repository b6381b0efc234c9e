"""What the lifting branch reads: one rule for the robot, for training and for evaluation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.model_spec import MISSING_SCORE


def lifting_input(rays: Array, scores: Array | NDArray[np.bool_]) -> NDArray[np.float32]:
    """
    Put 2D keypoints and their scores together; what is hardly there is missing altogether.

    Parameters
    ----------
    rays : NDArray
        ``(..., K, 2)`` in a crop's virtual camera, scaled by the crop (`Crop.normalise`); NaN
        where unknown.
    scores : NDArray
        ``(..., K)`` in [0, 1], or whether the keypoint is known.

    Returns
    -------
    NDArray[np.float32]
        ``(..., K, 3)`` x, y and score; zeros where the score is below MISSING_SCORE or anything
        is not finite.

    """
    keypoints = np.concatenate([rays, scores[..., None]], -1, dtype=np.float32)
    there = np.isfinite(keypoints).all(-1) & (keypoints[..., 2] >= MISSING_SCORE)
    keypoints[~there] = 0
    return keypoints
