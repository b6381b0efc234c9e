"""
Agreement scores of three unit embeddings, from their cosines a = x.y, b = x.z, c = y.z.

The loss `contrast.singular_value_loss` compares a matching triple with mismatched ones by one of
these scores; the larger, the better the three agree.

"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from unihpe_ros.training.contrast import largest_singular_value

# Added to the squared volume: the root's slope stays finite where a trained positive lies.
_SOFTENING = 1e-4


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


SCORES: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    'singular_value': largest_singular_value,
    'resultant': resultant,
    'volume': flatness,
}
