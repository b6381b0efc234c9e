"""Benchmark of all backends on the same crops: latency, throughput and agreement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bench.engines.demo_crops import demo_group, demo_views
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.backend_choice import DEVICE_BACKENDS
from unihpe_ros.engines.device_model import DevicePoseModel
from unihpe_ros.engines.model_loader import load_pose_model
from unihpe_ros.engines.pose_model import PoseModel, View
from unihpe_ros.estimator import PoseEstimator

MEASURED_BACKENDS = (
    *DEVICE_BACKENDS,
    *('onnxruntime-cuda', 'openvino', 'openvino-f32', 'onnxruntime-cpu'),
)
REFERENCE = 'onnxruntime-cpu'
BATCHES = (1, 2, 4, 8)
ENGINE_STAGES = ('upload', 'preprocess', 'image_branch', 'decode', 'lifting', 'download')
PICTURE = (1280, 720)
# Stages of `PoseModel.stage_times` by the names here, for engines that read host memory.
_HOST_STAGES = {
    'crop': 'preprocess',
    'image_branch': 'image_branch',
    'decode': 'decode',
    'lifting_branch': 'lifting',
}
_WARM_UP = 10
_SHARES = (50, 95, 99)
Loop = Callable[[str, Iterable[int]], Iterable[int]]


@dataclass
class EngineBench:
    """
    Benchmark of all backends of one model.

    Parameters
    ----------
    model : str
        See `unihpe_ros.engines.model_files.find_model`.
    backends : Sequence[str]
        Backends to measure; missing ones are noted with the reason.
    calls : int
        Timed calls for each backend and batch.
    parity : int
        Crops that backends are compared on; 0 compares none.
    loop : Loop
        Wraps the calls, for a progress bar.

    Attributes
    ----------
    rows : list[dict[str, Any]]
        For each backend and batch: 'backend', 'batch', 'total' and 'estimator' (percentiles in
        ms, the latter for the whole estimator where it was timed), 'stages' (likewise by stage),
        'people_s'.
    parity_of : dict[str, dict[str, float]]
        For each backend how far it is from REFERENCE: 'px_p99', 'mm_p99', 'agreement_p99'.
    skipped : dict[str, str]
        Backends that do not run here, and why.

    """

    model: str
    backends: Sequence[str] = MEASURED_BACKENDS
    calls: int = 200
    parity: int = 256
    loop: Loop = field(default=lambda title, calls: calls)
    rows: list[dict[str, Any]] = field(default_factory=list)
    parity_of: dict[str, dict[str, float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Measure all backends; finished rows stay if it is interrupted."""
        expected: list[NDArray[np.float32]] = []
        if self.parity:
            reference = load_pose_model(self.model, backend=REFERENCE)
            expected = self._answers(reference)
            reference.close()
        for backend in self.backends:
            try:
                model = load_pose_model(self.model, backend=backend, max_people=max(BATCHES))
            except EngineError as error:
                self.skipped[backend] = str(error)
                continue
            try:
                for batch in BATCHES:
                    self.rows.append(self._measure(model, backend, batch))
                if expected and backend != REFERENCE:
                    self.parity_of[backend] = _compare(self._answers(model), expected)
            finally:
                model.close()
            for row in self.rows[-len(BATCHES) :]:
                row['estimator'] = self._estimate(backend, row['batch'])

    def _measure(self, model: PoseModel, backend: str, batch: int) -> dict[str, Any]:
        views = [_picture(model, batch)]
        total = np.array(self.time(f'{backend} {batch}', lambda: model.infer(views, 0.0)))
        stages = self._stages(model, views)
        return {
            'backend': backend,
            'batch': batch,
            'total': percentiles(total),
            'stages': {name: percentiles(np.array(times)) for name, times in stages.items()},
            'people_s': batch / float(total.mean()),
        }

    def _stages(self, model: PoseModel, views: list[View]) -> dict[str, list[float]]:
        """Return the seconds of each stage; on a GPU without graphs, which hide them."""
        device = model if isinstance(model, DevicePoseModel) else None
        if device is not None:
            device.graphs = False
        found: dict[str, list[float]] = {}
        for _ in range(_WARM_UP + self.calls):
            model.infer(views, 0.0)
            times = model.stage_times if device is None else device.device_times
            for name, seconds in times.items():
                stage = _HOST_STAGES.get(name, name)
                found.setdefault(stage, []).append(seconds)
        if device is not None:
            device.graphs = True
        return {name: times[_WARM_UP:] for name, times in found.items()}

    def _estimate(self, backend: str, batch: int) -> dict[str, float]:
        """Time the whole estimator: image in host memory to Poses, people's boxes given."""
        settings = EstimatorSettings(max_people=max(BATCHES))
        estimator = PoseEstimator(self.model, settings, backend=backend)
        image, boxes = demo_group(PICTURE, batch)
        camera = Camera.from_fov(*PICTURE, np.deg2rad(60))
        stamps = iter(range(1 << 30))

        def work() -> object:
            return estimator.estimate(image, camera, next(stamps) / 30, boxes=boxes)

        try:
            return percentiles(np.array(self.time(f'{backend} estimator {batch}', work)))
        finally:
            estimator.close()

    def time(self, title: str, work: Callable[[], object]) -> list[float]:
        """Return the seconds of each of `calls` calls."""
        for _ in range(_WARM_UP):
            work()
        seconds = []
        for _ in self.loop(title, range(self.calls)):
            start = perf_counter()
            work()
            seconds.append(perf_counter() - start)
        return seconds

    def _answers(self, model: PoseModel) -> list[NDArray[np.float32]]:
        """Return (points, poses, agreement) of the crops that backends are compared on."""
        views = demo_views(model.spec, self.parity)
        outputs = [model.infer([view], 0.0) for view in views]
        return [
            np.concatenate([getattr(output, name) for output in outputs])
            for name in ('keypoints_crop', 'relative_3d', 'agreement')
        ]


def _compare(
    found: list[NDArray[np.float32]], expected: list[NDArray[np.float32]]
) -> dict[str, float]:
    points, poses, agreement = (
        np.abs(one - other) for one, other in zip(found, expected, strict=True)
    )
    figures = {
        'px_p99': np.linalg.norm(points, axis=-1),
        'mm_p99': 1e3 * np.linalg.norm(poses, axis=-1),
        'agreement_p99': agreement,
    }
    return {name: float(np.percentile(values, 99)) for name, values in figures.items()}


def _picture(model: PoseModel, batch: int) -> View:
    """Return a picture with crops of `batch` people."""
    image, boxes = demo_group(PICTURE, batch)
    camera = Camera.from_fov(*PICTURE, np.deg2rad(60))
    spec = model.spec
    return image, Crops.aim(boxes, camera, spec.input_size, spec.padding)[0]


def percentiles(seconds: NDArray[np.float64]) -> dict[str, float]:
    """Return p50, p95 and p99 in ms."""
    return {f'p{share}': 1e3 * float(np.percentile(seconds, share)) for share in _SHARES}
