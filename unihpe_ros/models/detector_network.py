"""The network of the person detector: a prediction at every point of three grids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math

import torch
from torch import nn, Tensor
from torch.nn import functional
from unihpe_ros.core.model_spec import DETECTOR_STRIDES
from unihpe_ros.models.efficientnet_lite import EfficientNetLite
from unihpe_ros.models.image_encoder import (
    check_strided_convolutions,
    convolution,
    residual_stages,
)

# Initial score at every point, low because people are rare.
_PRIOR = 0.01


@dataclass(frozen=True)
class DetectorPreset:
    """
    Sizes of a detector.

    Parameters
    ----------
    input_size : tuple[int, int]
        (w, h), px; multiples of the largest stride.
    widths : tuple[int, ...]
        Channels of the stem and of the four stages (strides 2, 4, 8, 16, 32); none for an
        EfficientNet-Lite0, which can start from what it learned on ImageNet.
    depths : tuple[int, ...]
        Residual blocks of the four stages.
    neck : int
        Channels of the pyramid and of the heads.

    """

    input_size: tuple[int, int] = (416, 256)
    widths: tuple[int, ...] = (16, 32, 64, 128, 160)
    depths: tuple[int, ...] = (1, 2, 2, 2)
    neck: int = 48


DETECTORS: Mapping[str, DetectorPreset] = {
    'unihpe_det': DetectorPreset(),
    'unihpe_det_lite': DetectorPreset(widths=(), depths=(), neck=64),
}


class DetectorNetwork(nn.Module):
    """
    A backbone with a top-down pyramid (Lin et al., CVPR 2017) and one head per grid.

    Anchor-free as FCOS (Tian et al., ICCV 2019): every point predicts the score of a person and
    the distances to the edges of the box. The score is trained to be the quality of the box, so
    that there is no separate centre-ness.

    Parameters
    ----------
    preset : str
        Key of DETECTORS.

    """

    def __init__(self, preset: str) -> None:
        super().__init__()
        self.name = preset
        self.preset = sizes = DETECTORS[preset]
        widths, neck = sizes.widths, sizes.neck
        if widths:
            self.stem = convolution(3, widths[0], 3, 2)
            self.stages = residual_stages(widths, sizes.depths)
            channels = widths[-len(DETECTOR_STRIDES) :]
        else:
            self.backbone = EfficientNetLite()
            channels = self.backbone.channels
        levels = range(len(DETECTOR_STRIDES))
        self.laterals = nn.ModuleList(nn.Conv2d(width, neck, 1) for width in channels)
        self.heads = nn.ModuleList(
            nn.Sequential(
                convolution(neck, neck, 3), convolution(neck, neck, 3), nn.Conv2d(neck, 5, 1)
            )
            for _ in levels
        )
        for head in self.heads:
            nn.init.zeros_(head[-1].weight)
            nn.init.constant_(head[-1].bias, 2.0)
            nn.init.constant_(head[-1].bias[:1], -math.log(1 / _PRIOR - 1))
        check_strided_convolutions(self)

    @torch.no_grad()
    def calibrate(self, slope: float, offset: float) -> None:
        """Put ``slope * logit + offset`` in the place of every score's logit."""
        for head in self.heads:
            head[-1].weight[0] *= slope
            head[-1].bias[0] *= slope
            head[-1].bias[0] += offset

    def forward(self, image: Tensor) -> Tensor:
        """
        Return the predictions at every point of the grids.

        Parameters
        ----------
        image : Tensor
            ``(B, 3, H, W)`` normalised.

        Returns
        -------
        Tensor
            ``(B, P, 5)`` in the order of `core.detector_output.grid`: score logit, and the
            distances to the box's left, top, right and bottom, strides.

        """
        maps = self._features(image) if self.preset.widths else self.backbone(image)
        merged: list[Tensor] = []
        for lateral, level in zip(self.laterals[::-1], reversed(maps), strict=True):
            own = lateral(level)
            if merged:
                own = own + functional.interpolate(merged[0], scale_factor=2.0, mode='nearest')
            merged.insert(0, own)
        answers = [head(level).flatten(2) for head, level in zip(self.heads, merged, strict=True)]
        answer = torch.cat(answers, 2).transpose(1, 2).float()
        return torch.cat([answer[..., :1], functional.softplus(answer[..., 1:])], 2)

    def _features(self, image: Tensor) -> list[Tensor]:
        """Return the residual backbone's maps at strides 8, 16 and 32."""
        x = self.stem(image)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[1:]
