"""Losses of keypoints, poses and bone lengths."""

from __future__ import annotations

import torch
from torch import Tensor
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.training.ranks import total

# Share of a normal distribution within one standard deviation.
_ONE_SIGMA = 0.68
# Errors below this are all the same, m.
_MILLIMETRE = 1e-3


def simcc_loss(
    logits_x: Tensor, logits_y: Tensor, target_x: Tensor, target_y: Tensor, weight: Tensor
) -> Tensor:
    """
    Return the Kullback-Leibler divergence of SimCC targets and predictions.

    Parameters
    ----------
    logits_x, logits_y : Tensor
        ``(B, K, bins)``.
    target_x, target_y : Tensor
        ``(B, K, bins)`` distributions.
    weight : Tensor
        ``(B, K)``; 0 leaves a keypoint out.

    Returns
    -------
    Tensor
        Scalar, nats per keypoint, summed over the two axes.

    """
    divergence = torch.zeros_like(weight)
    for logits, target in ((logits_x, target_x), (logits_y, target_y)):
        log_probability = logits.float().log_softmax(-1)
        entropy = (target * target.clamp_min(1e-12).log()).sum(-1)
        divergence = divergence + entropy - (target * log_probability).sum(-1)
    return (divergence * weight).sum() / total(weight.sum()).clamp_min(1e-6)


def pose_loss(predicted: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """
    Return the mean distance of root-relative keypoints, m.

    Parameters
    ----------
    predicted, truth : Tensor
        ``(B, K, 3)`` m; `truth` NaN where unknown.
    weight : Tensor
        ``(B, K)``.

    """
    known = truth.isfinite().all(-1)
    difference = torch.where(known[..., None], predicted.float() - truth, 0.0)
    distance = (difference.square().sum(-1) + 1e-8).sqrt()
    weight = weight * known
    return (distance * weight).sum() / total(weight.sum()).clamp_min(1e-6)


def sigma_loss(sigma: Tensor, predicted: Tensor, truth: Tensor) -> Tensor:
    """
    Return how far radii are from those that hold the truth in 68 of 100 cases.

    Quantile regression of the logarithm of the error (Koenker and Bassett, Econometrica 1978):
    least where 68 % of the errors are below. Nothing but the radii learns from it.

    Parameters
    ----------
    sigma : Tensor
        ``(B, K)`` radii, m.
    predicted, truth : Tensor
        ``(B, K, 3)`` m; `truth` NaN where unknown.

    """
    error = (predicted.detach().float() - truth).norm(dim=-1)
    known = error.isfinite()
    beyond = (error.nan_to_num() + _MILLIMETRE).log() - (sigma.float() + _MILLIMETRE).log()
    loss = torch.maximum(_ONE_SIGMA * beyond, (_ONE_SIGMA - 1) * beyond) * known
    return loss.sum() / total(known.sum()).clamp_min(1)


def bone_length_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute bone length error of ``(B, K, 3)`` poses, m, over known bones."""
    bones = torch.tensor(UNION.bones, device=predicted.device)
    lengths = [
        (pose[:, bones[:, 0]] - pose[:, bones[:, 1]]).norm(dim=-1)
        for pose in (predicted.float(), truth)
    ]
    known = lengths[1].isfinite()
    error = torch.where(known, lengths[0] - torch.nan_to_num(lengths[1]), 0.0).abs()
    return error.sum() / total(known.sum()).clamp_min(1)


def reprojection_loss(poses: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """
    Mean distance of 3D keypoints from 2D ones, under the best scale and shift of each person.

    The camera of a photograph is unknown, so that its perspective is taken for weak: x and y of
    the pose, scaled and shifted by weighted least squares, are compared with the 2D.

    Parameters
    ----------
    poses : Tensor
        ``(B, K, 3)`` root-relative keypoints in the virtual camera's frame, m.
    truth : Tensor
        ``(B, K, 2)`` keypoints in the virtual camera, half crop heights; NaN where unknown.
    weight : Tensor
        ``(B, K)``; 0 leaves a keypoint out. Persons of fewer than four keypoints are left out.

    Returns
    -------
    Tensor
        Scalar, half crop heights.

    """
    weight = weight * truth.isfinite().all(-1)
    weight = weight * ((weight > 0).sum(-1, keepdim=True) >= 4)
    share = (weight / weight.sum(-1, keepdim=True).clamp_min(1e-6))[..., None]
    flat, wanted = poses[..., :2].float(), truth.nan_to_num()
    flat = flat - (share * flat).sum(1, keepdim=True)
    wanted = wanted - (share * wanted).sum(1, keepdim=True)
    spread = (share * flat.square()).sum((1, 2)).clamp_min(1e-4)
    scale = ((share * flat * wanted).sum((1, 2)) / spread).clamp_min(0)
    apart = scale[:, None, None] * flat - wanted
    distance = (apart.square().sum(-1) + 1e-6).sqrt()
    return (distance * weight).sum() / total(weight.sum()).clamp_min(1e-6)
