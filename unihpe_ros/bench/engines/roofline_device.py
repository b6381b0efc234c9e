"""Measure the peak rates of this CPU or GPU: arithmetic and memory traffic."""

from __future__ import annotations

from collections.abc import Callable
import subprocess
from time import perf_counter
from typing import Any

import numpy as np

_SIZE = 1024
_BLOCK = 1 << 26  # bytes
_ROUNDS = 5
_GPU_FIELDS = (
    *('name', 'driver_version', 'compute_cap', 'memory.total', 'power.limit'),
    *('clocks.sm', 'clocks.max.sm', 'clocks.mem', 'clocks.max.mem'),
)


def cpu_limits() -> dict[str, float]:
    """Return float32 operations and bytes moved in a second: a matrix product and a copy."""
    one = np.ones((_SIZE, _SIZE), np.float32)
    source = np.ones(_BLOCK, np.uint8)
    target = np.empty_like(source)
    product = np.empty_like(one)
    flops = 2.0 * _SIZE**3 / _fastest(lambda: np.matmul(one, one, out=product))
    return {'flops': flops, 'bytes_s': 2.0 * _BLOCK / _fastest(lambda: np.copyto(target, source))}


def gpu_limits() -> dict[str, float]:
    """Return float16 operations and bytes moved in a second; nothing without PyTorch and a GPU."""
    try:
        import torch
    except ImportError:
        return {}
    if not torch.cuda.is_available():
        return {}
    one = torch.ones((8 * _SIZE, 8 * _SIZE), dtype=torch.float16, device='cuda')
    source = torch.ones(16 * _BLOCK, dtype=torch.uint8, device='cuda')
    target = torch.empty_like(source)

    def timed(work: Callable[[], object]) -> float:
        def run() -> None:
            work()
            torch.cuda.synchronize()

        run()
        return _fastest(run)

    flops = 2.0 * (8 * _SIZE) ** 3 / timed(lambda: torch.matmul(one, one))
    return {'flops': flops, 'bytes_s': 32.0 * _BLOCK / timed(lambda: target.copy_(source))}


def describe_gpu() -> dict[str, Any]:
    """Return what the driver says of the first GPU, its clocks as they are now; {} without."""
    command = ['nvidia-smi', '-i', '0', '--format=csv,noheader', '--query-gpu']
    command[-1] += '=' + ','.join(_GPU_FIELDS)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(zip(_GPU_FIELDS, done.stdout.strip().split(', '), strict=False))


def _fastest(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_ROUNDS):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return min(seconds)
