"""Time the same network in PyTorch, eager and compiled, to compare the engines with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn, Tensor
from unihpe_ros.bench.engines.engine_benchmark import BATCHES, EngineBench, percentiles
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.models.unihpe import UniHPE


class _Network(nn.Module):
    """Both branches of the network, without decoding between them."""

    def __init__(self, preset: str) -> None:
        super().__init__()
        self.model = UniHPE(preset).eval()

    def forward(self, image: Tensor, keypoints: Tensor) -> Tensor:
        seen = self.model.encode_image(image)
        return self.model.lift(keypoints, seen['feature'])['fused_pose3d']


def time_torch(bench: EngineBench) -> None:
    """
    Add rows 'torch-eager' and 'torch-compile' to a run: the two branches alone.

    On a GPU they compute in float16; the weights are random, which costs the same.

    Parameters
    ----------
    bench : EngineBench
        The run; its model names the preset.

    """
    on_gpu = torch.cuda.is_available()
    device = torch.device('cuda' if on_gpu else 'cpu')
    network = _Network(bench.model).to(device)
    width, height = network.model.preset.input_size
    compiled = torch.compile(network, mode='reduce-overhead') if on_gpu else None
    for name, run in (('torch-eager', network), ('torch-compile', compiled)):
        if run is None:
            bench.skipped[name] = 'it is timed on a GPU only'
            continue
        for batch in BATCHES:
            image = torch.randn(batch, 3, height, width, device=device)
            points = torch.randn(batch, len(UNION), 3, device=device)
            work = _work(run, image, points)
            seconds = np.array(bench.time(f'{name} {batch}', work))
            bench.rows.append(
                {
                    'backend': name,
                    'batch': batch,
                    'total': percentiles(seconds),
                    'stages': {},
                    'people_s': batch / float(seconds.mean()),
                }
            )


def _work(run: nn.Module, image: Tensor, points: Tensor) -> Callable[[], None]:
    on_gpu = image.is_cuda

    def work() -> None:
        with torch.inference_mode(), torch.autocast(image.device.type, torch.float16, on_gpu):
            run(image, points)
        if on_gpu:
            torch.cuda.synchronize()

    return work
