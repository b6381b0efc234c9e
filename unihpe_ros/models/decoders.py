"""Decoders: SimCC keypoints from a feature map, and the shared 3D decoder of all modalities."""

from __future__ import annotations

import torch
from torch import nn, Tensor
from torch.nn import functional
from unihpe_ros.models.pose_encoders import MlpBlock, UNIT

# Possible inputs of the 3D decoder; each has its own learned vector.
SOURCES = ('image', '2d', '3d', 'fused')


class KeypointAttention(nn.Module):
    """
    One transformer layer over the keypoint tokens of a crop (Vaswani et al., NeurIPS 2017).

    Parameters
    ----------
    width : int
        Width of a token.
    heads : int
        Attention heads.
    mlp : bool
        Whether an MLP follows.

    """

    def __init__(self, width: int, heads: int = 4, mlp: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = MlpBlock(width) if mlp else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(B, K, width)`` to ``(B, K, width)``."""
        b, k, width = tokens.shape
        qkv = self.qkv(self.norm(tokens)).reshape(b, k, 3, self.heads, width // self.heads)
        q, key, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, K, width / heads) each
        mixed = functional.scaled_dot_product_attention(q, key, v)
        return self.mlp(tokens + self.out(mixed.transpose(1, 2).reshape(b, k, width)))


class SimccHead(nn.Module):
    """
    Keypoint tokens, their SimCC logits and their visibility, from a feature map.

    Parameters
    ----------
    channels : int
        Channels of the feature map.
    map_size : tuple[int, int]
        (w, h) of the feature map.
    bins : tuple[int, int]
        (x, y) SimCC bins.
    keypoints : int
        Number of keypoints.
    fine_channels : int
        Channels of a second, finer feature map; 0 for none.
    fine_size : tuple[int, int]
        (w, h) of that map.
    width : int
        Width of a token.

    """

    def __init__(
        self,
        channels: int,
        map_size: tuple[int, int],
        bins: tuple[int, int],
        keypoints: int,
        fine_channels: int = 0,
        fine_size: tuple[int, int] = (0, 0),
        width: int = 192,
    ) -> None:
        super().__init__()
        self.heatmaps = nn.Conv2d(channels, keypoints, 5, 1, 2)
        self.embed = nn.Linear(map_size[0] * map_size[1], width)
        self.name = nn.Parameter(torch.randn(keypoints, width) * 0.02)
        self.mix = KeypointAttention(width)
        self.norm = nn.LayerNorm(width)
        self.x = nn.Linear(width, bins[0])
        self.y = nn.Linear(width, bins[1])
        self.visibility = nn.Linear(width, 1)
        self.fine = (
            MarginalHeatmaps(fine_channels, fine_size, bins, keypoints) if fine_channels else None
        )

    def forward(self, features: Tensor, fine: Tensor | None = None) -> dict[str, Tensor]:
        """
        Return keypoint tokens, SimCC logits and visibility logits.

        Parameters
        ----------
        features : Tensor
            ``(B, channels, h, w)``.
        fine : Tensor, optional
            ``(B, fine_channels, h, w)``, needed where there is a second map.

        Returns
        -------
        dict[str, Tensor]
            'tokens' ``(B, K, width)``, 'simcc_x' and 'simcc_y' ``(B, K, bins)`` logits,
            'visibility' ``(B, K)`` logits of being inside the crop.

        """
        tokens = self.embed(self.heatmaps(features).flatten(2)) + self.name
        tokens = self.norm(self.mix(tokens))
        x, y = self.x(tokens), self.y(tokens)
        if self.fine is not None:
            fine_x, fine_y = self.fine(fine)
            x, y = x + fine_x, y + fine_y
        return {
            'tokens': tokens,
            'simcc_x': x,
            'simcc_y': y,
            'visibility': self.visibility(tokens).squeeze(-1),
        }


class MarginalHeatmaps(nn.Module):
    """
    SimCC logits of each axis from keypoint heatmaps of a fine map: what a place looks like.

    The tokens see the whole body, but each position is a separate class for them. A heatmap is
    translation equivariant, so that it learns precise positions from fewer pictures. The marginal
    of a heatmap along an axis is its log-sum-exp over the other one, interpolated to the bins. The
    heatmaps are zero at first, so that they change nothing before training.

    Parameters
    ----------
    channels : int
        Channels of the fine map.
    map_size : tuple[int, int]
        (w, h) of the fine map.
    bins : tuple[int, int]
        (x, y) SimCC bins.
    keypoints : int
        Number of keypoints.

    """

    def __init__(
        self, channels: int, map_size: tuple[int, int], bins: tuple[int, int], keypoints: int
    ) -> None:
        super().__init__()
        self.heatmaps = nn.Conv2d(channels, keypoints, 1)
        nn.init.zeros_(self.heatmaps.weight)
        nn.init.zeros_(self.heatmaps.bias)
        self.to_x, self.to_y = (
            interpolation(cells, count) for cells, count in zip(map_size, bins, strict=True)
        )

    def forward(self, fine: Tensor) -> tuple[Tensor, Tensor]:
        """Return x and y logits ``(B, K, bins)`` of a map ``(B, channels, h, w)``."""
        maps = self.heatmaps(fine)
        return self.to_x(maps.logsumexp(2)), self.to_y(maps.logsumexp(3))


def interpolation(cells: int, bins: int) -> nn.Linear:
    """Return a layer that starts as the linear interpolation of cells' values at bins."""
    layer = nn.Linear(cells, bins)
    unit = torch.eye(cells)[None]
    with torch.no_grad():
        layer.weight.copy_(functional.interpolate(unit, bins, mode='linear')[0].T)
        layer.bias.zero_()
    return layer


class PoseDecoder(nn.Module):
    """
    The shared 3D decoder: a feature of any modality in, root-relative keypoints out.

    Parameters
    ----------
    width : int
        Width of the feature.
    keypoints : int
        Number of keypoints.
    depth : int
        Residual blocks.

    """

    def __init__(self, width: int, keypoints: int, depth: int) -> None:
        super().__init__()
        self.source = nn.Parameter(torch.randn(len(SOURCES), width) * 0.02)
        self.blocks = nn.Sequential(*[MlpBlock(width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, keypoints * 3)

    def forward(self, feature: Tensor, source: str) -> Tensor:
        """
        Return the 3D pose of a feature.

        Parameters
        ----------
        feature : Tensor
            ``(B, width)``.
        source : str
            Which of SOURCES the feature comes from.

        Returns
        -------
        Tensor
            ``(B, K, 3)`` root-relative keypoints in the virtual camera's frame, m.

        """
        x = feature + self.source[SOURCES.index(source)]
        return self.out(self.norm(self.blocks(x))).unflatten(1, (-1, 3)) * UNIT
