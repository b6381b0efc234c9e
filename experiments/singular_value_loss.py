"""
Time the closed form of the largest singular value against PyTorch's general solvers.

    PYTHONPATH=. python experiments/singular_value_loss.py
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter

import torch
from torch import Tensor
from torch.nn import functional
from unihpe_ros.evaluation.tables import EvaluationReport, Table
from unihpe_ros.training.contrast import largest_singular_value

CLOSED_FORM = 'closed form'


def _cosines(x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return x @ y.T, x @ z.T, (y * z).sum(-1)[None, :].expand(len(x), -1)


def _closed_form(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    return largest_singular_value(*_cosines(x, y, z))


def _svdvals(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    rows = torch.broadcast_tensors(x[:, None], y[None], z[None])
    return torch.linalg.svdvals(torch.stack(rows, -2))[..., 0]


def _eigvalsh(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    a, b, c = _cosines(x, y, z)
    one = torch.ones_like(a)
    gram = torch.stack([one, a, b, a, one, c, b, c, one], -1).unflatten(-1, (3, 3))
    return torch.linalg.eigvalsh(gram)[..., -1].sqrt()


METHODS: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    CLOSED_FORM: _closed_form,
    'torch.linalg.svdvals of 3 x D': _svdvals,
    'torch.linalg.eigvalsh of 3 x 3': _eigvalsh,
}


def measure(batch: int = 128, width: int = 256, repeats: int = 3) -> EvaluationReport:
    """
    Return the times of one of the loss's three logit matrices and its gradient, by method.

    All start from the same embeddings, and the gradient goes back to them. On a CPU one thread
    computes: the solvers gain nothing from more.

    Parameters
    ----------
    batch : int
        Persons: the matrix holds the singular values of their B x B triples.
    width : int
        Width of an embedding.
    repeats : int
        Runs of each method, in turns; the median counts.

    """
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    generator = torch.Generator().manual_seed(0)
    rows = functional.normalize(torch.randn(3, batch, width, generator=generator), dim=-1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times, errors = _times_and_errors(rows.to(device), repeats)
    finally:
        torch.set_num_threads(threads)
    figures = {
        name: [1e3 * seconds, seconds / times[CLOSED_FORM], 1e7 * errors[name]]
        for name, seconds in times.items()
    }
    columns = ['forward and backward [ms]', 'times the closed form', 'largest error [1e-7]']
    notes = [
        f'{batch} x {batch} triples of width {width}, float32, {device.type}, one thread, '
        f'median of {repeats}',
        'the error is that against svdvals in float64',
    ]
    return EvaluationReport('Largest singular value', notes, [Table('Logits', columns, figures)])


def _times_and_errors(rows: Tensor, repeats: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return each method's median time, s, and its largest error."""
    few = rows[:, :32]
    exact = _svdvals(*few.double())
    errors = {name: float((method(*few) - exact).abs().max()) for name, method in METHODS.items()}
    for method in METHODS.values():
        _seconds(method, few)
    laps: dict[str, list[float]] = {name: [] for name in METHODS}
    for _ in range(repeats):
        for name, method in METHODS.items():
            laps[name].append(_seconds(method, rows))
    return {name: sorted(seconds)[repeats // 2] for name, seconds in laps.items()}, errors


def _seconds(method: Callable[[Tensor, Tensor, Tensor], Tensor], rows: Tensor) -> float:
    """Return the time of forward and backward pass, s."""
    leaf = rows.clone().requires_grad_()
    _synchronise(rows.device)
    start = perf_counter()
    method(*leaf).sum().backward()
    _synchronise(rows.device)
    return perf_counter() - start


def _synchronise(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


if __name__ == '__main__':
    print(measure().markdown())
