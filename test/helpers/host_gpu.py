"""
A GPU of the host, so that what runs on the device can be tested without one.

The driver has PyCUDA's names. Its memory is the host's, poisoned before use and after, its kernels
are preprocess.cu and decode.cu compiled by g++ with loops over the threads, its networks are ONNX
files run by ONNX Runtime. Work waits in its stream until somebody synchronises, copies are taken
only from and to page-locked memory, and a graph replays what was recorded, arguments and all: so a
missing wait, a stale buffer or an argument that should have been in a table gives wrong answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
import ctypes
import os
from pathlib import Path
import shutil
import subprocess
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from unihpe_ros.core.model_spec import Shape
from unihpe_ros.engines import kernel_arguments, kernels
from unihpe_ros.engines.cuda import Gpu, Memory
from unihpe_ros.engines.ort_engine import OrtEngine
from unihpe_ros.engines.trt_net import batch_sizes, Tensor

SOURCES = Path(kernels.__file__).parent
POISON = 0xFF  # Of a float it makes NaN.


def compile_kernels(folder: Path) -> dict[str, Callable[[np.ndarray, tuple[int, int, int]], None]]:
    """Return the kernels as functions of their structure and the number of threads."""
    compiler = shutil.which('g++')
    if compiler is None and not os.environ.get('CI'):
        pytest.skip('g++ is not installed, which compiles the kernels for the host')
    assert compiler, 'CI must have g++, which compiles the kernels for the host'
    functions = {}
    for module, names in kernels.MODULES.items():
        library = folder / f'{module}.so'
        options = (
            '-O2',
            '-std=c++17',
            '-ffp-contract=off',
            '-Werror',
            '-Wall',
            '-shared',
            '-fPIC',
        )
        source = SOURCES / f'{module}.cu'
        subprocess.run(
            [compiler, *options, '-x', 'c++', str(source), '-o', str(library)], check=True
        )
        loaded = ctypes.CDLL(str(library))
        for name in names:
            assert getattr(loaded, f'{name}_bytes')() == kernel_arguments.ARGUMENTS[name].itemsize
            functions[name] = _call(getattr(loaded, name))
    return functions


def _call(function: Any) -> Callable[[np.ndarray, tuple[int, int, int]], None]:
    def call(given: np.ndarray, threads: tuple[int, int, int]) -> None:
        function(ctypes.c_char_p(given.tobytes()), (ctypes.c_int * 3)(*threads))

    return call


class Block:
    """A piece of memory that must be freed once."""

    alive: ClassVar[dict[int, Block]] = {}

    def __init__(self, size: int, *, pinned: bool) -> None:
        self.bytes = np.full(max(size, 1), POISON, np.uint8)
        self.address, self.size, self.pinned = self.bytes.ctypes.data, size, pinned
        Block.alive[self.address] = self

    def __int__(self) -> int:
        return self.address

    def free(self) -> None:
        self.bytes[:] = POISON
        del Block.alive[self.address]

    @classmethod
    def check(cls, address: int, size: int, *, pinned: bool) -> None:
        assert any(
            start <= address and address + size <= start + block.size and block.pinned == pinned
            for start, block in cls.alive.items()
        ), f'{size} bytes at {address:#x}: expected {"page-locked" if pinned else "device"} memory'


class Stream:
    """Keeps work until it is waited for, or records it."""

    all: ClassVar[dict[int, Stream]] = {}

    def __init__(self) -> None:
        self.handle = 1000 + len(Stream.all)
        self.waiting: list[Callable[[], None]] = []
        Stream.all[self.handle] = self

    def synchronize(self) -> None:
        work, self.waiting = self.waiting, []
        for one in work:
            one()


class HostGraph:
    """Stands for `unihpe_ros.engines.cuda_graph.CudaGraph`."""

    launches = 0
    alive = 0

    def __init__(self, stream: int, work: Callable[[], None]) -> None:
        self._stream = Stream.all[stream]
        assert not self._stream.waiting
        blocks = len(Block.alive)
        work()
        assert len(Block.alive) == blocks, 'a graph may not be recorded while memory is made'
        self._work, self._stream.waiting = self._stream.waiting, []
        HostGraph.alive += 1

    def launch(self) -> None:
        HostGraph.launches += 1
        self._stream.waiting += self._work

    def close(self) -> None:
        HostGraph.alive -= 1
        self._work = []


def host_driver(functions: Mapping[str, Callable[..., None]]) -> Any:
    """Return what stands for pycuda.driver."""
    context = SimpleNamespace(depth=0)

    def push() -> None:
        context.depth += 1

    def pop() -> None:
        context.depth -= 1

    def copy(target: int, source: int, size: int, stream: Stream) -> None:
        stream.waiting.append(lambda: ctypes.memmove(target, source, size))

    def upload(address: int, host: np.ndarray, stream: Stream) -> None:
        assert host.flags.c_contiguous
        Block.check(host.ctypes.data, host.nbytes, pinned=True)
        Block.check(address, host.nbytes, pinned=False)
        copy(address, host.ctypes.data, host.nbytes, stream)

    def download(host: np.ndarray, address: int, stream: Stream) -> None:
        assert host.flags.c_contiguous
        Block.check(host.ctypes.data, host.nbytes, pinned=True)
        Block.check(address, host.nbytes, pinned=False)
        copy(host.ctypes.data, address, host.nbytes, stream)

    def allocate(size: int) -> Block:
        assert context.depth == 1
        return Block(size, pinned=False)

    def page_locked(count: int, dtype: np.dtype) -> np.ndarray:
        assert context.depth == 1
        block = Block(count * dtype.itemsize, pinned=True)
        array = np.ndarray((count,), dtype, block.bytes)
        # What the array rests on can be freed, as PyCUDA's.
        block.__array_interface__ = array.__array_interface__
        return np.asarray(block)

    def module(image: bytes) -> Any:
        assert image.endswith(b'\0')
        text = image.decode()

        def function(name: str) -> Callable[..., None]:
            assert f'.entry {name}(' in text

            def start(given: Any, *, block: Any, grid: Any, stream: Stream) -> None:
                assert context.depth == 1
                assert isinstance(given, np.void)
                kept = given.copy()
                threads = tuple(a * b for a, b in zip(block, grid, strict=True))
                stream.waiting.append(lambda: functions[name](kept, threads))

            return start

        return SimpleNamespace(get_function=function)

    primary = SimpleNamespace(push=push)
    device = SimpleNamespace(
        name=lambda: 'host',
        compute_capability=lambda: (9, 0),
        retain_primary_context=lambda: primary,
    )
    return SimpleNamespace(
        Device=lambda index: device,
        Context=SimpleNamespace(pop=pop),
        Stream=Stream,
        Error=type('Error', (Exception,), {}),
        get_driver_version=lambda: 12060,
        mem_alloc=allocate,
        pagelocked_empty=page_locked,
        memcpy_htod_async=upload,
        memcpy_dtoh_async=download,
        module_from_buffer=module,
        context=context,
    )


def host_gpu(functions: Mapping[str, Callable[..., None]]) -> Gpu:
    return Gpu(host_driver(functions), 0)


def at_address(address: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the floats that lie there."""
    count = int(np.prod(shape))
    return np.ctypeslib.as_array((ctypes.c_float * count).from_address(address)).reshape(shape)


