"""Measurement of the estimator's cost by people, cameras, size of the picture and rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
from unihpe_ros.bench.engines.demo_crops import demo_group
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.estimator import CameraImage, PoseEstimator

PEOPLE, CAMERAS, RATES = (1, 2, 4, 8, 16, 32), (1, 2, 4, 8), (15, 30, 60, 120)
GROWTH_SIZES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))
_SIZE, _FEW, _RATE = (1280, 720), 3, 30
_FOV = np.deg2rad(60)
_WARM_UP = 8


@dataclass(frozen=True)
class GrowthPoint:
    """CPU ms an image of one camera: some people, cameras, width in px and images a second."""

    axis: str
    people: int
    cameras: int
    width: int
    fps: int
    cpu_ms: float

    @property
    def value(self) -> int:
        """Value on the axis of its case: people, cameras or px."""
        return int(getattr(self, self.axis))

    @property
    def total(self) -> float:
        """CPU ms for an image of each camera; where the rate is looked at, for a second."""
        return self.cpu_ms * self.cameras * (self.fps if self.axis == 'fps' else 1)


def cases() -> Iterator[tuple[str, int, int, tuple[int, int], int]]:
    """Yield axis, people, cameras, size and images a second of each case."""
    yield from (('people', people, 1, _SIZE, _RATE) for people in PEOPLE)
    yield from (('cameras', _FEW, cameras, (640, 480), _RATE) for cameras in CAMERAS)
    yield from (('width', _FEW, 1, size, _RATE) for size in GROWTH_SIZES)
    yield from (('fps', _FEW, 1, (640, 480), fps) for fps in RATES)


def measure_growth(
    model: str, backend: str, images: int, step: Callable[[int], object] = lambda done: None
) -> list[GrowthPoint]:
    """
    Measure every case on a still picture of people side by side; their boxes are given.

    Parameters
    ----------
    model, backend : str
        What runs.
    images : int
        Images of each case.
    step : Callable[[int], object]
        Called for each finished case.

    """
    points = []
    for axis, people, cameras, size, fps in cases():
        settings = EstimatorSettings(max_people=people, detector='none')
        estimator = PoseEstimator(model, settings, backend=backend, streams=cameras)
        picture, boxes = demo_group(size, people)
        camera = Camera.from_fov(*size, _FOV)
        spent: list[float] = []
        for number in range(_WARM_UP + images):
            given = [
                CameraImage(
                    picture, camera, number / fps, str(one), boxes if number < _WARM_UP else None
                )
                for one in range(cameras)
            ]
            begun = process_time()
            found = estimator.estimate_batch(given)
            if number >= _WARM_UP:
                spent.append(1e3 * (process_time() - begun) / cameras)
        estimator.close()
        if not all(len(poses) for poses in found):
            raise ValueError(f'{people} people in {size[0]}x{size[1]}: expected some; none found')
        cpu_ms = float(np.median(spent))
        points.append(GrowthPoint(axis, people, cameras, size[0], fps, cpu_ms))
        step(1)
    return points


def plot_growth(points: Sequence[GrowthPoint], path: Path) -> None:
    """Draw one curve for each axis, with a line through its first point beside it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 3.6), layout='constrained')
    labels = {
        'people': 'people',
        'cameras': 'cameras',
        'width': 'width of the picture [px]',
        'fps': 'images a second',
    }
    for axes, (axis, label) in zip(figure.subplots(1, len(labels)), labels.items(), strict=True):
        chosen = [point for point in points if point.axis == axis]
        x = np.array([point.value for point in chosen])
        total = np.array([point.total for point in chosen])
        axes.plot(x, total, marker='o', label='measured')
        if axis != 'width':
            axes.plot(x, total[0] * x / x[0], '--', color='grey', label='linear')
        what = 'a second' if axis == 'fps' else 'an image of each camera'
        axes.set(xlabel=label, ylabel=f'CPU ms for {what}', ylim=(0, None))
        axes.legend()
    figure.savefig(path, dpi=120, format='png')
