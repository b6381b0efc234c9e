"""Losses of the detector: assignment of points to people, quality focal loss, GIoU."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# Points that answer for one person (TOOD: Feng et al., ICCV 2021; its metric and its exponents).
_CANDIDATES = 10
_SCORE_POWER, _OVERLAP_POWER = 0.5, 6.0
# The exponent of the quality focal loss (Li et al., NeurIPS 2020).
_FOCUS = 2.0


@dataclass(frozen=True)
class Assignment:
    """
    The training target of every point.

    Parameters
    ----------
    owner : Tensor
        ``(B, P)`` row of the person a point answers for; -1 for nobody.
    quality : Tensor
        ``(B, P)`` the score it is to give, in [0, 1].
    counts : Tensor
        ``(B, P)`` whether the score counts: not where a person is too hidden to be asked for.

    """

    owner: Tensor
    quality: Tensor
    counts: Tensor


@torch.no_grad()
def assign(
    scores: Tensor, boxes: Tensor, truth: Tensor, asked: Tensor, points: Tensor, steps: Tensor
) -> Assignment:
    """
    Return the target of every point: each person gets the points that fit best (TOOD).

    A point is a candidate if it lies in the person's box, which is taken to be at least two
    strides wide and high. Of the candidates the ten of the largest score^0.5 IoU^6 are chosen; a
    point chosen by several people answers for the one it fits best. Its quality is that figure,
    scaled so that a person's best point has the person's best IoU.

    Parameters
    ----------
    scores : Tensor
        ``(B, P)`` in [0, 1].
    boxes : Tensor
        ``(B, P, 4)`` answered boxes, px.
    truth : Tensor
        ``(B, G, 4)`` people's boxes, px; NaN in rows that hold nobody.
    asked : Tensor
        ``(B, G)`` bool, whether a person is to be found; the others are neither asked for nor
        denied.
    points, steps : Tensor
        ``(P, 2)`` px and ``(P,)`` px, see `core.detector_output.grid`.

    """
    b, p = scores.shape
    if truth.shape[1] == 0:
        nobody = torch.full((b, p), -1, dtype=torch.long, device=scores.device)
        return Assignment(nobody, torch.zeros_like(scores), torch.ones_like(nobody).bool())
    middle = 0.5 * (truth[..., :2] + truth[..., 2:])[:, :, None]
    half = 0.5 * (truth[..., 2:] - truth[..., :2])[:, :, None]
    away = (points - middle).abs()  # (B, G, P, 2)
    inside = (away < torch.maximum(half, steps[:, None])).all(-1)
    overlap = paired_iou(boxes[:, None], truth[:, :, None]).nan_to_num(0.0)  # (B, G, P)
    fit = scores[:, None] ** _SCORE_POWER * overlap**_OVERLAP_POWER
    fit = torch.where(inside & asked[..., None], fit, torch.zeros_like(fit))
    best, places = fit.topk(min(_CANDIDATES, p), -1)
    chosen = torch.zeros_like(fit).scatter_(-1, places, (best > 0).float()) > 0
    fitting = torch.where(chosen, overlap, torch.full_like(overlap, -1.0))
    overlap_of, owner = fitting.max(1)  # (B, P)
    owner = torch.where(overlap_of >= 0, owner, torch.full_like(owner, -1))
    mine = functional.one_hot(owner.clamp_min(0), truth.shape[1]).movedim(-1, 1).bool()
    mine &= (owner >= 0)[:, None]
    fit, overlap = fit * mine, overlap * mine
    scale = overlap.amax(-1, keepdim=True) / fit.amax(-1, keepdim=True).clamp_min(1e-12)
    quality = (fit * scale).sum(1).clamp(0, 1)
    unasked = ((away < half).all(-1) & ~asked[..., None]).any(1)
    return Assignment(owner, quality, ~unasked | (owner >= 0))


def quality_focal_loss(logits: Tensor, quality: Tensor) -> Tensor:
    """
    Return the cross-entropy with a target in [0, 1], weighted by the distance to it.

    Parameters
    ----------
    logits, quality : Tensor
        ``(...)`` answered and wanted.

    Returns
    -------
    Tensor
        ``(...)`` nats.

    """
    entropy = functional.binary_cross_entropy_with_logits(logits, quality, reduction='none')
    return (logits.sigmoid() - quality).abs() ** _FOCUS * entropy


def paired_iou(one: Tensor, other: Tensor) -> Tensor:
    """``(...)`` intersection over union of boxes ``(..., 4)``, which may be broadcast."""
    shared, union, _ = _areas(one, other)
    return shared / union


def giou_loss(one: Tensor, other: Tensor) -> Tensor:
    """
    One less the generalised IoU (Rezatofighi et al., CVPR 2019): in [0, 2], 0 for equal boxes.

    Parameters
    ----------
    one, other : Tensor
        ``(..., 4)`` boxes, px.

    """
    shared, union, hull = _areas(one, other)
    return 1 - shared / union + (hull - union) / hull


def _areas(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    shared = (high - low).clamp_min(0).prod(-1)
    sizes = [(box[..., 2:] - box[..., :2]).clamp_min(0).prod(-1) for box in (one, other)]
    outer = torch.maximum(one[..., 2:], other[..., 2:]) - torch.minimum(
        one[..., :2], other[..., :2]
    )
    union = (sizes[0] + sizes[1] - shared).clamp_min(1e-6)
    return shared, union, outer.prod(-1).clamp_min(1e-6)