class OrtNet:
    """Stands for `unihpe_ros.engines.trt_net.TrtNet`: the same, by ONNX Runtime."""

    def __init__(self, path: Path, most: int, memory: Memory, shared: Mapping[str, int]) -> None:
        self._engine = OrtEngine(path, threads=1)
        self.spec = self._engine.spec
        self.batches = batch_sizes(most)
        self.tensors: dict[str, Tensor] = {}
        sides: tuple[tuple[dict[str, Shape], bool], ...] = (
            (self._engine.inputs, True),
            (self._engine.outputs, False),
        )
        for tensors, is_input in sides:
            for name, shape in tensors.items():
                whole = (self.batches[-1], *(512 if n is None else n for n in shape[1:]))
                address = shared.get(name) or memory.device(4 * int(np.prod(whole)))
                self.tensors[name] = Tensor(address, whole, is_input)

    def round_up(self, batch: int) -> int:
        return next(size for size in self.batches if size >= batch)

    def enqueue(self, batch: int, stream: Stream) -> None:
        stream.waiting.append(lambda: self._run(batch))

    def _run(self, batch: int) -> None:
        arrays = {
            name: at_address(tensor.address, (batch, *tensor.shape[1:]))
            for name, tensor in self.tensors.items()
        }
        answer = self._engine.infer({name: arrays[name] for name in self._engine.inputs})
        for name, values in answer.items():
            arrays[name][:] = values

    def save_compiled(self) -> None:
        """Nothing is compiled here."""

    def close(self) -> None:
        self._engine.close()
