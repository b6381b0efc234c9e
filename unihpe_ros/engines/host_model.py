"""Pose model on engines that read and write arrays in host memory."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import simcc
from unihpe_ros.core.crops import InputBatch
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.core.pose import person_scores
from unihpe_ros.engines import Engine
from unihpe_ros.engines.pose_model import (
    LiftedPoses,
    MODEL_STAGES,
    PoseModel,
    PoseModelOutput,
    View,
)


class HostPoseModel(PoseModel):
    """
    Pose model on engines that read and write arrays in host memory.

    Parameters
    ----------
    image, lifting : Engine
        The two branches of one model, see `unihpe_ros.engines.model_files`.

    """

    def __init__(self, image: Engine, lifting: Engine) -> None:
        self._image, self._lifting = image, lifting
        self.spec: ModelSpec = image.spec
        self.backend = image.backend
        self.notes = (*image.notes, *lifting.notes)
        self.stage_times = dict.fromkeys(MODEL_STAGES, 0.0)
        self._batch = InputBatch(self.spec)

    def infer(self, views: Sequence[View], threshold: float) -> PoseModelOutput:
        """Find the keypoints in crops, see `unihpe_ros.engines.pose_model.PoseModel`."""
        laps = [perf_counter()]
        batch = self._batch.fill(views)
        laps.append(perf_counter())
        answer = self._image.infer({'image': batch})
        laps.append(perf_counter())
        keypoints_crop, scores = simcc.read_keypoints(answer, self.spec.simcc_ratio)
        rows = np.flatnonzero(person_scores(scores) >= threshold)
        relative_3d = np.full((*scores.shape, 3), np.nan, np.float32)
        agreement = np.full(len(scores), np.nan, np.float32)
        embeddings = answer['embedding'].copy()
        if len(rows):
            keypoints = lifting_input(
                normalised_keypoints(views, keypoints_crop)[rows], scores[rows]
            )
        laps.append(perf_counter())
        if len(rows):
            lifted = self._lifting.infer(
                {'keypoints': keypoints, 'image_feature': answer['feature'][rows]}
            )
            relative_3d[rows] = lifted['fused_pose3d']
            agreement[rows] = agreement_of(embeddings[rows], lifted['embedding'])
        laps.append(perf_counter())
        self.stage_times = dict(zip(MODEL_STAGES, np.diff(laps).tolist(), strict=True))
        return PoseModelOutput(keypoints_crop, scores, relative_3d, embeddings, agreement)

    def lift(self, keypoints: NDArray[np.float32]) -> LiftedPoses:
        """Lift 2D poses without an image, see `unihpe_ros.engines.pose_model.PoseModel`."""
        width = self._image.outputs['feature'][1] or self._lifting.inputs['image_feature'][1]
        return lift_alone(self._lifting, keypoints, width or 0)

    def close(self) -> None:
        """Release the runtime's memory."""
        self._image.close()
        self._lifting.close()


def lift_alone(lifting: Engine, keypoints: NDArray[np.float32], width: int) -> LiftedPoses:
    """
    Lift 2D poses by the lifting branch, without an image.

    Parameters
    ----------
    lifting : Engine
        The branch.
    keypoints : NDArray[np.float32]
        ``(B, K, 3)`` as `unihpe_ros.core.network_input` makes them.
    width : int
        Width of the image's feature, which is left at zero.

    """
    nothing = np.zeros((len(keypoints), width), np.float32)
    answer = lifting.infer({'keypoints': keypoints, 'image_feature': nothing})
    return LiftedPoses(answer['lifted_pose3d'].copy(), answer['embedding'].copy())


def normalised_keypoints(
    views: Sequence[View], keypoints_crop: NDArray[np.float32]
) -> NDArray[np.float64]:
    """
    Convert keypoints in crops into the coordinates that the lifting branch reads.

    Parameters
    ----------
    views : Sequence[View]
        Images, each with its crops; B crops together.
    keypoints_crop : NDArray[np.float32]
        ``(B, K, 2)`` px in the crops.

    Returns
    -------
    NDArray[np.float64]
        ``(B, K, 2)`` rays of the virtual cameras, scaled by the crops; NaN beyond the lens.

    """
    rays, start = [], 0
    for _, crops in views:
        part = keypoints_crop[start : start + len(crops)]
        rays.append(crops.normalised(part))
        start += len(crops)
    return np.concatenate(rays)


def agreement_of(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(B,)`` agreement in [0, 1] of embeddings ``(B, D)`` of length 1."""
    return np.clip(0.5 + 0.5 * np.sum(one * other, -1), 0, 1)
