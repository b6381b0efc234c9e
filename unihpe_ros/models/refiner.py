"""The refiner: a graph transformer that corrects a lifted pose and says how far off it may be."""

from __future__ import annotations

import math

import torch
from torch import nn, Tensor
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.models.graph_layers import KeypointTransformer
from unihpe_ros.models.pose_encoders import UNIT

# Radius for an output of 0, which a new refiner gives for every keypoint, m.
_SIGMA = 0.05
_FIRST_SIGMA = 0.1


class PoseRefiner(KeypointTransformer):
    """
    Correct a lifted pose keypoint by keypoint, and estimate the error that is left.

    The lifting branch itself is an MLP over all numbers of the body. The refiner uses attention
    over all keypoints and convolution along the bones, and starts from the MLP's output. It reads
    nothing else of the network, so that it can be moved from one model to another. A new one
    corrects nothing.

    Parameters
    ----------
    width : int
        Width of a keypoint's token.
    depth : int
        Layers of attention and graph convolution.

    """

    def __init__(self, width: int = 64, depth: int = 3) -> None:
        super().__init__(7, 4, width, depth)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        nn.init.constant_(self.last.bias[3], math.log(_FIRST_SIGMA / _SIGMA))

    def forward(self, keypoints: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
        """
        Return the correction and the error to expect after it.

        Parameters
        ----------
        keypoints : Tensor
            ``(B, K, 3)`` x, y, score as for `UniHPE.encode_2d`.
        pose : Tensor
            ``(B, K, 3)`` the lifted pose, m.

        Returns
        -------
        correction : Tensor
            ``(B, K, 3)`` m, to be added to the pose.
        sigma : Tensor
            ``(B, K)`` m: the truth is nearer than this in 68 of 100 cases.

        """
        known = (keypoints[..., 2:] > 0).to(keypoints.dtype)
        answer = self.read(torch.cat([keypoints, known, pose / UNIT], -1)).float()
        return answer[..., :3] * UNIT, _SIGMA * answer[..., 3].clamp(-5, 5).exp()


def mirrored_keypoints(values: Tensor) -> Tensor:
    """Return ``(B, K, 3)`` keypoints, 2D with a score or 3D, of the person in a mirror."""
    turned = values[:, UNION.flip_indices.tolist()]
    return torch.cat([-turned[..., :1], turned[..., 1:]], -1)
