"""The training objective: losses of a batch of crops and of poses, and their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
import math

import numpy as np
import torch
from torch import nn, Tensor
from torch.nn import functional
from unihpe_ros.core import simcc
from unihpe_ros.datasets.batches import ImageBatch
from unihpe_ros.datasets.projection import corrupt
from unihpe_ros.evaluation.predictor import input_of_crop
from unihpe_ros.models.decoders import SOURCES
from unihpe_ros.models.unihpe import normalise, UniHPE
from unihpe_ros.training import contrast, losses, ranks
from unihpe_ros.training.config import TrainConfig
from unihpe_ros.training.gradient_cache import in_chunks

# Weight of a 3D keypoint that lies outside the image: a guess, but better than none.
_OUTSIDE = 0.3
# COCO's keypoints that have to be seen before lifting them can teach the image branch.
_ENOUGH = 12
# CLIP's limit on the learned temperature (Radford et al., ICML 2021).
_LEAST_TEMPERATURE = 0.01


class Objective(nn.Module):
    """
    The losses of a training step; with several ranks, this rank's share (see `ranks`).

    Parameters
    ----------
    config : TrainConfig
        Weights and schedule.

    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        # Averaged weights of the network, which the run keeps; not a part of this module's state.
        self.averaged: Mapping[str, Tensor] = {}
        self.log_temperature = nn.Parameter(torch.tensor(math.log(0.07)))

    @property
    def temperature(self) -> Tensor:
        """The learned temperature of the pairwise loss."""
        return self.log_temperature.exp().clamp_min(_LEAST_TEMPERATURE)

    def image_terms(
        self, model: UniHPE, batch: ImageBatch, rng: np.random.Generator, step: int
    ) -> dict[str, Tensor]:
        """Return the loss terms of crops: 2D, visibility, 3D of every modality, contrast."""
        truth = ranks.gather(batch.normalised)
        seen = corrupt(truth.cpu().numpy(), rng, strength=0.5)[ranks.part(len(truth))]
        inputs = (batch.image, torch.from_numpy(seen).to(batch.image.device), batch.relative)
        answer = in_chunks(modality_outputs, model, inputs, self.config.chunk)
        weight = _OUTSIDE + (1 - _OUTSIDE) * batch.inside
        poses = answer['poses'].unbind(1)
        return {
            'keypoints': losses.simcc_loss(
                answer['simcc_x'],
                answer['simcc_y'],
                batch.target_x,
                batch.target_y,
                batch.weight,
            ),
            'visibility': functional.binary_cross_entropy_with_logits(
                answer['visibility'].float(), batch.inside, batch.known, reduction='sum'
            )
            / ranks.total(batch.known.sum()).clamp_min(1),
            'pose': torch.stack(
                [losses.pose_loss(pose, batch.relative, weight) for pose in poses]
            ).mean(),
            'bone': losses.bone_length_loss(poses[SOURCES.index('fused')], batch.relative),
            **self._photo_terms(model, batch, poses),
            **self._contrast(answer['embeddings'], batch, step),
        }

    def _photo_terms(
        self, model: UniHPE, batch: ImageBatch, poses: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        """Return the 3D terms of people whose 3D nobody knows: photographs'."""
        terms: dict[str, Tensor] = {}
        weights = self.config.loss
        image, fused = poses[SOURCES.index('image')], poses[SOURCES.index('fused')]
        flat = batch.weight * ~batch.relative.isfinite().all(-1).any(-1, keepdim=True)
        if weights.cross_modal:
            seen = (flat > 0) & batch.normalised.isfinite().all(-1)
            target = lift_averaged(model, self.averaged, batch.normalised, seen)
            enough = (seen.sum(-1, keepdim=True) >= _ENOUGH).expand_as(seen)
            terms['cross_modal'] = 0.5 * sum(
                (losses.pose_loss(pose, target, enough.float()) for pose in (image, fused)),
                start=image.new_zeros(()),
            )
        if weights.reprojection:
            terms['reprojection'] = losses.reprojection_loss(image, batch.normalised, flat)
        return terms

    def _contrast(self, embeddings: Tensor, batch: ImageBatch, step: int) -> dict[str, Tensor]:
        """Return the contrastive terms of ``(B, 3, D)`` image, 2D and 3D, over all ranks."""
        x, y, z = ranks.gather(embeddings).unbind(1)
        relative = ranks.gather(batch.relative)
        # Image and 2D are contrasted wherever somebody is shown, 3D where it is more than a root.
        solid = relative.isfinite().all(-1).sum(-1) > 1
        shown = solid | (ranks.gather(batch.weight.amax(-1)) > 0)
        duplicates = contrast.near_duplicates(relative)
        pairwise = contrast.pairwise_loss(
            [x, y, z], self.temperature, duplicates, present=[shown, shown, solid]
        )
        ramp = self.singular_value_weight(step)
        triples = x.new_zeros(())
        if ramp:
            triples = ramp * contrast.singular_value_loss(
                x[solid],
                y[solid],
                z[solid],
                temperature=self.config.singular_value_temperature,
                excluded=duplicates[solid][:, solid],
                score=contrast.TRIPLE_SCORES[self.config.triple_score],
            )
        return {
            'pairwise': pairwise / ranks.count(),
            'singular_value': triples / ranks.count(),
        }

    def pose_terms(self, model: UniHPE, keypoints: Tensor, relative: Tensor) -> dict[str, Tensor]:
        """Return the loss terms of projected poses, of the parts that are not frozen."""
        feature_2d, embedding_2d = model.encode_2d(keypoints)
        rough, correction, sigma = model.lift_2d(keypoints, feature_2d)
        weight = torch.ones_like(relative[..., 0])
        terms: dict[str, Tensor] = {}
        if _learns(model.refiner):
            refined = rough.detach() + correction
            terms |= {
                'refined_pose': losses.pose_loss(refined, relative, weight),
                'refined_bone': losses.bone_length_loss(refined, relative),
                'sigma': losses.sigma_loss(sigma, refined, relative),
            }
        if not any(_learns(part) for part in (model.encoder_2d, model.encoder_3d, model.decoder)):
            return terms
        feature_3d, embedding_3d = model.encode_3d(relative)
        duplicates = contrast.near_duplicates(ranks.gather(relative))
        pairwise = contrast.pairwise_loss(
            [ranks.gather(embedding_2d), ranks.gather(embedding_3d)], self.temperature, duplicates
        )
        return terms | {
            'lifting_pose': losses.pose_loss(rough, relative, weight),
            'auto_pose': losses.pose_loss(model.decoder(feature_3d, '3d'), relative, weight),
            'lifting_bone': losses.bone_length_loss(rough, relative),
            'lifting_pairwise': pairwise / ranks.count(),
        }

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """Return the weighted sum of the terms."""
        weights = asdict(self.config.loss)
        weights |= {
            'lifting_pose': weights['pose'],
            'refined_pose': weights['pose'],
            'refined_bone': weights['bone'],
            'auto_pose': 0.5 * weights['pose'],
            'lifting_bone': weights['bone'],
            'lifting_pairwise': weights['pairwise'] * self.config.contrast_poses,
        }
        return torch.stack([weights[name] * term.float() for name, term in terms.items()]).sum()

    def singular_value_weight(self, step: int) -> float:
        """Return the ramp of the singular-value term at a step, in [0, 1]."""
        done = step - self.config.singular_value_start
        return min(max(done / max(self.config.singular_value_ramp, 1), 0.0), 1.0)


def _learns(part: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in part.parameters())


def modality_outputs(
    model: UniHPE, image: Tensor, seen: Tensor, relative: Tensor
) -> dict[str, Tensor]:
    """
    Return the network's outputs for crops, in all modalities.

    Parameters
    ----------
    model : UniHPE
        The network.
    image : Tensor
        ``(B, h, w, 3)`` uint8 BGR.
    seen : Tensor
        ``(B, K, 3)`` the true 2D with noise, as the 2D encoder reads it.
    relative : Tensor
        ``(B, K, 3)`` root-relative truth, m; NaN where unknown.

    Returns
    -------
    dict[str, Tensor]
        'simcc_x', 'simcc_y' and 'visibility' of the image branch; 'poses' ``(B, 4, K, 3)`` m,
        decoded from each of SOURCES; 'embeddings' ``(B, 3, D)`` of image, 2D and 3D.

    """
    answer = model.encode_image(normalise(image))
    feature_2d, _ = model.encode_2d(own_keypoints(answer, model))
    _, embedding_2d = model.encode_2d(seen)
    feature_3d, embedding_3d = model.encode_3d(relative)
    features = {
        'image': answer['feature'],
        '2d': feature_2d,
        '3d': feature_3d,
        'fused': 0.5 * (answer['feature'] + feature_2d),
    }
    return {
        **{name: answer[name] for name in ('simcc_x', 'simcc_y', 'visibility')},
        'poses': torch.stack([model.decoder(features[name], name) for name in SOURCES], 1),
        'embeddings': torch.stack([answer['embedding'], embedding_2d, embedding_3d], 1),
    }


@torch.no_grad()
def lift_averaged(
    model: UniHPE, averaged: Mapping[str, Tensor], normalised: Tensor, seen: Tensor
) -> Tensor:
    """
    Lift true 2D with the averaged lifting branch: a teacher of the image branch.

    Parameters
    ----------
    model : UniHPE
        The network.
    averaged : Mapping[str, Tensor]
        Averaged weights by name.
    normalised : Tensor
        ``(B, K, 2)`` true keypoints as the 2D encoder reads them; NaN where unknown.
    seen : Tensor
        ``(B, K)`` bool, which of them are read.

    Returns
    -------
    Tensor
        ``(B, K, 3)`` root-relative, m.

    """
    keypoints = torch.cat([normalised.nan_to_num(), torch.ones_like(normalised[..., :1])], -1)
    feature = torch.func.functional_call(
        model.encoder_2d, _part(averaged, 'encoder_2d.'), (keypoints * seen[..., None],)
    )
    pose: Tensor = torch.func.functional_call(
        model.decoder, _part(averaged, 'decoder.'), (feature, '2d')
    )
    return pose.float()


def _part(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in weights.items()
        if name.startswith(prefix)
    }


def own_keypoints(answer: dict[str, Tensor], model: UniHPE) -> Tensor:
    """Return the 2D encoder's input made of the image branch's own keypoints, no gradient."""
    logits = {
        name: answer[name].detach().float().cpu().numpy()
        for name in ('simcc_x', 'simcc_y', 'visibility')
    }
    keypoints, scores = simcc.read_keypoints(logits, model.preset.simcc_ratio)
    own = input_of_crop(keypoints, scores, model.preset.input_size)
    return torch.from_numpy(own).to(answer['feature'].device)
