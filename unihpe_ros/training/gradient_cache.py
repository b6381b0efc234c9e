"""
Gradient caching, for batches larger than memory (Gao et al., "GradCache", 2021).

The contrast needs the embeddings of the whole batch at once, but not the activations that made
them: each chunk goes through the network, its outputs are kept and its activations thrown away;
the loss sees the outputs of all; on the way back each chunk is computed once more.

"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import nn, Tensor
from torch.utils.checkpoint import checkpoint


def in_chunks(
    forward: Callable[..., dict[str, Tensor]],
    model: nn.Module,
    tensors: Sequence[Tensor],
    chunk: int,
) -> dict[str, Tensor]:
    """
    Return ``forward(model, *tensors)``, computed a few rows at a time.

    Parameters
    ----------
    forward : Callable
        From the network and ``(B, ...)`` tensors to named ``(B, ...)`` tensors.
    model : nn.Module
        The network. Its batch normalisations see a chunk at a time.
    tensors : Sequence[Tensor]
        Inputs, B rows each.
    chunk : int
        Rows at a time; 0 for all at once.

    """
    if not chunk or chunk >= len(tensors[0]):
        return forward(model, *tensors)
    parts = [
        checkpoint(
            forward,
            model,
            *rows,
            use_reentrant=False,
            context_fn=lambda: (nullcontext(), _same_statistics(model)),
        )
        for rows in zip(*(tensor.split(chunk) for tensor in tensors), strict=True)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


@contextmanager
def _same_statistics(model: nn.Module) -> Iterator[None]:
    """Keep the second pass over a chunk from changing the running statistics of batch norms."""
    norms = [
        (module, module.momentum, module.num_batches_tracked)
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
    ]
    counts = [None if counter is None else counter.clone() for _, _, counter in norms]
    for norm, _, _ in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for (norm, momentum, counter), count in zip(norms, counts, strict=True):
            norm.momentum = momentum
            if counter is not None and count is not None:
                counter.copy_(count)
