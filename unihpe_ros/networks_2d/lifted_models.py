"""A 2D network of another maker and our lifting branch as one model for the estimator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.keypoint_sets import in_union
from unihpe_ros.core.pose import person_scores
from unihpe_ros.engines.people_model import FoundPeople, PeopleModel
from unihpe_ros.engines.pose_model import (
    LiftedPoses,
    MODEL_STAGES,
    PoseModel,
    PoseModelOutput,
    View,
)
from unihpe_ros.networks_2d.lifter import BranchLifter, open_lifter
from unihpe_ros.networks_2d.networks import CropNetwork, open_network, PictureNetwork


class LiftedCropModel(PoseModel):
    """
    A network that looks at crops, and our lifting branch.

    Parameters
    ----------
    network : CropNetwork
        Finds the 2D keypoints; closed by `close`.
    lifter : BranchLifter
        Lifts them; closed by `close`.

    """

    lifts_only = True

    def __init__(self, network: CropNetwork, lifter: BranchLifter) -> None:
        self._network, self._lifter = network, lifter
        self.spec, self.lifting_spec = network.spec, lifter.spec
        engine = network.graph.engine
        self.backend, self.notes = engine.backend, (*engine.notes, *lifter.engine.notes)
        self.stage_times = dict.fromkeys(MODEL_STAGES, 0.0)

    def infer(self, views: Sequence[View], threshold: float) -> PoseModelOutput:
        """Find the keypoints in crops, see `unihpe_ros.engines.pose_model.PoseModel`."""
        laps = [perf_counter()]
        pictures = self._network.prepare(views)
        laps.append(perf_counter())
        found, found_scores = self._network.find(pictures)
        laps.append(perf_counter())
        conventions = self._network.conventions
        given = in_union(found, conventions.chances(found_scores), conventions.skeleton)
        keypoints_crop, scores = given[0].astype(np.float32), given[1]
        laps.append(perf_counter())
        relative_3d, embeddings = self._lift_views(views, given[0], scores, threshold)
        laps.append(perf_counter())
        self.stage_times = dict(zip(MODEL_STAGES, np.diff(laps).tolist(), strict=True))
        agreement = np.full(len(scores), np.nan, np.float32)
        return PoseModelOutput(keypoints_crop, scores, relative_3d, embeddings, agreement)

    def _lift_views(
        self,
        views: Sequence[View],
        keypoints_crop: NDArray[np.float64],
        scores: NDArray[np.float32],
        threshold: float,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return ``(B, K, 3)`` 3D and ``(B, D)`` embeddings of those who are seen."""
        relative_3d = np.full((*scores.shape, 3), np.nan, np.float32)
        embeddings = np.zeros((len(scores), self._lifter.spec.embedding), np.float32)
        seen, start = person_scores(scores) >= threshold, 0
        for _, crops in views:
            chosen = np.flatnonzero(seen[start : start + len(crops)])
            rows = start + chosen
            start += len(crops)
            if len(rows):
                in_view = crops[chosen]
                keypoints_2d = in_view.to_image(keypoints_crop[rows])
                relative_3d[rows], embeddings[rows] = self._lifter.lift_in_crops(
                    in_view, keypoints_2d, scores[rows]
                )
        return relative_3d, embeddings

    def lift(self, keypoints: NDArray[np.float32]) -> LiftedPoses:
        """Lift 2D poses without an image, see `unihpe_ros.engines.pose_model.PoseModel`."""
        return self._lifter.lift(keypoints)

    def close(self) -> None:
        """Release the runtime's memory."""
        self._network.graph.close()
        self._lifter.close()


class LiftedPeopleModel(PeopleModel):
    """
    A network that looks at whole pictures, and our lifting branch.

    Parameters
    ----------
    network : PictureNetwork
        Finds people and their 2D keypoints; closed by `close`.
    lifter : BranchLifter
        Lifts them; closed by `close`.

    """

    def __init__(self, network: PictureNetwork, lifter: BranchLifter) -> None:
        self._network, self._lifter = network, lifter
        self.spec = replace(lifter.spec, model=network.spec.model)
        self.skeleton = network.conventions.skeleton
        engine = network.graph.engine
        self.backend, self.notes = engine.backend, (*engine.notes, *lifter.engine.notes)

    def find_people(self, image: NDArray[np.uint8], threshold: float) -> FoundPeople:
        """Find the people in a picture, see `unihpe_ros.engines.people_model.PeopleModel`."""
        found = self._network.find(image, threshold)
        return replace(found, scores=self._network.conventions.chances(found.scores))

    def reduction(self, size: tuple[int, int]) -> int:
        """Return by how much a picture may be reduced without loss, see `PeopleModel`."""
        return self._network.reduction(size)

    def lift(self, keypoints: NDArray[np.float32]) -> LiftedPoses:
        """Lift 2D poses without an image, see `unihpe_ros.engines.pose_model.PoseModel`."""
        return self._lifter.lift(keypoints)

    def close(self) -> None:
        """Release the runtime's memory."""
        self._network.graph.close()
        self._lifter.close()


def load_model_2d(
    model_2d: str | Path,
    model: str | Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    max_people: int = 8,
    progress: Callable[[str, float], object] | None = None,
) -> LiftedCropModel | LiftedPeopleModel:
    """
    Load a 2D network of another maker, and the lifting branch of one of our models.

    Parameters
    ----------
    model_2d : str or Path
        The network's ONNX file, see `unihpe_ros.networks_2d.networks.open_network`.
    model : str or Path
        Our model, see `unihpe_ros.engines.model_files.find_model`.
    backend, threads, max_people, progress
        See `unihpe_ros.engines.backend_choice.load_engine`.

    Raises
    ------
    EngineError
        If one of the two cannot be loaded.

    """
    network = open_network(
        Path(model_2d),
        backend=backend,
        threads=threads,
        max_people=max_people,
        progress=progress,
    )
    try:
        lifter = open_lifter(
            model, backend=backend, threads=threads, max_people=max_people, progress=progress
        )
    except BaseException:
        network.graph.close()
        raise
    if isinstance(network, CropNetwork):
        return LiftedCropModel(network, lifter)
    return LiftedPeopleModel(network, lifter)
