"""
RTMO: boxes in one output, keypoints in another.

Source of the conventions: Lu et al., RTMO (2023); its deployment in MMPose (projects/rtmo) and in
rtmlib (rtmlib/tools/pose_estimation/rtmo.py): boxes x0, y0, x1, y1, score, and x, y, score of each
keypoint, px of the input. The picture is fitted in at the top left on grey 114, BGR, 0 to 255.

"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.detector_output import suppress
from unihpe_ros.engines.people_model import FoundPeople
from unihpe_ros.networks_2d.conventions import Conventions
from unihpe_ros.networks_2d.family import in_unit, PictureFamily
from unihpe_ros.networks_2d.tensors import NetworkOutputs, Tensors

# Boxes that share more are one person: nms_thr of its configurations.
_OVERLAP = 0.65


class Rtmo(PictureFamily):
    """RTMO networks; see the module."""

    name = 'RTMO'

    def misfit(self, tensors: Tensors) -> str:
        """Return why a graph is not of this family; empty if it is."""
        shapes = sorted(tensors.shapes, key=len)
        if tensors.channels_last:
            return 'expected an input (B, 3, h, w)'
        if [len(shape) for shape in shapes] != [3, 4]:
            return 'expected two outputs, (1, people, 5) and (1, people, K, 3)'
        boxes, keypoints = shapes
        if boxes[2] != 5 or keypoints[3] != 3 or boxes[1] != keypoints[1]:
            return (
                'expected boxes (1, people, 5) and keypoints (1, people, K, 3) of as many; got '
                f'{list(boxes)} and {list(keypoints)}'
            )
        return ''

    def keypoint_count(self, tensors: Tensors) -> int:
        """Return how many keypoints a graph of this family gives."""
        return next(shape[2] for shape in tensors.shapes if len(shape) == 4)

    def conventions(self, tensors: Tensors, keypoint_set: str) -> Conventions:
        """Return how networks of this family are mostly fed and read."""
        return Conventions(keypoint_set, tensors.size, channels='bgr', place='corner')

    def read_people(
        self, answer: NetworkOutputs, conventions: Conventions, threshold: float
    ) -> FoundPeople:
        """Return the people from the answer for one picture, see `PictureFamily`."""
        boxes, keypoints = sorted((one[0] for one in answer.values()), key=lambda one: one.ndim)
        there: NDArray[np.intp] = np.flatnonzero(boxes[:, 4] >= threshold)
        kept = there[suppress(boxes[there, :4], boxes[there, 4], _OVERLAP)]
        return FoundPeople(
            boxes[kept, :4],
            in_unit(boxes[kept, 4]),
            keypoints[kept, :, :2],
            in_unit(keypoints[kept, :, 2]),
        )
