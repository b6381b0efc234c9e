"""TensorRT as an engine: page-locked buffers, one stream, one CUDA graph per batch size."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.model_spec import Shape
from unihpe_ros.engines import check_inputs, check_signature, EngineError
from unihpe_ros.engines.cache import Built, ensure_engine
from unihpe_ros.engines.cuda import Gpu, Memory, open_gpu
from unihpe_ros.engines.cuda_graph import CudaGraph
from unihpe_ros.engines.trt_net import TrtNet

if TYPE_CHECKING:
    from unihpe_ros.engines.build import Progress

Array = NDArray[np.float32]


def load(
    path: Path,
    *,
    backend: str,
    threads: int,
    max_people: int,
    progress: Progress | None = None,
) -> TrtEngine:
    """Load an ONNX file by way of the engine cache; see `backend_choice.load_engine`."""
    del threads  # The GPU's own.
    gpu = open_gpu()
    runtime = backend if backend == 'tensorrt-rtx' else ''
    built = ensure_engine(path, gpu, runtime=runtime, max_people=max_people, progress=progress)
    return TrtEngine(built, gpu, max_people)


class TrtEngine:
    """
    A built engine on a GPU.

    Parameters
    ----------
    built : Built
        The engine's file and its description.
    gpu : Gpu
        The device that it was built for.
    max_people : int
        Largest batch of one run; larger ones are split.

    Attributes
    ----------
    graphs : bool
        Whether CUDA graphs are replayed; else the work is enqueued call by call.

    Raises
    ------
    EngineError
        If the engine does not run here.

    """

    def __init__(self, built: Built, gpu: Gpu, max_people: int) -> None:
        self._path, self._gpu = built.model, gpu
        self.spec, self.backend, self.notes = built.spec, built.library.name, built.notes
        self._lock = Lock()
        self._memory = Memory(gpu)
        self._net: TrtNet | None = None
        self._stream: Any = None
        self._graphs: dict[int, CudaGraph] = {}
        try:
            with gpu.active():
                self._open(built, max_people)
        except BaseException:
            self.close()
            raise

    def _open(self, built: Built, max_people: int) -> None:
        net = TrtNet(self._gpu, built.library, built.plan, self._memory, max_people)
        self._net, self._stream = net, self._gpu.stream()
        self._host = {name: self._memory.host(one.shape) for name, one in net.tensors.items()}
        shapes: list[dict[str, Shape]] = [
            {name: one.signature for name, one in net.tensors.items() if one.is_input == wanted}
            for wanted in (True, False)
        ]
        self.inputs, self.outputs = shapes
        check_signature(built.plan, self.spec, self.inputs, self.outputs)
        for batch in net.batches:  # The first run allocates and compiles.
            self._enqueue(net, batch)
            self._stream.synchronize()
        net.save_compiled()
        self.graphs = self._capture(net)

    def _capture(self, net: TrtNet) -> bool:
        """Record a graph per batch size; return False if this runtime or driver cannot."""
        try:
            for batch in net.batches:
                self._graphs[batch] = CudaGraph(
                    self._stream.handle, partial(self._enqueue, net, batch)
                )
        except (EngineError, self._gpu.driver.Error) as error:
            self._drop_graphs()
            self.notes = (*self.notes, f'{self._path}: runs without CUDA graphs: {error}')
            return False
        return True

    def infer(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the graph once, from any thread; see `unihpe_ros.engines.Engine.infer`."""
        with self._lock:
            if self._net is None:
                raise EngineError(f'{self._path}: expected an open engine; it was closed')
            check_inputs(self._path, self.inputs, inputs)
            most, rows = self._net.batches[-1], len(next(iter(inputs.values())))
            if rows <= most:
                return self._run(self._net, inputs, rows)
            parts = []
            for start in range(0, rows, most):
                part = {name: array[start : start + most] for name, array in inputs.items()}
                answer = self._run(self._net, part, min(most, rows - start))
                parts.append({name: array.copy() for name, array in answer.items()})
            return {name: np.concatenate([part[name] for part in parts]) for name in self.outputs}

    def _run(self, net: TrtNet, inputs: Mapping[str, Array], rows: int) -> dict[str, Array]:
        for name, array in inputs.items():
            np.copyto(self._host[name][:rows], array)
        if rows:
            batch = net.round_up(rows)
            with self._gpu.active():
                if batch in self._graphs:
                    self._graphs[batch].launch()
                else:
                    self._enqueue(net, batch)
                self._stream.synchronize()
        return {name: self._host[name][:rows] for name in self.outputs}

    def _enqueue(self, net: TrtNet, batch: int) -> None:
        """Put uploads, inference and downloads of one batch on the stream."""
        for name in self.inputs:
            self._gpu.upload(net.tensors[name].address, self._host[name][:batch], self._stream)
        net.enqueue(batch, self._stream)
        for name in self.outputs:
            self._gpu.download(self._host[name][:batch], net.tensors[name].address, self._stream)

    def close(self) -> None:
        """Free everything on the device and in page-locked memory."""
        with self._lock, self._gpu.active():
            if self._stream is not None:
                self._stream.synchronize()
            self._drop_graphs()
            if self._net is not None:
                self._net.close()
            self._host = {}
            self._net = self._stream = None
            self._memory.close()

    def _drop_graphs(self) -> None:
        while self._graphs:
            self._graphs.popitem()[1].close()
