"""
SimCC: one distribution over x and one over y for each keypoint; RTMPose.

Source of the conventions: Jiang et al., RTMPose (2023); configurations and codec `SimCCLabel` of
MMPose (projects/rtmpose, mmpose/codecs/simcc_label.py), and its deployment by rtmlib
(rtmlib/tools/pose_estimation). The place is the highest bin over the bins per pixel, the score the
lower one of the two highest values; crops are 1.25 times the box, in RGB, with ImageNet's
normalisation.

"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.networks_2d.conventions import Conventions
from unihpe_ros.networks_2d.family import in_unit, MmposeFamily
from unihpe_ros.networks_2d.tensors import NetworkOutputs, Tensors


class Simcc(MmposeFamily):
    """SimCC networks; see the module."""

    name = 'SimCC, as RTMPose'

    def misfit(self, tensors: Tensors) -> str:
        """Return why a graph is not of this family; empty if it is."""
        shapes, (w, h) = tensors.shapes, tensors.size
        if tensors.channels_last:
            return 'expected an input (B, 3, h, w)'
        if len(shapes) != 2 or any(len(shape) != 3 for shape in shapes):
            return 'expected two outputs, (B, K, bins of x) and (B, K, bins of y)'
        (_, k, bins_x), (_, other, bins_y) = shapes
        if k != other:
            return f'expected as many keypoints in both outputs; got {k} and {other}'
        if bins_x * h != bins_y * w or bins_x < w:
            return (
                'expected as many bins per pixel in x as in y, and one or more; got '
                f'{bins_x} for {w} px and {bins_y} for {h} px'
            )
        return ''

    def read(
        self, answer: NetworkOutputs, conventions: Conventions
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return keypoints and scores from the answer for B crops, see `CropFamily`."""
        axes = list(answer.values())
        bins = np.stack([axis.argmax(-1) for axis in axes], -1)
        ratio = axes[0].shape[-1] / conventions.input_size[0]
        highest = np.minimum(axes[0].max(-1), axes[1].max(-1))
        return (bins / ratio).astype(np.float32), in_unit(highest)
