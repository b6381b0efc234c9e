"""Pose models: the network that the estimator runs on crops, ours or your own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.engines import EngineError

# Stages of our own models in `PoseModel.infer`, in order.
MODEL_STAGES = ('crop', 'image_branch', 'decode', 'lifting_branch')

# An image ``(H, W, 3)`` uint8 BGR and the crops that are cut out of it.
View = tuple[NDArray[np.uint8], Crops]


@dataclass(frozen=True)
class PoseModelOutput:
    """
    Outputs of the network for B crops, in the order of the crops.

    Parameters
    ----------
    keypoints_crop : NDArray[np.float32]
        ``(B, K, 2)`` px in the crop.
    scores : NDArray[np.float32]
        ``(B, K)`` in [0, 1].
    relative_3d : NDArray[np.float32]
        ``(B, K, 3)`` root-relative, virtual cameras' frames, m; NaN where no person was seen.
    embeddings : NDArray[np.float32]
        ``(B, D)`` of the image branch, of length 1; the tracker compares them, but not zeros.
    agreement : NDArray[np.float32]
        ``(B,)`` of image and 2D pose in [0, 1]; NaN where nobody was seen, or it is not known.

    """

    keypoints_crop: NDArray[np.float32]
    scores: NDArray[np.float32]
    relative_3d: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    agreement: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.keypoints_crop)

    def select(self, rows: slice | NDArray[np.intp]) -> PoseModelOutput:
        """Return the output for some of the crops."""
        return PoseModelOutput(*(getattr(self, item.name)[rows] for item in fields(self)))


@dataclass(frozen=True)
class LiftedPoses:
    """
    Outputs of the network for the 2D keypoints of B people.

    Parameters
    ----------
    relative_3d : NDArray[np.float32]
        ``(B, K, 3)`` root-relative, virtual cameras' frames, m.
    embeddings : NDArray[np.float32]
        ``(B, D)`` of the 2D poses, of length 1.

    """

    relative_3d: NDArray[np.float32]
    embeddings: NDArray[np.float32]


class PoseModel(Protocol):
    """
    A network from crops of people to their keypoints; derive from it to bring your own.

    Only `spec` and `infer` are required; the rest has defaults.

    Attributes
    ----------
    spec : ModelSpec
        Name, crop size and padding; the keypoints must be those of `UNION`.
    backend : str
        Which runtime and device run it.
    notes : tuple[str, ...]
        Messages for the user about the choice of the backend.
    stage_times : Mapping[str, float]
        Seconds that each stage took in the last `infer`; ours have MODEL_STAGES.
    lifting_spec : ModelSpec, optional
        Of the crops by which keypoints are scaled for `lift`, where they are not those of `spec`.
    lifts_only : bool
        Whether its 3D comes from 2D keypoints only, without the image.

    """

    spec: ModelSpec
    backend: str = 'custom'
    notes: tuple[str, ...] = ()
    stage_times: Mapping[str, float] = MappingProxyType({})
    lifting_spec: ModelSpec | None = None
    lifts_only: bool = False

    def infer(self, views: Sequence[View], threshold: float) -> PoseModelOutput:
        """
        Find the keypoints in crops; the crops of all images are one batch.

        Parameters
        ----------
        views : Sequence[View]
            Images, each with its crops; B crops together. `Crops.cut` cuts the pictures out.
        threshold : float
            Person score below which a crop counts as empty and need not be lifted.

        Returns
        -------
        PoseModelOutput
            The caller's own, rows in the order of the views and of their crops.

        Raises
        ------
        EngineError
            If the runtime fails, or the engines were closed.

        """

    def lift(self, keypoints: NDArray[np.float32]) -> LiftedPoses:
        """
        Lift 2D poses without an image, for `PoseEstimator.lift`.

        Parameters
        ----------
        keypoints : NDArray[np.float32]
            ``(B, K, 3)`` as `unihpe_ros.core.network_input` makes them.

        Raises
        ------
        EngineError
            If the model cannot, the runtime fails, or the engines were closed.

        """
        raise EngineError(f'{self.spec.model}: expected a model that lifts 2D keypoints')

    def close(self) -> None:
        """Release the runtime's memory."""
