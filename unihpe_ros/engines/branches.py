"""Both branches of a model at work: crops of images in, keypoints and skeletons out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import simcc
from unihpe_ros.core.crops import Crops, InputBatch
from unihpe_ros.core.lifting_input import lifting_input
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.sightings import person_scores
from unihpe_ros.engines import DEVICE_BACKENDS, Engine, first_that_works
from unihpe_ros.engines.pair import load_pair

# What `Branches.look` goes through, in order.
LOOK_STAGES = ('crop', 'image_branch', 'decode', 'lifting_branch')

# An image ``(H, W, 3)`` uint8 BGR and where to look in it.
View = tuple[NDArray[np.uint8], Crops]


@dataclass(frozen=True)
class Looks:
    """
    What the network made of B crops, in the order of the crops.

    Parameters
    ----------
    points : NDArray[np.float32]
        ``(B, K, 2)`` px in the crop.
    scores : NDArray[np.float32]
        ``(B, K)`` in [0, 1].
    poses3d : NDArray[np.float32]
        ``(B, K, 3)`` fused, root-relative, virtual cameras' frames, m; NaN where nobody was seen.
    embeddings : NDArray[np.float32]
        ``(B, D)`` of the image branch, of length 1.
    agreement : NDArray[np.float32]
        ``(B,)`` of image and 2D pose in [0, 1]; NaN where nobody was seen.

    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    poses3d: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    agreement: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.points)

    def select(self, rows: slice) -> Looks:
        """Return some of the looks."""
        return Looks(*(getattr(self, item.name)[rows] for item in fields(self)))


@dataclass(frozen=True)
class Lifted:
    """
    What the network made of B people's 2D keypoints.

    Parameters
    ----------
    poses3d : NDArray[np.float32]
        ``(B, K, 3)`` root-relative, virtual cameras' frames, m.
    embeddings : NDArray[np.float32]
        ``(B, D)`` of the 2D poses, of length 1.

    """

    poses3d: NDArray[np.float32]
    embeddings: NDArray[np.float32]


class Branches(Protocol):
    """
    A model that can be asked.

    Attributes
    ----------
    spec : ModelSpec
        What the image branch says about itself.
    backend : str
        Which runtime and device run it.
    notes : tuple[str, ...]
        What the user should be told about how it came to run this way.
    stage_times : dict[str, float]
        Seconds that each of LOOK_STAGES took in the last `look`.

    """

    spec: ModelSpec
    backend: str
    notes: tuple[str, ...]
    stage_times: dict[str, float]

    def look(self, views: Sequence[View], threshold: float) -> Looks:
        """
        Look at people; the crops of all images are one batch.

        Parameters
        ----------
        views : Sequence[View]
            Images, each with its crops; B crops together.
        threshold : float
            Score of a person below which nobody is seen and nothing is lifted.

        Returns
        -------
        Looks
            The caller's own, rows in the order of the views and of their crops.

        Raises
        ------
        EngineError
            If the runtime fails, or the engines were closed.

        """

    def lift(self, keypoints: NDArray[np.float32]) -> Lifted:
        """
        Lift 2D poses without an image.

        Parameters
        ----------
        keypoints : NDArray[np.float32]
            ``(B, K, 3)`` as `unihpe_ros.core.lifting_input` makes them.

        Raises
        ------
        EngineError
            If the runtime fails, or the engines were closed.

        """

    def close(self) -> None:
        """Release the runtime's memory."""


class HostBranches:
    """
    Branches on engines that take and give arrays of the host.

    Parameters
    ----------
    image, lifting : Engine
        The two branches of one model, see `unihpe_ros.engines.pair`.

    """

    def __init__(self, image: Engine, lifting: Engine) -> None:
        self._image, self._lifting = image, lifting
        self.spec: ModelSpec = image.spec
        self.backend = image.backend
        self.notes = (*image.notes, *lifting.notes)
        self.stage_times = dict.fromkeys(LOOK_STAGES, 0.0)
        self._batch = InputBatch(self.spec)

    def look(self, views: Sequence[View], threshold: float) -> Looks:
        """See `Branches`."""
        laps = [perf_counter()]
        batch = self._batch.fill(views)
        laps.append(perf_counter())
        answer = self._image.infer({'image': batch})
        laps.append(perf_counter())
        points, scores = simcc.read_answer(answer, self.spec.simcc_ratio)
        rows = np.flatnonzero(person_scores(scores) >= threshold)
        poses3d = np.full((*scores.shape, 3), np.nan, np.float32)
        agreement = np.full(len(scores), np.nan, np.float32)
        embeddings = answer['embedding'].copy()
        if len(rows):
            keypoints = lifting_input(normalised(views, points)[rows], scores[rows])
        laps.append(perf_counter())
        if len(rows):
            lifted = self._lifting.infer(
                {'keypoints': keypoints, 'image_feature': answer['feature'][rows]}
            )
            poses3d[rows] = lifted['fused_pose3d']
            agreement[rows] = agreement_of(embeddings[rows], lifted['embedding'])
        laps.append(perf_counter())
        self.stage_times = dict(zip(LOOK_STAGES, np.diff(laps).tolist(), strict=True))
        return Looks(points, scores, poses3d, embeddings, agreement)

    def lift(self, keypoints: NDArray[np.float32]) -> Lifted:
        """See `Branches`."""
        width = self._image.outputs['feature'][1] or self._lifting.inputs['image_feature'][1]
        nothing = np.zeros((len(keypoints), width or 0), np.float32)
        answer = self._lifting.infer({'keypoints': keypoints, 'image_feature': nothing})
        return Lifted(answer['lifted_pose3d'].copy(), answer['embedding'].copy())

    def close(self) -> None:
        """See `Branches`."""
        self._image.close()
        self._lifting.close()


def load_branches(
    model: str | Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    max_people: int = 8,
    progress: Callable[[str, float], object] | None = None,
) -> Branches:
    """
    Load a model, all of it onto the GPU if TensorRT runs it.

    Parameters
    ----------
    model : str or Path
        See `unihpe_ros.engines.pair.find_model`.
    backend, threads, max_people, progress
        See `unihpe_ros.engines.load_engine`.

    Raises
    ------
    EngineError
        If a file cannot be loaded, or the two do not belong together.

    """

    def load(name: str) -> Branches:
        if name in DEVICE_BACKENDS:
            from unihpe_ros.engines import device_branches

            return device_branches.load(
                model, backend=name, max_people=max_people, progress=progress
            )
        return HostBranches(*load_pair(model, backend=name, threads=threads))

    branches, notes = first_that_works(load, backend, Path(model).name)
    branches.notes = (*notes, *branches.notes)
    return branches


def normalised(views: Sequence[View], points: NDArray[np.float32]) -> NDArray[np.float64]:
    """
    Return what the lifting branch reads of keypoints' places.

    Parameters
    ----------
    views : Sequence[View]
        Images, each with its crops; B crops together.
    points : NDArray[np.float32]
        ``(B, K, 2)`` px in the crops.

    Returns
    -------
    NDArray[np.float64]
        ``(B, K, 2)`` rays of the virtual cameras, scaled by the crops; NaN beyond the lens.

    """
    rays, start = [], 0
    for _, crops in views:
        part = points[start : start + len(crops)]
        rays.append(crops.normalise(crops.rays(crops.to_image(part))))
        start += len(crops)
    return np.concatenate(rays)


def agreement_of(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(B,)`` agreement in [0, 1] of embeddings ``(B, D)`` of length 1."""
    return np.clip(0.5 + 0.5 * np.sum(one * other, -1), 0, 1)
