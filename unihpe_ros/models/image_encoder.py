"""Image backbones: a real-time residual network of our own, and HRNet from timm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import sys

import torch
from torch import nn, Tensor
from torch.nn import functional


class ResidualBlock(nn.Module):
    """
    Two 3x3 convolutions and a shortcut (He et al., CVPR 2016).

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    stride : int
        Stride of the first convolution.

    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, 3, stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, inputs, H, W)`` to ``(B, outputs, H / stride, W / stride)``."""
        return functional.relu(self.second(self.first(x)) + self.shortcut(x))


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return convolution, batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def check_strided_convolutions(network: nn.Module) -> None:
    """
    Refuse a network whose training would corrupt memory on a CPU.

    oneDNN 3.12 (in PyTorch 2.13.0) writes outside its buffers in the backward pass of a
    channels-last 1x1 convolution with stride and fewer than 16 input channels.

    Parameters
    ----------
    network : nn.Module
        A network that has just been built.

    Raises
    ------
    ValueError
        If it contains such a convolution.

    """
    for name, layer in network.named_modules():
        if (
            isinstance(layer, nn.Conv2d)
            and max(layer.kernel_size) == 1
            and max(layer.stride) > 1
            and layer.in_channels < 16
        ):
            raise ValueError(
                f'{name}: expected at least 16 input channels in a 1x1 convolution with stride '
                f'{layer.stride[0]}; got {layer.in_channels}, with which oneDNN 3.12 (PyTorch '
                '2.13.0) corrupts memory in training'
            )


def residual_stages(widths: Sequence[int], depths: Sequence[int]) -> nn.ModuleList:
    """Return stages of residual blocks, each from one of `widths` to the next at half the size."""
    stages = nn.ModuleList()
    for inputs, outputs, depth in zip(widths, widths[1:], depths, strict=False):
        blocks = [ResidualBlock(inputs, outputs, 2)]
        blocks += [ResidualBlock(outputs, outputs) for _ in range(depth - 1)]
        stages.append(nn.Sequential(*blocks))
    return stages


class RealTimeBackbone(nn.Module):
    """
    A plain residual network with one top-down step, sized for one CPU thread.

    Dense 3x3 convolutions keep a CPU's vector units busier per FLOP than depthwise ones
    (docs/performance.md), so the budget goes into few, wide layers.

    Parameters
    ----------
    widths : tuple[int, ...]
        Channels of the stem and of the four stages (strides 2, 4, 8, 16, 32).
    depths : tuple[int, ...]
        Residual blocks of the four stages.
    neck : int
        Channels of the map that is returned.
    fine : int
        Channels of a map at stride 4, made on the way up from that one; 0 for none.

    """

    stride, fine_stride = 16, 4

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 48, 96, 160, 256),
        depths: tuple[int, ...] = (1, 2, 2, 2),
        neck: int = 128,
        fine: int = 32,
    ) -> None:
        super().__init__()
        self.stem = convolution(3, widths[0], 3, 2)
        self.stages = residual_stages(widths, depths)
        self.lateral = nn.Conv2d(widths[3], neck, 1)
        self.top = nn.Conv2d(widths[4], neck, 1)
        self.smooth = convolution(neck, neck, 3)
        self.channels = neck
        self.pooled_channels = widths[4]
        self.fine_channels = fine
        self.ascent = Ascent(neck, (widths[2], widths[1]), fine) if fine else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """
        Return the features of a batch of crops.

        Parameters
        ----------
        x : Tensor
            ``(B, 3, H, W)`` normalised.

        Returns
        -------
        features : Tensor
            ``(B, channels, H / 16, W / 16)``.
        pooled : Tensor
            ``(B, pooled_channels)``.
        fine : Tensor, optional
            ``(B, fine_channels, H / 4, W / 4)``; None without such a map.

        """
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        middle = self.lateral(maps[2])
        top = functional.interpolate(self.top(maps[3]), size=middle.shape[2:], mode='nearest')
        features = self.smooth(middle + top)
        fine = self.ascent(features, (maps[1], maps[0])) if self.ascent is not None else None
        return features, maps[3].float().mean((2, 3)), fine


class Ascent(nn.Module):
    """
    The way from a coarse map up to finer ones, each step thinner (Lin et al., CVPR 2017).

    Parameters
    ----------
    coarse : int
        Channels of the coarse map.
    finer : Sequence[int]
        Channels of the backbone's maps, each of twice the size of the one before.
    outputs : int
        Channels of the last map; each step before has twice as many as the one after.

    """

    def __init__(self, coarse: int, finer: Sequence[int], outputs: int) -> None:
        super().__init__()
        widths = [outputs << (len(finer) - 1 - i) for i in range(len(finer))]
        before = [coarse, *widths]
        self.down = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(before, widths, strict=False))
        self.lateral = nn.ModuleList(
            nn.Conv2d(a, b, 1) for a, b in zip(finer, widths, strict=True)
        )
        self.smooth = nn.ModuleList(convolution(width, width, 3) for width in widths)

    def forward(self, x: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Return the map at the size of the last of `maps` ``(B, channels, h, w)``."""
        for down, lateral, smooth, finer in zip(
            self.down, self.lateral, self.smooth, maps, strict=True
        ):
            x = functional.interpolate(down(x), size=finer.shape[2:], mode='nearest')
            x = smooth(x + lateral(finer))
        return x


class HRNetBackbone(nn.Module):
    """
    HRNet (Sun et al., CVPR 2019) from timm: its stride-4 map, and its stride-32 map pooled.

    Parameters
    ----------
    name : str
        timm's model name, 'hrnet_w32' or 'hrnet_w48'.

    """

    stride = fine_stride = 4
    # The map that it returns is fine already.
    fine_channels = 0

    def __init__(self, name: str) -> None:
        super().__init__()
        allow_missing_torchvision_operators()
        import timm

        self.net = timm.create_model(name, pretrained=False, features_only=True)
        channels = self.net.feature_info.channels()
        self.channels, self.pooled_channels = channels[1], channels[-1]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, None]:
        """Encode ``(B, 3, H, W)`` into ``(B, channels, H / 4, W / 4)`` and a pooled vector."""
        maps = self.net(x)
        return maps[1], maps[-1].float().mean((2, 3)), None


def allow_missing_torchvision_operators() -> None:
    """
    Let timm import a torchvision whose compiled operators do not fit this PyTorch.

    timm imports torchvision for transforms only; a torchvision built for another PyTorch fails
    at import because two operators are unknown. Declaring them is enough, they are never called.

    """
    if 'torchvision' in sys.modules or hasattr(torch.ops.torchvision, 'nms'):
        return
    for name in ('nms', 'qnms'):
        torch.library.define(
            f'torchvision::{name}', '(Tensor dets, Tensor scores, float iou_threshold) -> Tensor'
        )


BACKBONES: Mapping[str, Callable[[], nn.Module]] = {
    'rt': RealTimeBackbone,
    'slim': lambda: RealTimeBackbone((16, 24, 48, 80, 128), (1, 1, 1, 1), 64, 0),
    'hrnet_w32': lambda: HRNetBackbone('hrnet_w32'),
    'hrnet_w48': lambda: HRNetBackbone('hrnet_w48'),
}
