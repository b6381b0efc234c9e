"""ONNX Runtime: the engine that is always installed; CUDA where its build and driver have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
from unihpe_ros.core.model_spec import METADATA_KEY, ModelSpec, Shape
from unihpe_ros.engines import check_inputs, check_signature, EngineError, MissingBackendError
from unihpe_ros.engines.cuda import expects_gpu
from unihpe_ros.engines.threads import choose_threads

_CPU = 'CPUExecutionProvider'
_CUDA = 'CUDAExecutionProvider'
_PROVIDERS = {'onnxruntime-cpu': [_CPU], 'onnxruntime-cuda': [_CUDA, _CPU]}
# ONNX Runtime's names of input types of foreign networks other than float32.
_TYPES: Mapping[str, DTypeLike] = {
    'tensor(int32)': np.int32,
    'tensor(int64)': np.int64,
    'tensor(uint8)': np.uint8,
    'tensor(float16)': np.float16,
}
# The runtime's exceptions have no common base class but Exception.
_FAILURES = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
)


def load(
    path: Path,
    *,
    backend: str,
    threads: int,
    max_people: int,
    progress: Callable[[str, float], object] | None = None,
) -> OrtEngine:
    """Load an ONNX file; see `unihpe_ros.engines.backend_choice.load_engine`."""
    del max_people, progress  # The batch is dynamic, and nothing is built.
    return OrtEngine(path, backend=backend, threads=threads)


class OrtEngine:
    """
    An ONNX file run by ONNX Runtime.

    Parameters
    ----------
    path : Path
        The file; without a ModelSpec in its metadata it counts as another maker's.
    backend : str
        'auto', 'onnxruntime-cpu' or 'onnxruntime-cuda'; 'auto' and 'onnxruntime' take CUDA where
        it is available.
    threads : int
        CPU threads; 0 takes one per core that this process may use, at most four.

    Raises
    ------
    EngineError
        If the file cannot be run; the message names it, what was expected and what was found.

    """

    def __init__(self, path: Path, *, backend: str = 'auto', threads: int = 0) -> None:
        self._path = path
        self.notes: tuple[str, ...] = ()
        providers = _providers(path, backend)
        try:
            session = ort.InferenceSession(str(path), _options(threads), providers=providers)
        except _FAILURES as error:
            raise EngineError(f'{path}: expected an ONNX model; {_first_line(error)}') from error
        self._session: ort.InferenceSession | None = session
        self.backend = (
            'onnxruntime-cuda' if _CUDA in session.get_providers() else 'onnxruntime-cpu'
        )
        if backend == 'onnxruntime-cuda' and self.backend != backend:
            kind = EngineError if expects_gpu() else MissingBackendError
            raise kind(f'{path}: expected {backend}; its libraries or driver did not load')
        self.spec = _spec(path, session)
        self.inputs = {tensor.name: _shape(tensor.shape) for tensor in session.get_inputs()}
        self.outputs = {tensor.name: _shape(tensor.shape) for tensor in session.get_outputs()}
        self._types = {tensor.name: _TYPES.get(tensor.type) for tensor in session.get_inputs()}
        check_signature(path, self.spec, self.inputs, self.outputs)
        self._names = list(self.outputs)

    def infer(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the graph once; see `unihpe_ros.engines.Engine.infer`."""
        if self._session is None:
            raise EngineError(f'{self._path}: expected an open engine; it was closed')
        check_inputs(self._path, self.inputs, inputs)
        try:
            results = self._session.run(self._names, self._typed(inputs))
        except _FAILURES as error:
            raise EngineError(
                f'{self._path}: ONNX Runtime failed: {_first_line(error)}'
            ) from error
        arrays = (np.asarray(result, np.float32) for result in results)
        return dict(zip(self._names, arrays, strict=True))

    def _typed(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
        """Return inputs in the types that the graph reads."""
        return {
            name: array.astype(self._types[name] or np.float32, copy=False)
            for name, array in inputs.items()
        }

    def close(self) -> None:
        """Release the session."""
        self._session = None


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = choose_threads(threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # Errors are raised, not logged.
    # Threads that spin while they wait would take the cores from other nodes of the robot.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    return options


def _providers(path: Path, backend: str) -> list[str]:
    available = ort.get_available_providers()
    if backend in ('auto', 'onnxruntime'):
        backend = 'onnxruntime-cuda' if _CUDA in available else 'onnxruntime-cpu'
    if backend not in _PROVIDERS:
        known = ', '.join(('auto', 'onnxruntime', *_PROVIDERS))
        raise EngineError(f'{path}: expected backend {known}; got {backend!r}')
    if not set(_PROVIDERS[backend]) <= set(available):
        raise MissingBackendError(
            f'{path}: expected backend {backend}; this ONNX Runtime has {", ".join(available)}'
        )
    return _PROVIDERS[backend]


def _spec(path: Path, session: ort.InferenceSession) -> ModelSpec:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        return ModelSpec.of_foreign(path.stem)
    try:
        return ModelSpec.from_json(text, str(path))
    except ValueError as error:
        raise EngineError(str(error)) from error


def _shape(extents: list[int | str | None]) -> Shape:
    return tuple(extent if isinstance(extent, int) else None for extent in extents)


def _first_line(error: Exception) -> str:
    return str(error).partition('\n')[0]
