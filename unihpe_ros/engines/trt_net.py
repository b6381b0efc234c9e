"""TensorRT engine that reads and writes device memory; it copies nothing to or from the host."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
import math
from pathlib import Path
from typing import Any

import numpy as np
from unihpe_ros.core.files import write_whole
from unihpe_ros.core.model_spec import Shape
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.cuda import Gpu, Memory
from unihpe_ros.engines.trt_runtime import TensorRt

# Up to this batch size, every size has its own context and graph; above, every fourth size.
_FINE_BATCHES = 8
_COARSE_STEP = 4
_FLOAT_BYTES = np.dtype(np.float32).itemsize


@dataclass(frozen=True)
class Tensor:
    """
    An input or output in device memory, float32 and contiguous.

    Parameters
    ----------
    address : int
        Where it is on the device.
    shape : tuple[int, ...]
        Its extents at the largest batch.
    is_input : bool
        Whether the engine reads it.

    """

    address: int
    shape: tuple[int, ...]
    is_input: bool

    @property
    def signature(self) -> Shape:
        """The shape with any batch."""
        return (None, *self.shape[1:])


class TrtNet:
    """
    An engine with one execution context per batch size, ready for capture in CUDA graphs.

    A context of its own for each size: a graph must not be replayed once the context that it was
    captured from has taken another shape. They share their scratch memory, so all work goes
    through one stream. Made, used and closed inside `Gpu.active`.

    Parameters
    ----------
    gpu : Gpu
        The device.
    library : TensorRt
        What built the plan.
    plan : Path
        The engine's file.
    memory : Memory
        Where tensors and scratch memory come from; its owner frees it after `close`.
    max_people : int
        The largest batch.
    shared : Mapping[str, int]
        Tensors that lie on the device already: name to address.

    Attributes
    ----------
    tensors : dict[str, Tensor]
        By name.
    batches : tuple[int, ...]
        The sizes that `enqueue` takes, ascending.

    Raises
    ------
    EngineError
        If the engine does not run here, or its tensors are not float32.

    """

    def __init__(
        self,
        gpu: Gpu,
        library: TensorRt,
        plan: Path,
        memory: Memory,
        max_people: int,
        shared: Mapping[str, int] | None = None,
    ) -> None:
        self._plan = plan
        self._log = library.log()
        self._runtime = library.module.Runtime(self._log.logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan.read_bytes())
        if self._engine is None:
            raise EngineError(
                f'{plan}: {library.name} {library.version} refuses it on {gpu.name}: '
                f'{self._log.text()}'
            )
        self.batches = self._fixed_batch() or batch_sizes(max_people)
        self._cache = _RuntimeCache(library, self._engine, plan.with_suffix('.runtime_cache'))
        size = _scratch_size(self._engine)
        scratch = memory.device(size)
        self._contexts = {batch: self._context(batch, scratch, size) for batch in self.batches}
        self.tensors = self._place(library.module, memory, shared or {})
        for context in self._contexts.values():
            for name, tensor in self.tensors.items():
                self._check(context.set_tensor_address(name, tensor.address), f'address of {name}')

    def round_up(self, batch: int) -> int:
        """Return the smallest size of `batches` that holds `batch` rows."""
        return next(size for size in self.batches if size >= batch)

    def enqueue(self, batch: int, stream: Any) -> None:
        """
        Start one inference.

        Parameters
        ----------
        batch : int
            One of `batches`.
        stream : Stream
            As `Gpu.stream` makes it.

        """
        started = self._contexts[batch].execute_async_v3(stream.handle)
        self._check(started, f'inference of batch {batch}')

    def save_compiled(self) -> None:
        """Keep what the library compiled for this device, for a quicker start next time."""
        self._cache.save()

    def close(self) -> None:
        """Release the engine; no inference may be running."""
        self._contexts.clear()
        self._cache.close()
        self._engine = self._runtime = None

    def _context(self, batch: int, scratch: int, size: int) -> Any:
        context = self._cache.make_context()
        self._check(context is not None, 'execution context')
        if hasattr(context, 'set_device_memory'):
            context.set_device_memory(scratch, size)
        else:
            context.device_memory = scratch
        for name in self._names(inputs=True):
            shape = (batch, *tuple(self._engine.get_tensor_shape(name))[1:])
            self._check(context.set_input_shape(name, shape), f'{name} of shape {shape}')
        self._check(not context.infer_shapes(), f'shapes of batch {batch}')
        return context

    def _fixed_batch(self) -> tuple[int, ...]:
        """Return the only batch that a graph takes, as many of others do; empty for any."""
        first, *_ = self._engine.get_tensor_shape(self._names(inputs=True)[0])
        return (int(first),) if first > 0 else ()

    def _names(self, *, inputs: bool) -> list[str]:
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        return [name for name in names if self._is_input(name) == inputs]

    def _is_input(self, name: str) -> bool:
        return str(self._engine.get_tensor_mode(name)).endswith('INPUT')

    def _place(self, module: Any, memory: Memory, shared: Mapping[str, int]) -> dict[str, Tensor]:
        largest = self._contexts[self.batches[-1]]
        tensors = {}
        for name in (*self._names(inputs=True), *self._names(inputs=False)):
            if self._engine.get_tensor_dtype(name) != module.DataType.FLOAT:
                raise EngineError(f'{self._plan}: expected {name} float32')
            shape = tuple(int(extent) for extent in largest.get_tensor_shape(name))
            size = math.prod(shape) * _FLOAT_BYTES
            address = shared[name] if name in shared else memory.device(size)
            tensors[name] = Tensor(address, shape, self._is_input(name))
        return tensors

    def _check(self, done: bool, what: str) -> None:
        if not done:
            raise EngineError(f'{self._plan}: TensorRT refuses {what}: {self._log.text()}')


class _RuntimeCache:
    """Makes contexts; for TensorRT-RTX it keeps the kernels that it compiles on the device."""

    def __init__(self, library: TensorRt, engine: Any, path: Path) -> None:
        self._engine, self._path = engine, path
        self._strategy = library.module.ExecutionContextAllocationStrategy.USER_MANAGED
        self._settings = self._cache = None
        if not hasattr(engine, 'create_runtime_config') or library.name != 'tensorrt-rtx':
            return
        self._settings = engine.create_runtime_config()
        self._settings.set_execution_context_allocation_strategy(self._strategy)
        # Compile at once, because nothing may change after a graph was captured.
        kinds = library.module.DynamicShapesKernelSpecializationStrategy
        self._settings.dynamic_shapes_kernel_specialization_strategy = kinds.EAGER
        self._settings.cuda_graph_strategy = library.module.CudaGraphStrategy.DISABLED
        self._cache = self._settings.create_runtime_cache()
        if path.is_file():
            self._cache.deserialize(path.read_bytes())
        self._settings.set_runtime_cache(self._cache)

    def make_context(self) -> Any:
        return self._engine.create_execution_context(self._settings or self._strategy)

    def save(self) -> None:
        if self._cache is None:
            return
        content = bytes(memoryview(self._cache.serialize()))
        if not self._path.is_file() or self._path.stat().st_size != len(content):
            # A cache that cannot be written costs a slower start next time, nothing else.
            with suppress(OSError):
                write_whole(self._path, content)

    def close(self) -> None:
        self._engine = self._settings = self._cache = None


def batch_sizes(max_people: int) -> tuple[int, ...]:
    """Return the batch sizes that an engine for at most `max_people` is prepared for."""
    fine = range(1, min(max_people, _FINE_BATCHES) + 1)
    coarse = range(_FINE_BATCHES + _COARSE_STEP, max_people + _COARSE_STEP, _COARSE_STEP)
    return (*fine, *(min(size, max_people) for size in coarse))


def _scratch_size(engine: Any) -> int:
    if hasattr(engine, 'device_memory_size_v2'):
        return int(engine.device_memory_size_v2)
    return int(engine.device_memory_size)
