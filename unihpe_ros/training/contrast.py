"""
Contrastive losses: InfoNCE over pairs and the singular-value loss over triples.

The singular-value loss looks at the three unit embeddings of one person as the rows of a 3 x D
matrix: they agree when its largest singular value is large. With a = x.y, b = x.z, c = y.z the
Gram matrix has the characteristic polynomial (in t = lambda - 1) ``t^3 - s t - 2 p = 0`` with
``s = a^2 + b^2 + c^2`` and ``p = a b c``, whose largest root is known in closed form (Viete).

"""

from __future__ import annotations

from collections.abc import Callable, Mapping
import itertools
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# Below this the derivative's denominator 3 t^2 - s is a double root: gradients are clamped.
_DENOMINATOR = 1e-6
# A weight for logits that must not take part: far below any logit, far from overflow.
_EXCLUDED = -1e4
# Added to the squared volume: the root's slope stays finite where a trained positive lies.
_SOFTENING = 1e-4


class _LargestEigenvalue(torch.autograd.Function):
    """Largest root of the Gram matrix's polynomial; gradient by the implicit function theorem."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        s = a * a + b * b + c * c
        radius = (s / 3).sqrt()
        ratio = a * b * c / (radius**3).clamp_min(torch.finfo(a.dtype).tiny)
        t = 2 * radius * torch.cos(torch.acos(ratio.clamp(-1, 1)) / 3)
        ctx.save_for_backward(a, b, c, t, s)
        return 1 + t

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # Without the derivative of acos, which is infinite at ratio = 1, where positives lie.
        a, b, c, t, s = ctx.saved_tensors
        denominator = (3 * t * t - s).clamp_min(_DENOMINATOR)
        (g,) = gradients
        return (
            g * (2 * (a * t + b * c) / denominator).clamp(-1, 1),
            g * (2 * (b * t + a * c) / denominator).clamp(-1, 1),
            g * (2 * (c * t + a * b) / denominator).clamp(-1, 1),
        )


def largest_singular_value(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """
    Return the largest singular value of three unit rows from their cosines.

    Parameters
    ----------
    a, b, c : Tensor
        ``(...)`` cosines x.y, x.z and y.z; broadcast against each other.

    Returns
    -------
    Tensor
        ``(...)`` in [1, sqrt(3)].

    """
    a, b, c = torch.broadcast_tensors(a, b, c)
    eigenvalue: Tensor = _LargestEigenvalue.apply(a, b, c)
    return eigenvalue.clamp_min(1).sqrt()


def resultant(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """
    Return a third of the squared length of x + y + z: 1 + 2 (a + b + c) / 3, in [0, 3].

    On the scale of the largest eigenvalue, whose value it has where the three are the same, but it
    sees signs: x and -x cancel.

    """
    return 1 + 2 / 3 * (a + b + c)


def flatness(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """
    Return minus the volume that x, y and z span, in [-1, 0] but for 1e-2 of softening.

    The volume is the root of the Gram matrix's determinant (Cicchetti et al., "Gramian Multimodal
    Representation Learning and Alignment", ICLR 2025). It is blind to signs, and zero already
    where two of the three are the same.

    """
    a, b, c = torch.broadcast_tensors(a, b, c)
    determinant = 1 - a * a - b * b - c * c + 2 * a * b * c
    return -(determinant.clamp_min(0) + _SOFTENING).sqrt()


# How well three unit embeddings agree, from their cosines; the larger, the better.
TRIPLE_SCORES: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    'singular_value': largest_singular_value,
    'resultant': resultant,
    'volume': flatness,
}


def info_nce(logits: Tensor, excluded: Tensor | None = None) -> Tensor:
    """
    Return the symmetric InfoNCE of a square logit matrix, matches on its diagonal; 0 if empty.

    Parameters
    ----------
    logits : Tensor
        ``(B, B)``.
    excluded : Tensor, optional
        ``(B, B)`` bool: pairs that are no negatives (near duplicates).

    Returns
    -------
    Tensor
        Scalar.

    """
    if not len(logits):
        return logits.sum()
    if excluded is not None:
        diagonal = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        logits = logits.masked_fill(excluded & ~diagonal, _EXCLUDED)
    target = torch.arange(len(logits), device=logits.device)
    forward = functional.cross_entropy(logits, target)
    return 0.5 * (forward + functional.cross_entropy(logits.T, target))


def pairwise_loss(
    embeddings: list[Tensor],
    temperature: Tensor,
    excluded: Tensor,
    present: list[Tensor] | None = None,
) -> Tensor:
    """
    Return the mean symmetric InfoNCE over all pairs of modalities, each over persons with both.

    Parameters
    ----------
    embeddings : list[Tensor]
        ``(B, D)`` unit rows per modality, in the same order of persons.
    temperature : Tensor
        Scalar by which cosines are divided.
    excluded : Tensor
        ``(B, B)`` bool, as for `info_nce`.
    present : list[Tensor], optional
        ``(B,)`` bool per modality: the persons who have it; without it all do.

    """
    everybody = torch.ones(len(excluded), dtype=torch.bool, device=excluded.device)
    present = present or [everybody] * len(embeddings)
    losses = []
    # bfloat16 keeps 8 bits of a cosine, which the temperature then makes a dozen times larger.
    with torch.autocast(excluded.device.type, enabled=False):
        for i, j in itertools.combinations(range(len(embeddings)), 2):
            both = present[i] & present[j]
            logits = embeddings[i][both].float() @ embeddings[j][both].float().T / temperature
            losses.append(info_nce(logits, excluded[both][:, both]))
    return torch.stack(losses).mean()


def singular_value_loss(
    x: Tensor,
    y: Tensor,
    z: Tensor,
    temperature: float,
    excluded: Tensor | None = None,
    score: Callable[[Tensor, Tensor, Tensor], Tensor] = largest_singular_value,
) -> Tensor:
    """
    Return the singular-value contrastive loss, with one mismatched modality per logit.

    Three B x B matrices, one per modality that is exchanged; matching triples on the diagonals.

    Parameters
    ----------
    x, y, z : Tensor
        ``(B, D)`` unit rows.
    temperature : float
        Divides the scores.
    excluded : Tensor, optional
        ``(B, B)`` bool, as for `info_nce`.
    score : Callable
        How well three agree, from their cosines; another than the singular value for comparison.

    """
    with torch.autocast(x.device.type, enabled=False):
        x, y, z = x.float(), y.float(), z.float()
        xy, xz, yz = x @ y.T, x @ z.T, y @ z.T
        logits = (
            score(xy, xz, yz.diagonal()[None, :]),  # x_i, y_j, z_j
            score(xy.T, xz.diagonal()[None, :], yz),  # x_j, y_i, z_j
            score(xy.diagonal()[None, :], xz.T, yz.T),  # x_j, y_j, z_i
        )
        losses = [info_nce(matrix / temperature, excluded) for matrix in logits]
        return torch.stack(losses).mean()


def near_duplicates(relative: Tensor, threshold: float = 0.02) -> Tensor:
    """
    Return which pairs of poses are too similar to be negatives of each other.

    The distance is taken over the keypoints known in both, without alignment, which bounds the
    aligned one from above: every pair marked here is a duplicate. A pair that has no keypoint in
    common but the root is none.

    Parameters
    ----------
    relative : Tensor
        ``(B, K, 3)`` root-relative, m; NaN where unknown.
    threshold : float
        Mean keypoint distance below which poses count as the same, m.

    Returns
    -------
    Tensor
        ``(B, B)`` bool.

    """
    with torch.autocast(relative.device.type, enabled=False):
        poses = relative.detach().float()
        known = poses.isfinite().all(-1).float()
        flat = poses.nan_to_num().flatten(1)
        squares = poses.nan_to_num().square().sum(-1)
        # The RMS keypoint distance bounds the mean one, and is a few matrix products: the sum of
        # squared distances over common keypoints is |p|^2 m' + m |q|^2 - 2 p q.
        apart = squares @ known.T + known @ squares.T - 2 * (flat @ flat.T)
        common = known @ known.T
        return (apart < threshold**2 * common) & (common > 1)
