"""Families of networks: how each is recognised by its tensors, and how its output is read."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.keypoint_sets import COCO_133, HALPE_26
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.engines.people_model import FoundPeople
from unihpe_ros.networks_2d.conventions import Conventions, IMAGENET_MEAN, IMAGENET_STD
from unihpe_ros.networks_2d.tensors import NetworkOutputs, Tensors

# Default keypoint set for each number of keypoints.
SETS_BY_COUNT = {len(one): one.name for one in (COCO_17, HALPE_26, COCO_133)}


class Family(Protocol):
    """
    Networks whose tensors are alike.

    Attributes
    ----------
    name : str
        For messages, with an example.

    """

    name: str

    def misfit(self, tensors: Tensors) -> str:
        """Return why a graph is not of this family; empty if it is."""

    def keypoint_count(self, tensors: Tensors) -> int:
        """Return how many keypoints a graph of this family gives."""

    def conventions(self, tensors: Tensors, keypoint_set: str) -> Conventions:
        """Return the usual conventions of this family."""


class CropFamily(Family, Protocol):
    """Networks that read the crop of one person."""

    def read(
        self, answer: NetworkOutputs, conventions: Conventions
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """
        Return the keypoints in the output for B crops.

        Returns
        -------
        keypoints : NDArray[np.float32]
            ``(B, K, 2)`` px of the crop, its first pixel's centre being (0, 0).
        scores : NDArray[np.float32]
            ``(B, K)`` in [0, 1].

        """


class MmposeFamily(CropFamily, Protocol):
    """Crop networks as MMPose trains them: keypoints in the second axis, ImageNet's colours."""

    def keypoint_count(self, tensors: Tensors) -> int:
        """Return how many keypoints a graph of this family gives."""
        return tensors.shapes[0][1]

    def conventions(self, tensors: Tensors, keypoint_set: str) -> Conventions:
        """Return how networks of this family are mostly fed and read."""
        return Conventions(keypoint_set, tensors.size, mean=IMAGENET_MEAN, std=IMAGENET_STD)


class PictureFamily(Family, Protocol):
    """Networks that read a whole picture and find boxes and keypoints at once."""

    def read_people(
        self, answer: NetworkOutputs, conventions: Conventions, threshold: float
    ) -> FoundPeople:
        """
        Read the answer for one picture.

        Parameters
        ----------
        answer, conventions
            Of the network.
        threshold : float
            Least score of a person's box.

        Returns
        -------
        FoundPeople
            Px of the network's input.

        """


def in_unit(scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return scores cut to [0, 1]: some networks go a little beyond; NaN is 0."""
    return np.clip(np.nan_to_num(scores), 0.0, 1.0).astype(np.float32)
