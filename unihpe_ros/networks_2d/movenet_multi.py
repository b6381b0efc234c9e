"""
MoveNet MultiPose: up to six people of a whole picture, with the channels last.

Source of the conventions: model card of MoveNet.MultiPose Lightning (Google, 2021; Apache-2.0):
RGB, 0 to 255, sides that are multiples of 32, the longer one best 256; the answer ``(1, 6, 56)``
is y, x, score of 17 keypoints, then y0, x0, y1, x1 of the box and its score, as shares of the
input. The picture is fitted in at the centre on black.

"""

from __future__ import annotations

import numpy as np
from unihpe_ros.engines.people_model import FoundPeople
from unihpe_ros.networks_2d.conventions import Conventions
from unihpe_ros.networks_2d.family import in_unit, PictureFamily
from unihpe_ros.networks_2d.movenet_single import EVEN_SCORE
from unihpe_ros.networks_2d.tensors import NetworkOutputs, Tensors

# Behind the keypoints: box and score.
_BOX = 5


class MovenetMulti(PictureFamily):
    """MoveNet MultiPose; see the module."""

    name = 'MoveNet MultiPose'

    def misfit(self, tensors: Tensors) -> str:
        """Return why a graph is not of this family; empty if it is."""
        shapes = tensors.shapes
        if not tensors.channels_last:
            return 'expected an input (B, h, w, 3)'
        if len(shapes) != 1 or len(shapes[0]) != 3:
            return 'expected one output (1, people, 3 K + 5)'
        columns = shapes[0][2]
        if columns <= _BOX or (columns - _BOX) % 3:
            return f'expected rows of 3 K + 5; got {columns}'
        return ''

    def keypoint_count(self, tensors: Tensors) -> int:
        """Return how many keypoints a graph of this family gives."""
        return (tensors.shapes[0][2] - _BOX) // 3

    def conventions(self, tensors: Tensors, keypoint_set: str) -> Conventions:
        """Return how networks of this family are mostly fed and read."""
        return Conventions(keypoint_set, tensors.size, fill=0.0, even_score=EVEN_SCORE)

    def read_people(
        self, answer: NetworkOutputs, conventions: Conventions, threshold: float
    ) -> FoundPeople:
        """Return the people from the answer for one picture, see `PictureFamily`."""
        (rows,) = answer.values()
        size = np.array(conventions.input_size, np.float32)
        people = rows[0][rows[0][:, -1] >= threshold]
        people = people[np.argsort(-people[:, -1], kind='stable')]
        keypoints, box = people[:, :-_BOX].reshape(len(people), -1, 3), people[:, -_BOX:-1]
        return FoundPeople(
            box[:, [1, 0, 3, 2]] * np.tile(size, 2),
            in_unit(people[:, -1]),
            keypoints[..., 1::-1] * size,
            in_unit(keypoints[..., 2]),
        )
