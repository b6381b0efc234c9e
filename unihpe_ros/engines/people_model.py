"""One-stage models: they find the boxes and keypoints of all people in a whole picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.detector_output import Detections
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.engines.pose_model import LiftedPoses


@dataclass(frozen=True)
class FoundPeople:
    """
    People in one whole picture, the highest scores first.

    Parameters
    ----------
    boxes : NDArray[np.float32]
        ``(N, 4)`` px.
    box_scores : NDArray[np.float32]
        ``(N,)`` in [0, 1].
    keypoints_2d : NDArray[np.float32]
        ``(N, K, 2)`` px.
    scores : NDArray[np.float32]
        ``(N, K)`` in [0, 1].

    """

    boxes: NDArray[np.float32]
    box_scores: NDArray[np.float32]
    keypoints_2d: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> FoundPeople:
        """Return some of the people."""
        return FoundPeople(
            self.boxes[rows], self.box_scores[rows], self.keypoints_2d[rows], self.scores[rows]
        )


@runtime_checkable
class PeopleModel(Protocol):
    """
    A network from whole pictures to the keypoints of all people; derive your own from it.

    It also replaces the detector.

    Attributes
    ----------
    spec : ModelSpec
        Name, and size and padding of the crops by which keypoints are scaled for `lift`.
    skeleton : Skeleton
        The keypoint set of what it finds.
    backend, notes, stage_times, lifting_spec
        See `unihpe_ros.engines.pose_model.PoseModel`.

    """

    spec: ModelSpec
    skeleton: Skeleton
    backend: str = 'custom'
    notes: tuple[str, ...] = ()
    stage_times: Mapping[str, float] = MappingProxyType({})
    lifting_spec: ModelSpec | None = None

    def find_people(self, image: NDArray[np.uint8], threshold: float) -> FoundPeople:
        """
        Find the people in a picture.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)`` BGR, of any size, upright.
        threshold : float
            Least score of a person's box.

        Returns
        -------
        FoundPeople
            Px of the picture.

        Raises
        ------
        EngineError
            If the runtime fails, or the engines were closed.

        """

    def detect(self, image: NDArray[np.uint8], score_threshold: float) -> Detections:
        """Find the people's boxes, see `unihpe_ros.detector.Detector`."""
        found = self.find_people(image, score_threshold)
        return Detections(found.boxes, found.box_scores)

    def reduction(self, size: tuple[int, int]) -> int:
        """Return by how much (1, 2, 4, 8) a picture of (w, h) px may be reduced without loss."""
        del size
        return 1

    def lift(self, keypoints: NDArray[np.float32]) -> LiftedPoses:
        """Lift 2D poses, see `unihpe_ros.engines.pose_model.PoseModel.lift`."""

    def close(self) -> None:
        """Release the runtime's memory."""
