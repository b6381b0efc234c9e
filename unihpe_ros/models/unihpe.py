"""UniHPE: encoders of image, 2D and 3D pose with one embedding space and one 3D decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn, Tensor
from torch.nn import functional
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.models.decoders import PoseDecoder, SimccHead
from unihpe_ros.models.image_encoder import BACKBONES, check_strided_convolutions
from unihpe_ros.models.pose_encoders import input_3d, PoseEncoder
from unihpe_ros.models.refiner import mirrored_keypoints, PoseRefiner

# ImageNet's channel means and deviations in grey levels (RGB), the customary normalisation.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)

# Radius of the lifted keypoints, m, at which image and lifted pose have the same weight in the
# fused pose. There is one weight for the whole person, because mixed keypoints of two poses would
# fit neither.
_IMAGE_SIGMA = 0.12


def normalise(image: Tensor) -> Tensor:
    """Return ``(B, 3, h, w)`` normalised RGB, channels last, of ``(B, h, w, 3)`` uint8 BGR."""
    mean, std = (torch.tensor(values, device=image.device) for values in (MEAN, STD))
    rgb = (image.flip(-1).float() - mean) / std
    return rgb.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Preset:
    """
    Sizes of a UniHPE.

    Parameters
    ----------
    backbone : str
        Key of BACKBONES.
    input_size : tuple[int, int]
        (w, h) of the crop, px.
    width : int
        Width of the features.
    embedding : int
        Width of the common embedding space.
    encoder_depth, decoder_depth : int
        Residual blocks of the pose encoders and of the 3D decoder.
    simcc_ratio : float
        SimCC bins per pixel.

    """

    backbone: str
    input_size: tuple[int, int]
    width: int
    embedding: int
    encoder_depth: int
    decoder_depth: int
    simcc_ratio: float = 2.0


PRESETS: Mapping[str, Preset] = {
    'unihpe_rt': Preset('rt', (144, 192), 512, 256, 2, 1),
    # The same network on larger crops: the more accurate of the two that ship.
    'unihpe_s': Preset('rt', (192, 256), 512, 256, 2, 1),
    # The small preset at half its size, for comparisons that a CPU can afford.
    'unihpe_slim': Preset('slim', (72, 96), 256, 128, 2, 1),
    'unihpe_w32': Preset('hrnet_w32', (192, 256), 1024, 512, 2, 2),
    'unihpe_w48': Preset('hrnet_w48', (192, 256), 1024, 512, 2, 2),
}


class ImageBranch(nn.Module):
    """
    Image encoder, SimCC head and the feature that the 3D decoder reads.

    Parameters
    ----------
    preset : Preset
        Sizes.

    """

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        w, h = preset.input_size
        self.backbone = BACKBONES[preset.backbone]()
        bins = (round(w * preset.simcc_ratio), round(h * preset.simcc_ratio))
        map_size, fine_size = (
            (-(-w // stride), -(-h // stride))
            for stride in (self.backbone.stride, self.backbone.fine_stride)
        )
        self.head = SimccHead(
            self.backbone.channels,
            map_size,
            bins,
            len(UNION),
            self.backbone.fine_channels,
            fine_size,
        )
        token_width = self.head.x.in_features
        self.squeeze = nn.Linear(token_width, 16)
        self.gather = nn.Linear(16 * len(UNION) + self.backbone.pooled_channels, preset.width)
        self.norm = nn.LayerNorm(preset.width)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Return the features of a batch of crops.

        Parameters
        ----------
        image : Tensor
            ``(B, 3, H, W)`` normalised RGB.

        Returns
        -------
        dict[str, Tensor]
            What SimccHead gives, and 'feature' ``(B, width)``.

        """
        features, pooled, fine = self.backbone(image)
        answer: dict[str, Tensor] = self.head(features, fine)
        tokens = functional.gelu(self.squeeze(answer['tokens'])).flatten(1)
        answer['feature'] = self.norm(self.gather(torch.cat([tokens, pooled.to(tokens)], 1)))
        return answer


class Projection(nn.Sequential):
    """
    Head from a feature to the common embedding space.

    Parameters
    ----------
    width, embedding : int
        Widths of the feature and of the embedding.

    """

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__(nn.Linear(width, embedding), nn.GELU(), nn.Linear(embedding, embedding))

    def forward(self, feature: Tensor) -> Tensor:
        """Map ``(B, width)`` to unit vectors ``(B, embedding)``, in float32."""
        return functional.normalize(super().forward(feature).float(), dim=-1)


