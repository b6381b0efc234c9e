"""Models and backends: which run here, and why others do not."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path
import time

import numpy as np
from unihpe_ros.detector import find_detector
from unihpe_ros.doctor.section import Section
from unihpe_ros.engines import EngineError, MissingBackendError
from unihpe_ros.engines.backend_choice import load_engine, ORDER
from unihpe_ros.engines.cuda import expects_gpu, open_gpu
from unihpe_ros.engines.model_files import find_model
from unihpe_ros.engines.trt_runtime import load_tensorrt
from unihpe_ros.estimator import PoseEstimator

# Backends whose engine is built first, which takes minutes.
_BUILT = ('tensorrt', 'tensorrt-rtx')


def describe_backends(model: str, detector: str, backend: str) -> Section:
    """
    Return the files of the models, and for each backend whether it runs them.

    Parameters
    ----------
    model, detector, backend : str
        As the node's parameters model, detector_model and backend.

    """
    section = Section('Models and backends')
    try:
        paths = find_model(model)
        files = [*paths.values(), find_detector(detector)]
    except EngineError as error:
        section.faults.append(str(error))
        return section
    for path in files:
        size = path.stat().st_size
        section.lines.append(f'{path} ({size / 2**20:.1f} MB)')
    works = {}
    for name in ORDER if backend == 'auto' else (backend,):
        works[name], words = _try(name, paths['image'])
        section.lines.append(f'{name}: {words}')
        if not works[name] and backend != 'auto':
            section.faults.append(f'backend {name}: {words}; set backend to auto, or install it')
    if backend == 'auto' and expects_gpu() and not works.get('tensorrt'):
        section.notes.append('there is an NVIDIA GPU, and it is not used by TensorRT: see above')
    if not section.faults:
        _estimate(section, model, detector, backend)
    return section


def _try(name: str, path: Path) -> tuple[bool, str]:
    try:
        if name in _BUILT:
            open_gpu()
            library = load_tensorrt('' if name == 'tensorrt' else name)
            return True, f'available ({library.name} {library.version}); not tried: it is built'
        load_engine(path, backend=name).close()
    except MissingBackendError as error:
        return False, f'not available: {_reason(error, path)}'
    except EngineError as error:
        return False, f'FAILS: {_reason(error, path)}'
    return True, 'works'


def _reason(error: EngineError, path: Path) -> str:
    return ' '.join(str(error).removeprefix(f'{path}: ').split())


def _estimate(section: Section, model: str, detector: str, backend: str) -> None:
    """Run the estimator on a grey picture, as the node would."""
    # The backend is chosen without building an engine, which would take minutes.
    chosen = backend
    if backend == 'auto':
        chosen = 'auto' if not _builds() else 'onnxruntime-cpu'
    try:
        estimator = PoseEstimator(model, backend=chosen, detector=detector)
    except EngineError as error:
        section.faults.append(str(error))
        return
    with closing(estimator):
        picture = np.full((480, 640, 3), 127, np.uint8)
        for step in range(3):
            begun = time.perf_counter()
            estimator.estimate(picture, None, step / 30)
        spent = time.perf_counter() - begun
        section.lines.append(
            f'{estimator.backend} answers an empty picture in {spent * 1e3:.0f} ms'
        )
        section.notes += estimator.notes


def _builds() -> bool:
    with suppress(EngineError):
        open_gpu()
        load_tensorrt()
        return True
    return False
