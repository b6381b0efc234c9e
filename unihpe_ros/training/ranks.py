"""
Distributed training: `torchrun` starts the ranks, each takes a part of every batch.

Each rank's loss is its share: the ranks' shares sum up to the loss of the whole batch, and the
sums of their gradients are its gradients. So N ranks compute the same as one rank with the whole
batch. In a single process every function here returns its input.

"""

from __future__ import annotations

from collections.abc import Iterable
import os
from typing import Any

import torch
from torch import distributed, nn, Tensor


class RanksError(RuntimeError):
    """A run that can't be distributed; the message says why."""


def started() -> int:
    """Return how many processes `torchrun` started; 1 without it."""
    return int(os.environ.get('WORLD_SIZE', '1'))


def join() -> torch.device:
    """Join the process group if `torchrun` started this process; return the rank's device."""
    here = int(os.environ.get('LOCAL_RANK', '0'))
    device = torch.device('cuda', here) if torch.cuda.is_available() else torch.device('cpu')
    if started() > 1 and not distributed.is_initialized():
        if device.type == 'cuda':
            torch.cuda.set_device(device)
        distributed.init_process_group('nccl' if device.type == 'cuda' else 'gloo')
    return device


def check_alone(what: str) -> None:
    """Raise RanksError where `torchrun` started several processes for what can't be shared."""
    if started() > 1:
        raise RanksError(f'{what}: expected a single process; torchrun started {started()}')


def leave() -> None:
    """Leave the process group."""
    if count() > 1:
        distributed.destroy_process_group()


def count() -> int:
    """Return the number of ranks."""
    if not distributed.is_available() or not distributed.is_initialized():
        return 1
    return distributed.get_world_size()


def rank() -> int:
    """Return the number of this rank; rank 0 writes logs and checkpoints."""
    return distributed.get_rank() if count() > 1 else 0


def part(size: int) -> slice:
    """Return this rank's part of a batch; RanksError if the ranks can't have equal parts."""
    share, rest = divmod(size, count())
    if rest:
        raise RanksError(f'batch of {size}: expected a multiple of the {count()} ranks')
    return slice(rank() * share, (rank() + 1) * share)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        parts = [torch.empty_like(tensor) for _ in range(count())]
        distributed.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        # Every rank's loss depends on this rank's rows.
        (gradient,) = gradients
        return total(gradient)[part(len(gradient))]


def gather(tensor: Tensor) -> Tensor:
    """
    Return the rows of all ranks; gradients flow back to the rank of each row.

    Parameters
    ----------
    tensor : Tensor
        ``(B, ...)``, as long on every rank.

    Returns
    -------
    Tensor
        ``(ranks * B, ...)``, in the order of the ranks.

    """
    if count() == 1:
        return tensor
    gathered: Tensor = _Gather.apply(tensor.contiguous())
    return gathered


def total(tensor: Tensor) -> Tensor:
    """Return the sum over all ranks, without gradient."""
    if count() == 1:
        return tensor
    tensor = tensor.detach().clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(tensor)
    return tensor


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its sum over the ranks, in one message."""
    if count() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    sums = total(torch.cat([gradient.flatten() for gradient in gradients]))
    parts = sums.split([gradient.numel() for gradient in gradients])
    for gradient, summed in zip(gradients, parts, strict=True):
        gradient.copy_(summed.view_as(gradient))


class RanksBatchNorm(nn.BatchNorm2d):
    """
    Batch normalisation with the statistics of all ranks' parts, on any device.

    torch.nn.SyncBatchNorm needs a GPU; a run shared among CPUs has to be the same run too.

    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(B, C, H, W)``; as BatchNorm2d where it is not training."""
        if not self.training:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            values = x.float()
            variance, mean = torch.var_mean(values, (0, 2, 3), correction=0)
            means, variances = gather(torch.stack([mean, variance])[None]).unbind(1)
            mean = means.mean(0)
            variance = variances.mean(0) + (means - mean).square().mean(0)
            self._remember(mean.detach(), variance.detach(), count() * x[:, 0].numel())
            scale = self.weight * (variance + self.eps).rsqrt()
            shift = self.bias - mean * scale
            return (values * scale[:, None, None] + shift[:, None, None]).to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor, samples: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * samples / max(samples - 1, 1), self.momentum)
        self.num_batches_tracked.add_(1)


def share_batch_norms(module: nn.Module) -> None:
    """Make the batch normalisations below a module use the statistics of all ranks' parts."""
    if count() == 1:
        return
    for name, child in module.named_children():
        if type(child) is nn.BatchNorm2d:
            shared = RanksBatchNorm(child.num_features, child.eps, child.momentum)
            shared.load_state_dict(child.state_dict())
            setattr(module, name, shared.to(child.weight.device))
        else:
            share_batch_norms(child)
