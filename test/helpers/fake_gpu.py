"""
A GPU, its driver and a TensorRT of a hundred lines, which insist on the protocol of the real ones.

Work on a stream is done when somebody waits for it, and not before. Every call that needs a
context fails in a thread that has none. Memory that is used after it was freed, host memory that
is not page-locked, an address or a shape that was never set: all fail. What a network answers is
the sum over each row of its inputs, so that rows that are mixed up are seen.
"""

from __future__ import annotations

from collections.abc import Callable
import json
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np


class CudaError(Exception):
    """As pycuda.driver.Error: of no builtin kind."""


class Block:
    """Page-locked memory, the base of the array that is made of it."""

    def __init__(self, gpu: FakeGpu, size: int, dtype: np.dtype) -> None:
        self.gpu = gpu
        # NaN: memory comes as it is.
        self.content = np.frombuffer(bytearray(b'\xff' * (size * dtype.itemsize)), dtype)
        self.__array_interface__ = self.content.__array_interface__

    def free(self) -> None:
        self.gpu.need_context()
        self.gpu.pinned.remove(id(self))


class DeviceBlock:
    def __init__(self, gpu: FakeGpu, address: int) -> None:
        self.gpu, self.address = gpu, address

    def __int__(self) -> int:
        return self.address

    def free(self) -> None:
        self.gpu.need_context()
        del self.gpu.memory[self.address]


class Stream:
    def __init__(self, gpu: FakeGpu) -> None:
        gpu.need_context()
        self.gpu, self.handle = gpu, 1 + len(gpu.streams)
        self.work: list[Callable[[], None]] = []
        self.capture: list[Callable[[], None]] | None = None
        gpu.streams[self.handle] = self

    def put(self, work: Callable[[], None]) -> None:
        self.gpu.need_context()
        (self.work if self.capture is None else self.capture).append(work)

    def synchronize(self) -> None:
        self.gpu.need_context()
        if self.capture is not None:
            raise CudaError('synchronised during capture')
        while self.work:
            self.work.pop(0)()


class FakeGpu:
    """The state of the machine, and its `driver`, `tensorrt` and `libcuda`."""

    def __init__(self, sm: tuple[int, int] = (8, 9), devices: int = 1) -> None:
        self.sm, self.devices = sm, devices
        self.memory: dict[int, bytearray] = {}
        self.pinned: set[int] = set()
        self.streams: dict[int, Stream] = {}
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.allocations = self.launches = self.enqueued = self.contexts = 0
        self.can_capture = True
        self._stack = threading.local()

    def depth(self) -> int:
        """Return how many contexts the calling thread has pushed."""
        return getattr(self._stack, 'depth', 0)

    def need_context(self) -> None:
        if not self.depth():
            raise CudaError('invalid device context')

    def held(self) -> int:
        """Return how many blocks of memory, graphs and execution contexts are alive."""
        return len(self.memory) + len(self.pinned) + len(self.graphs) + self.contexts

    # pycuda.driver
    @property
    def driver(self) -> SimpleNamespace:
        context = SimpleNamespace(push=lambda: self._shift(1))
        device = SimpleNamespace(
            name=lambda: 'Fake GPU',
            compute_capability=lambda: self.sm,
            retain_primary_context=lambda: context,
        )

        class Device:
            def __new__(cls, index: int) -> Any:
                return device

            count = staticmethod(lambda: self.devices)

        return SimpleNamespace(
            Error=CudaError,
            init=lambda: None,
            Device=Device,
            Context=SimpleNamespace(pop=lambda: self._shift(-1)),
            Stream=lambda: Stream(self),
            get_driver_version=lambda: 12060,
            mem_alloc=self._mem_alloc,
            mem_get_info=lambda: (1 << 30, 2 << 30),
            pagelocked_empty=self._pagelocked,
            memcpy_htod_async=lambda to, host, stream: self._copy(to, host, stream, up=True),
            memcpy_dtoh_async=lambda host, to, stream: self._copy(to, host, stream, up=False),
        )

    def _shift(self, by: int) -> None:
        self._stack.depth = self.depth() + by
        assert self._stack.depth >= 0, 'popped more contexts than were pushed'

    def _mem_alloc(self, size: int) -> DeviceBlock:
        self.need_context()
        self.allocations += 1
        address = 4096 * self.allocations
        self.memory[address] = bytearray(size)
        return DeviceBlock(self, address)

    def _pagelocked(self, size: int, dtype: np.dtype) -> np.ndarray:
        self.need_context()
        self.allocations += 1
        block = Block(self, size, dtype)
        self.pinned.add(id(block))
        return np.asarray(block)

    def _copy(self, address: int, host: np.ndarray, stream: Stream, *, up: bool) -> None:
        base = host
        while isinstance(base, np.ndarray):
            base = base.base
        assert id(base) in self.pinned, 'expected page-locked memory that is not freed'
        assert host.flags.c_contiguous

        def copy() -> None:
            device = self.array(address, host.shape)
            np.copyto(*((device, host) if up else (host, device)))

        stream.put(copy)

    def array(self, address: int, shape: tuple[int, ...]) -> np.ndarray:
        """Return device memory as an array."""
        flat = np.frombuffer(self.memory[address], np.float32, int(np.prod(shape)))
        return flat.reshape(shape)

    # libcuda.so.1: six calls, with ctypes' own arguments.
    @property
    def libcuda(self) -> SimpleNamespace:
        return SimpleNamespace(
            cuStreamBeginCapture_v2=self._begin,
            cuStreamEndCapture=self._end,
            cuGraphInstantiateWithFlags=lambda out, graph, flags: self._keep(
                out, self.graphs[graph.value]
            ),
            cuGraphLaunch=self._launch,
            cuGraphExecDestroy=lambda graph: self._drop(graph),
            cuGraphDestroy=lambda graph: self._drop(graph),
        )

    def _begin(self, stream: Any, mode: int) -> int:
        self.need_context()
        if not self.can_capture:
            return 900
        assert mode == 1, 'expected thread-local capture'
        self.streams[stream.value].capture = []
        return 0

    def _end(self, stream: Any, out: Any) -> int:
        recorded = self.streams[stream.value].capture
        self.streams[stream.value].capture = None
        return self._keep(out, recorded or [])

    def _keep(self, out: Any, work: list[Callable[[], None]]) -> int:
        handle = 1 + max(self.graphs, default=0)
        out._obj.value = handle
        self.graphs[handle] = work
        return 0

    def _launch(self, graph: Any, stream: Any) -> int:
        self.need_context()
        self.launches += 1
        self.streams[stream.value].work += self.graphs[graph.value]
        return 0

    def _drop(self, graph: Any) -> int:
        del self.graphs[graph.value]
        return 0

    # tensorrt
    @property
    def tensorrt(self) -> SimpleNamespace:
        log = type('ILogger', (), {'__init__': lambda self: None, 'ERROR': 1, 'INTERNAL_ERROR': 0})
        return SimpleNamespace(
            __version__='10.3.0',
            ILogger=log,
            Runtime=lambda logger: SimpleNamespace(
                deserialize_cuda_engine=lambda plan: self._deserialise(plan, logger)
            ),
            DataType=SimpleNamespace(FLOAT='float', HALF='half'),
            ExecutionContextAllocationStrategy=SimpleNamespace(USER_MANAGED='user'),
        )

    def _deserialise(self, plan: bytes, logger: Any) -> FakeEngine | None:
        self.need_context()
        try:
            return FakeEngine(self, json.loads(plan))
        except ValueError:
            logger.log(1, 'Serialization assertion failed')
            return None


