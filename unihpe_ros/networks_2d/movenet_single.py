"""
MoveNet SinglePose: the crop of one person, in whole numbers with the channels last.

Source of the conventions: model cards of MoveNet.SinglePose Lightning and Thunder (Google, 2021;
Apache-2.0): RGB, 0 to 255, a square; the answer ``(1, 1, 17, 3)`` is y, x and score, as shares of
the square. It does best on the square of the person's box without padding.

"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.networks_2d.conventions import Conventions
from unihpe_ros.networks_2d.family import CropFamily, in_unit
from unihpe_ros.networks_2d.tensors import NetworkOutputs, Tensors

# Score at which half of the keypoints in photographs lie within 0.2 torsos of the label.
EVEN_SCORE = 0.22


class MovenetSingle(CropFamily):
    """MoveNet SinglePose; see the module."""

    name = 'MoveNet SinglePose'

    def misfit(self, tensors: Tensors) -> str:
        """Return why a graph is not of this family; empty if it is."""
        shapes = tensors.shapes
        if not tensors.channels_last:
            return 'expected an input (B, h, w, 3)'
        if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1::2] != (1, 3):
            return 'expected one output (B, 1, K, 3)'
        return ''

    def keypoint_count(self, tensors: Tensors) -> int:
        """Return how many keypoints a graph of this family gives."""
        return tensors.shapes[0][2]

    def conventions(self, tensors: Tensors, keypoint_set: str) -> Conventions:
        """Return how networks of this family are mostly fed and read."""
        return Conventions(keypoint_set, tensors.size, padding=1.0, even_score=EVEN_SCORE)

    def read(
        self, answer: NetworkOutputs, conventions: Conventions
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return keypoints and scores from the answer for B crops, see `CropFamily`."""
        (found,) = answer.values()
        shares = found[:, 0]  # (B, K, 3)
        size = np.array(conventions.input_size, np.float32)
        return shares[..., 1::-1] * size, in_unit(shares[..., 2])