class UniHPE(nn.Module):
    """
    The network: image branch, pose encoders, 3D decoder and its refiner, projections.

    Parameters
    ----------
    preset : str
        Key of PRESETS.

    Raises
    ------
    ValueError
        If there is no such preset.

    """

    def __init__(self, preset: str) -> None:
        super().__init__()
        if preset not in PRESETS:
            raise ValueError(f'preset: expected one of {", ".join(PRESETS)}; got {preset!r}')
        self.name = preset
        self.preset = sizes = PRESETS[preset]
        k = len(UNION)
        self.image_branch = ImageBranch(sizes)
        self.encoder_2d = PoseEncoder(k, 3, sizes.width, sizes.encoder_depth)
        self.encoder_3d = PoseEncoder(k, 4, sizes.width, sizes.encoder_depth)
        self.decoder = PoseDecoder(sizes.width, k, sizes.decoder_depth)
        self.refiner = PoseRefiner()
        self.project_image = Projection(sizes.width, sizes.embedding)
        self.project_2d = Projection(sizes.width, sizes.embedding)
        self.project_3d = Projection(sizes.width, sizes.embedding)
        check_strided_convolutions(self)

    def encode_image(self, image: Tensor) -> dict[str, Tensor]:
        """Encode ``(B, 3, H, W)``; ImageBranch's answer and 'embedding' ``(B, D)``."""
        answer: dict[str, Tensor] = self.image_branch(image)
        return {**answer, 'embedding': self.project_image(answer['feature'])}

    def encode_2d(self, keypoints: Tensor) -> tuple[Tensor, Tensor]:
        """
        Return feature and embedding of 2D poses.

        Parameters
        ----------
        keypoints : Tensor
            ``(B, K, 3)`` normalised x, y in the crop's virtual camera, and score; zeros where
            missing.

        Returns
        -------
        feature, embedding : Tensor
            ``(B, width)`` and ``(B, D)``.

        """
        feature = self.encoder_2d(keypoints)
        return feature, self.project_2d(feature)

    def encode_3d(self, relative: Tensor) -> tuple[Tensor, Tensor]:
        """Encode root-relative ``(B, K, 3)`` m, NaN where unknown, as `encode_2d` does."""
        feature = self.encoder_3d(input_3d(relative))
        return feature, self.project_3d(feature)

    def lift_2d(self, keypoints: Tensor, feature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Return the 3D poses of 2D poses, and how they are corrected.

        Parameters
        ----------
        keypoints, feature : Tensor
            ``(B, K, 3)`` what `encode_2d` was given, and ``(B, width)`` its answer.

        Returns
        -------
        rough : Tensor
            ``(B, K, 3)`` root-relative, m, the decoder's answer.
        correction : Tensor
            ``(B, K, 3)`` m, to be added to it: to its mean with the mirrored person's, refined.
        sigma : Tensor
            ``(B, K)`` m, see `PoseRefiner.forward`.

        """
        rough = self.decoder(feature, '2d')
        other = mirrored_keypoints(
            self.decoder(self.encoder_2d(mirrored_keypoints(keypoints)), '2d')
        )
        # Without gradient, so that the refiner adapts to encoder and decoder, but does not change
        # them.
        shift = 0.5 * (other - rough).detach()
        correction, sigma = self.refiner(keypoints, rough.detach() + shift)
        return rough, shift + correction, sigma

    def lift(self, keypoints: Tensor, image_feature: Tensor) -> dict[str, Tensor]:
        """
        Return the 3D poses of image, 2D and both: the outputs of the exported lifting branch.

        Parameters
        ----------
        keypoints : Tensor
            ``(B, K, 3)`` as for `encode_2d`.
        image_feature : Tensor
            ``(B, width)`` of the image branch; zeros without an image.

        Returns
        -------
        dict[str, Tensor]
            'image_pose3d', 'lifted_pose3d', 'fused_pose3d' ``(B, K, 3)`` root-relative, m, in
            the crop's virtual camera; 'sigma' ``(B, K)`` m, nearer than which a lifted keypoint
            is in 68 of 100 cases; and 'embedding' ``(B, D)`` of the 2D pose.

        """
        feature, embedding = self.encode_2d(keypoints)
        rough, correction, sigma = self.lift_2d(keypoints, feature)
        lifted, image = rough + correction, self.decoder(image_feature, 'image')
        return {
            'image_pose3d': image,
            'lifted_pose3d': lifted,
            'fused_pose3d': lifted + _image_share(sigma) * (image - lifted),
            'embedding': embedding,
            'sigma': sigma,
        }


def _image_share(sigma: Tensor) -> Tensor:
    """Return by how much to go from lifted to image poses, ``(B, 1, 1)``: by their variances."""
    variance = sigma.square().mean(1)[:, None, None]
    return variance / (variance + _IMAGE_SIGMA**2)
