"""OpenVINO: the faster engine on a CPU, above all on one with bfloat16 units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
import openvino
from unihpe_ros.core.model_spec import METADATA_KEY, ModelSpec, Shape
from unihpe_ros.engines import check_inputs, check_signature, EngineError
from unihpe_ros.engines.threads import choose_threads

_DEVICE = 'CPU'
_BF16, _F32 = 'bf16', 'f32'
# One instance for the whole process: the CPU plugin gives this thread another signal stack (pull
# request 11894 of OpenVINO). If two plugins are freed in the order of their creation, the second
# one restores the stack of the first, which is freed memory, and the next signal crashes the
# process (OpenVINO 2026.4.1).
_CORE = openvino.Core()


def load(
    path: Path,
    *,
    backend: str,
    threads: int,
    max_people: int,
    progress: Callable[[str, float], object] | None = None,
) -> OvEngine:
    """Load an ONNX file; see `unihpe_ros.engines.backend_choice.load_engine`."""
    del max_people, progress  # The batch is dynamic, and compiling takes a moment.
    return OvEngine(path, backend=backend, threads=threads)


class OvEngine:
    """
    An ONNX file run by OpenVINO.

    Parameters
    ----------
    path : Path
        The file; without a ModelSpec in its metadata it counts as another maker's.
    backend : str
        'openvino' computes in bfloat16 where the processor has units for it, 'openvino-f32' never.
    threads : int
        CPU threads; 0 takes one per core that this process may use, at most four.

    Attributes
    ----------
    precision : str
        'bf16' or 'f32', what it computes in.

    Raises
    ------
    EngineError
        If the file cannot be run; the message names it, what was expected and what was found.

    """

    def __init__(self, path: Path, *, backend: str = 'openvino', threads: int = 0) -> None:
        self._path, self.backend = path, backend
        self.notes: tuple[str, ...] = ()
        able = _BF16.upper() in _CORE.get_property(_DEVICE, 'OPTIMIZATION_CAPABILITIES')
        self.precision = _BF16 if able and backend != 'openvino-f32' else _F32
        options = {
            'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_NUM_THREADS': str(choose_threads(threads)),
            'INFERENCE_PRECISION_HINT': self.precision,
            # The other nodes of the robot run on these cores too.
            'ENABLE_CPU_PINNING': 'NO',
        }
        try:
            model = _CORE.read_model(path)
            self.spec = _spec(path, model)
            self.inputs = {port.get_any_name(): _shape(port) for port in model.inputs}
            self.outputs = {port.get_any_name(): _shape(port) for port in model.outputs}
            self._types = {
                port.get_any_name(): port.get_element_type().to_dtype() for port in model.inputs
            }
            check_signature(path, self.spec, self.inputs, self.outputs)
            compiled = _CORE.compile_model(model, _DEVICE, options)
            self._request: Any = compiled.create_infer_request()
        except EngineError:
            raise
        except RuntimeError as error:
            raise EngineError(f'{path}: expected an ONNX model; {_last_line(error)}') from error
        self._lock = Lock()

    def infer(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the graph once; see `unihpe_ros.engines.Engine.infer`."""
        with self._lock:
            if self._request is None:
                raise EngineError(f'{self._path}: expected an open engine; it was closed')
            check_inputs(self._path, self.inputs, inputs)
            typed = {
                name: array.astype(self._types[name], copy=False) for name, array in inputs.items()
            }
            try:
                self._request.infer(typed, share_inputs=True)
            except RuntimeError as error:
                raise EngineError(f'{self._path}: OpenVINO failed: {_last_line(error)}') from error
            return {
                name: np.asarray(self._request.get_tensor(name).data, np.float32)
                for name in self.outputs
            }

    def close(self) -> None:
        """Release the compiled model."""
        with self._lock:
            self._request = None


def _spec(path: Path, model: Any) -> ModelSpec:
    place = ['framework', METADATA_KEY]
    if not model.has_rt_info(place):
        return ModelSpec.of_foreign(path.stem)
    try:
        return ModelSpec.from_json(model.get_rt_info(place).astype(str), str(path))
    except ValueError as error:
        raise EngineError(str(error)) from error


def _shape(port: Any) -> Shape:
    extents = port.get_partial_shape()
    return tuple(None if one.is_dynamic else one.get_length() for one in extents)


def _last_line(error: Exception) -> str:
    """Return the innermost reason: OpenVINO puts one line for each of its layers before it."""
    return str(error).strip().rpartition('\n')[2]