class FakeEngine:
    """Of {'inputs': {name: shape without batch}, 'outputs': ..., 'dtype': 'float'}."""

    device_memory_size_v2 = 512

    def __init__(self, gpu: FakeGpu, plan: dict[str, Any]) -> None:
        self.gpu, self.plan = gpu, plan
        self.shapes = {
            name: (-1, *shape)
            for kind in ('inputs', 'outputs')
            for name, shape in plan[kind].items()
        }
        self.num_io_tensors = len(self.shapes)

    def get_tensor_name(self, index: int) -> str:
        return list(self.shapes)[index]

    def get_tensor_mode(self, name: str) -> str:
        return 'TensorIOMode.INPUT' if name in self.plan['inputs'] else 'TensorIOMode.OUTPUT'

    def get_tensor_dtype(self, name: str) -> str:
        return self.plan.get('dtype', 'float')

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name]

    def create_execution_context(self, strategy: str) -> FakeContext:
        self.gpu.need_context()
        assert strategy == 'user'
        return FakeContext(self)


class FakeContext:
    def __init__(self, engine: FakeEngine) -> None:
        self.engine, self.gpu = engine, engine.gpu
        self.batch = 0
        self.scratch: tuple[int, int] | None = None
        self.addresses: dict[str, int] = {}
        self.gpu.contexts += 1

    def __del__(self) -> None:
        self.gpu.contexts -= 1

    def set_device_memory(self, address: int, size: int) -> None:
        assert len(self.gpu.memory[address]) >= size
        self.scratch = address, size

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        assert not self.batch or self.batch == shape[0], 'a context changed its shape'
        self.batch = shape[0]
        return shape[1:] == self.engine.shapes[name][1:]

    def infer_shapes(self) -> list[str]:
        return [] if self.batch else list(self.engine.plan['inputs'])

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return (self.batch, *self.engine.shapes[name][1:])

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return address in self.gpu.memory

    def execute_async_v3(self, handle: int) -> bool:
        if set(self.addresses) != set(self.engine.shapes) or self.scratch is None:
            return False
        self.gpu.enqueued += 1
        self.gpu.streams[handle].put(self._run)
        return True

    def _run(self) -> None:
        tensors = {
            name: self.gpu.array(address, self.get_tensor_shape(name))
            for name, address in self.addresses.items()
        }
        total = sum(
            tensors[name].reshape(self.batch, -1).sum(1) for name in self.engine.plan['inputs']
        )
        for name in self.engine.plan['outputs']:
            tensors[name].T[...] = total
