"""Rendering speed by number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
import multiprocessing
import os
import time

import cv2
from unihpe_ros.synthesis.samples.crop_sample import render_crop
from unihpe_ros.synthesis.samples.people import PeopleAssets
from unihpe_ros.synthesis.samples.scene_sample import render_scene
from unihpe_ros.synthesis.samples.shard_writer import RenderPlan


@dataclass(frozen=True)
class RenderSpeed:
    """
    Measured speed of a number of processes.

    Parameters
    ----------
    workers : int
        Number of processes.
    pictures : int
        How many were made.
    seconds : float
        On the clock.
    cpu_seconds : float
        Of processor time, all processes together.

    """

    workers: int
    pictures: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Pictures per second."""
        return self.pictures / self.seconds

    @property
    def rate_per_cpu(self) -> float:
        """Pictures per second of processor time."""
        return self.pictures / self.cpu_seconds


# What a forked worker works with; set before the fork, so that nothing is pickled.
_work: tuple[PeopleAssets, RenderPlan] | None = None


def measure_speed(assets: PeopleAssets, plan: RenderPlan, pictures: int) -> Iterator[RenderSpeed]:
    """
    Yield the speed with 1, 2, 4 ... processes, up to one per core.

    Parameters
    ----------
    assets : PeopleAssets
        Bodies, clothes and motions.
    plan : RenderPlan
        What to make; nothing is written.
    pictures : int
        How many each process makes.

    Yields
    ------
    RenderSpeed
        For each number of processes.

    """
    global _work
    _work = (assets, plan)
    # Compile what is not compiled yet before anything is timed.
    _make(range(2))
    for workers in worker_counts(len(os.sched_getaffinity(0))):
        with ProcessPoolExecutor(workers, multiprocessing.get_context('fork')) as pool:
            start = time.perf_counter()
            shares = [range(i * pictures, (i + 1) * pictures) for i in range(workers)]
            used = list(pool.map(_make, shares))
            seconds = time.perf_counter() - start
        yield RenderSpeed(workers, workers * pictures, seconds, sum(used))


def worker_counts(cores: int) -> list[int]:
    """Return 1, 2, 4 ... and the number of cores."""
    counts = [1]
    while 2 * counts[-1] < cores:
        counts.append(2 * counts[-1])
    return [*counts, cores] if cores > 1 else counts


def _make(numbers: range) -> float:
    assert _work is not None
    assets, plan = _work
    cv2.setNumThreads(1)
    render = render_crop if plan.kind == 'crops' else render_scene
    start = time.process_time()
    for number in numbers:
        render(assets, plan.key(number), plan.size)
    return time.process_time() - start
