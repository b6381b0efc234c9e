"""Lifters for comparison: other authors' designs, and our lifting branch alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn, Tensor
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.models.decoders import PoseDecoder
from unihpe_ros.models.graph_layers import KeypointTransformer
from unihpe_ros.models.pose_encoders import PoseEncoder, UNIT
from unihpe_ros.models.unihpe import Preset, PRESETS

_KEYPOINTS = len(UNION)


class Lifter(nn.Module):
    """Base of lifters: subclasses map a 2D pose to a 3D one."""

    preset: Preset = PRESETS['unihpe_rt']

    def lift(self, keypoints: Tensor, _: Tensor) -> dict[str, Tensor]:
        """Answer ``(B, K, 3)`` keypoints as `UniHPE.lift` does; there is no image to look at."""
        return {'lifted_pose3d': self(keypoints)}


class LiftingBranch(Lifter):
    """The 2D encoder and the 3D decoder of the small preset, trained alone."""

    def __init__(self) -> None:
        super().__init__()
        sizes = self.preset
        self.encoder = PoseEncoder(_KEYPOINTS, 3, sizes.width, sizes.encoder_depth)
        self.decoder = PoseDecoder(sizes.width, _KEYPOINTS, sizes.decoder_depth)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Map ``(B, K, 3)`` x, y, score to ``(B, K, 3)`` root-relative m."""
        pose: Tensor = self.decoder(self.encoder(keypoints), '2d')
        return pose


class SimpleBaseline(Lifter):
    """
    Residual MLP of Martinez et al. ("A simple yet effective baseline", ICCV 2017).

    Without its dropout: every batch here is seen by new cameras, there is nothing to overfit to
    in a short run.

    Parameters
    ----------
    width : int
        Width of the linear layers.
    depth : int
        Residual blocks of two layers each.

    """

    def __init__(self, width: int = 1024, depth: int = 2) -> None:
        super().__init__()
        self.first = _layer(_KEYPOINTS * 3, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(_layer(width, width), _layer(width, width)) for _ in range(depth)
        )
        self.last = nn.Linear(width, _KEYPOINTS * 3)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Map ``(B, K, 3)`` x, y, score to ``(B, K, 3)`` root-relative m."""
        x = self.first(keypoints.flatten(1))
        for block in self.blocks:
            x = x + block(x)
        return self.last(x).unflatten(1, (-1, 3)) * UNIT


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU())


class GraphTransformer(KeypointTransformer, Lifter):
    """
    Attention over all keypoints and graph convolution along the bones, in turn.

    The design that GraFormer (Zhao et al., CVPR 2022) and DC-GCT (Kang et al., 2023) share.

    Parameters
    ----------
    width : int
        Width of a keypoint's token.
    depth : int
        Layers of attention and graph convolution.

    """

    def __init__(self, width: int = 128, depth: int = 5) -> None:
        super().__init__(3, 3, width, depth)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Map ``(B, K, 3)`` x, y, score to ``(B, K, 3)`` root-relative m."""
        return self.read(keypoints) * UNIT


LIFTERS: Mapping[str, Callable[[], Lifter]] = {
    'lifting_branch': LiftingBranch,
    'simple_baseline': SimpleBaseline,
    'graph_transformer': GraphTransformer,
}
