"""Encoders of 2D and 3D poses: residual MLPs over all keypoints, missing ones masked."""

from __future__ import annotations

import torch
from torch import nn, Tensor
from torch.nn import functional

# Root-relative keypoints are divided by this length, m, so that they are about unit-sized.
UNIT = 0.3


class MlpBlock(nn.Module):
    """
    Residual block of two linear layers with layer normalisation.

    Parameters
    ----------
    width : int
        Width of input and output.

    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, width)`` to ``(B, width)``."""
        hidden = functional.gelu(self.first(self.norm(x)))
        return x + self.second(hidden)


class PoseEncoder(nn.Module):
    """
    MLP from a pose, 2D or 3D, to a feature.

    Parameters
    ----------
    keypoints : int
        Number of keypoints.
    values : int
        Numbers per keypoint: 3 for (x, y, score), 4 for (X, Y, Z, known).
    width : int
        Width of the feature.
    depth : int
        Residual blocks.

    """

    def __init__(self, keypoints: int, values: int, width: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(keypoints * values, width)
        self.blocks = nn.Sequential(*[MlpBlock(width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)

    def forward(self, pose: Tensor) -> Tensor:
        """Map ``(B, keypoints, values)`` to ``(B, width)``."""
        return self.norm(self.blocks(self.embed(pose.flatten(1))))


def input_3d(relative: Tensor) -> Tensor:
    """
    Return the 3D encoder's input.

    Parameters
    ----------
    relative : Tensor
        ``(B, K, 3)`` root-relative, m; NaN where unknown.

    Returns
    -------
    Tensor
        ``(B, K, 4)`` scaled positions, 0 where unknown, and 1 where known.

    """
    known = relative.isfinite().all(-1, keepdim=True)
    return torch.cat([torch.where(known, relative / UNIT, 0.0), known.to(relative.dtype)], -1)
