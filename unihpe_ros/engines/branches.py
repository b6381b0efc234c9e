"""Both branches of a model: what they are asked and answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.model_spec import ModelSpec

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
