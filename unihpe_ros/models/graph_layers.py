"""Layers over the keypoints of a body: attention over all, convolution along the bones."""

from __future__ import annotations

import torch
from torch import nn, Tensor
from torch.nn import functional
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.models.decoders import KeypointAttention


class KeypointTransformer(nn.Module):
    """
    A token for each keypoint, layers over them, and numbers read from each.

    Parameters
    ----------
    inputs, outputs : int
        Numbers of a keypoint.
    width : int
        Width of a token.
    depth : int
        Layers of attention and graph convolution.

    """

    def __init__(self, inputs: int, outputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(inputs, width)
        self.place = nn.Parameter(torch.randn(len(UNION), width) * 0.02)
        self.layers = nn.Sequential(*[GraphLayer(width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, outputs)

    def read(self, features: Tensor) -> Tensor:
        """Map ``(B, K, inputs)`` to ``(B, K, outputs)``."""
        return self.last(self.norm(self.layers(self.embed(features) + self.place)))


class GraphLayer(nn.Module):
    """
    One layer of attention, then two graph convolutions, each with a shortcut.

    The design that GraFormer (Zhao et al., CVPR 2022) and DC-GCT (Kang et al., 2023) share.

    Parameters
    ----------
    width : int
        Width of a token.

    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = KeypointAttention(width, mlp=False)
        self.norm = nn.LayerNorm(width)
        self.first = GraphConvolution(width)
        self.second = GraphConvolution(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(B, K, width)`` to ``(B, K, width)``."""
        tokens = self.mix(tokens)
        return tokens + self.second(functional.gelu(self.first(self.norm(tokens))))


class GraphConvolution(nn.Module):
    """
    Mix each keypoint's own token with those of its neighbours, weighted by learned bonds.

    Parameters
    ----------
    width : int
        Width of a token.

    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = nn.Linear(width, width)
        # Its bias is redundant, but weights are found by it in ONNX files.
        self.others = nn.Linear(width, width)
        bonds = torch.zeros(len(UNION), len(UNION))
        bonds[tuple(zip(*UNION.bones, strict=True))] = 1
        bonds = bonds + bonds.T
        degree = bonds.sum(1).clamp_min(1)
        self.bonds = nn.Parameter(bonds / (degree[:, None] * degree).sqrt())

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(B, K, width)`` to ``(B, K, width)``."""
        return self.own(tokens) + self.bonds @ self.others(tokens)
