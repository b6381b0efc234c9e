"""
A network of RTMPose-t's architecture, with random weights: a yardstick of speed, nothing more.

CSPNeXt-t and the SimCC head with a gated attention unit, after Jiang et al., "RTMPose: Real-Time
Multi-Person Pose Estimation based on MMPose" (2023).

"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn, Tensor
from torch.nn import functional

_WIDTHS = (24, 48, 96, 192, 384)
_KEYPOINTS = 17
_TOKEN = 256
_KEY = 128


class RtmPoseTiny(nn.Module):
    """
    The whole network.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h) of the crop, px.

    """

    def __init__(self, size: tuple[int, int] = (192, 256)) -> None:
        super().__init__()
        half = _WIDTHS[0] // 2
        self.stem = nn.Sequential(_conv(3, half, 3, 2), _conv(half, half, 3), _conv(half, 24, 3))
        stages: list[nn.Module] = []
        for inputs, outputs in pairwise(_WIDTHS):
            last = outputs == _WIDTHS[-1]
            pyramid = [SpatialPyramid(outputs)] if last else []
            stages += [_conv(inputs, outputs, 3, 2), *pyramid, CspLayer(outputs, not last)]
        self.stages = nn.Sequential(*stages)
        self.heatmaps = nn.Conv2d(_WIDTHS[-1], _KEYPOINTS, 7, 1, 3)
        self.norm = ScaleNorm(size[0] * size[1] // 32**2)
        self.embed = nn.Linear(size[0] * size[1] // 32**2, _TOKEN, bias=False)
        self.attention = GatedAttention()
        self.x = nn.Linear(_TOKEN, 2 * size[0], bias=False)
        self.y = nn.Linear(_TOKEN, 2 * size[1], bias=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(B, 3, H, W)`` to the SimCC logits ``(B, 17, 2 W)`` and ``(B, 17, 2 H)``."""
        heatmaps = self.heatmaps(self.stages(self.stem(image))).flatten(2)
        tokens = self.attention(self.embed(self.norm(heatmaps)))
        return self.x(tokens), self.y(tokens)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(inplace=True),
    )


class CspLayer(nn.Module):
    """
    Half of the channels through a block of a 3x3 and a depthwise 5x5 convolution, half past it.

    Parameters
    ----------
    width : int
        Channels.
    shortcut : bool
        Whether the block's input is added to its output.

    """

    def __init__(self, width: int, shortcut: bool) -> None:
        super().__init__()
        half = width // 2
        self.shortcut = shortcut
        self.through, self.past = _conv(width, half, 1), _conv(width, half, 1)
        self.block = nn.Sequential(
            _conv(half, half, 3), _conv(half, half, 5, groups=half), _conv(half, half, 1)
        )
        self.gate = nn.Conv2d(width, width, 1)
        self.last = _conv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, width, H, W)`` to the same shape."""
        through = self.through(x)
        block = self.block(through) + through if self.shortcut else self.block(through)
        joined = torch.cat([block, self.past(x)], 1)
        gate = functional.hardsigmoid(self.gate(joined.mean((2, 3), keepdim=True)))
        return self.last(joined * gate)


class SpatialPyramid(nn.Module):
    """
    Maxima over three neighbourhoods beside the map itself.

    Parameters
    ----------
    width : int
        Channels.

    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width // 2, 1)
        self.last = _conv(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, width, H, W)`` to the same shape."""
        x = self.first(x)
        pooled = [functional.max_pool2d(x, size, 1, size // 2) for size in (5, 9, 13)]
        return self.last(torch.cat([x, *pooled], 1))


class ScaleNorm(nn.Module):
    """
    Divide by the length of the vector (Nguyen and Salazar, 2019).

    Parameters
    ----------
    width : int
        Length of the vectors.

    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = width**-0.5
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., width)`` to the same shape."""
        length = x.norm(dim=-1, keepdim=True) * self.scale
        return x / length.clamp_min(1e-5) * self.gain


class GatedAttention(nn.Module):
    """Gated attention unit (Hua et al., ICML 2022) over the keypoints' tokens."""

    def __init__(self) -> None:
        super().__init__()
        hidden = 2 * _TOKEN
        self.norm = ScaleNorm(_TOKEN)
        self.split = [hidden, hidden, _KEY]
        self.first = nn.Linear(_TOKEN, sum(self.split), bias=False)
        self.gain = nn.Parameter(torch.rand(2, _KEY))
        self.offset = nn.Parameter(torch.rand(2, _KEY))
        self.last = nn.Linear(hidden, _TOKEN, bias=False)
        self.shortcut = nn.Parameter(torch.ones(_TOKEN))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(B, 17, 256)`` to the same shape."""
        u, v, base = functional.silu(self.first(self.norm(tokens))).split(self.split, -1)
        query, key = (base * self.gain[i] + self.offset[i] for i in (0, 1))
        kernel = functional.relu(query @ key.transpose(1, 2) * _KEY**-0.5).square()
        return tokens * self.shortcut + self.last(u * (kernel @ v))
