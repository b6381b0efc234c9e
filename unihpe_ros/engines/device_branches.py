"""Both branches on a GPU: images go up, one row of numbers per person comes down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.model_spec import MISSING_SCORE, ModelSpec, Shape
from unihpe_ros.core.simcc import WINDOW
from unihpe_ros.engines import check_signature, EngineError, scene
from unihpe_ros.engines.branches import Lifted, LOOK_STAGES, Looks, View
from unihpe_ros.engines.cache import ensure_engine
from unihpe_ros.engines.cuda import Gpu, Memory, open_gpu
from unihpe_ros.engines.cuda_graph import CudaGraph
from unihpe_ros.engines.kernels import Kernels, WARP
from unihpe_ros.engines.pair import check_pair, find_model
from unihpe_ros.engines.pictures import Picture, Pictures
from unihpe_ros.engines.scene import Layout
from unihpe_ros.engines.trt_net import TrtNet

# Makes a network on the device; some of its tensors may lie there already: name to address.
OpenNet = Callable[[Memory, Mapping[str, int]], TrtNet]
# What the device goes through in a look, and the stage of the protocol that it counts for.
DEVICE_STAGES = {
    'upload': 'crop',
    'preprocess': 'crop',
    'image_branch': 'image_branch',
    'decode': 'decode',
    'lifting_branch': 'lifting_branch',
    'download': 'lifting_branch',
}
# A graph belongs to a batch size, to images of some sizes and to how far they are reduced. A
# robot's cameras need a few; past this many the oldest goes.
_MOST_GRAPHS = 64
_Work = Mapping[str, Callable[[], None]]
_Key = tuple[int, tuple[Layout, ...], int]


def load(
    model: str | Path,
    *,
    backend: str,
    max_people: int,
    progress: Callable[[str, float], object] | None = None,
) -> DeviceBranches:
    """
    Load a model onto the GPU.

    Parameters
    ----------
    model : str or Path
        See `unihpe_ros.engines.pair.find_model`.
    backend, max_people, progress
        See `unihpe_ros.engines.load_engine`; the backend is one of TensorRT's.

    Raises
    ------
    EngineError
        If it cannot run here.

    """
    paths, gpu = find_model(model), open_gpu()
    image, lifting = (
        ensure_engine(
            paths[branch],
            gpu,
            runtime=backend if backend == 'tensorrt-rtx' else '',
            max_people=max_people,
            progress=progress,
        )
        for branch in ('image', 'lifting')
    )
    nets: list[OpenNet] = [
        lambda memory, shared, built=built: TrtNet(  # type: ignore[misc]
            gpu, built.library, built.plan, memory, max_people, shared
        )
        for built in (image, lifting)
    ]
    branches = DeviceBranches(gpu, (image.spec, lifting.spec), (nets[0], nets[1]))
    branches.backend = image.library.name
    branches.notes = (*image.notes, *lifting.notes, *branches.notes)
    return branches


class DeviceBranches:
    """
    The two branches of a model and our kernels on one stream of a GPU.

    Images are copied up once; they are halved, cropped and normalised, seen, decoded, lifted and
    fused there; one small copy brings the answer. What is the same from frame to frame is one
    CUDA graph, started by one call.

    Parameters
    ----------
    gpu : Gpu
        The device.
    specs : tuple[ModelSpec, ModelSpec]
        What image and lifting branch say about themselves.
    nets : tuple[OpenNet, OpenNet]
        Make the two on the device.

    Attributes
    ----------
    spec, backend, stage_times
        See `unihpe_ros.engines.branches.Branches`. While graphs are replayed the device's work
        cannot be told apart: all of it counts as 'image_branch', and 'crop' is what the host
        does before.
    device_times : dict[str, float]
        Seconds of each of DEVICE_STAGES in the last look without graphs.
    graphs : bool
        Whether CUDA graphs are used; set it to False to have the stages timed.
    notes : tuple[str, ...]
        What a user should know of how it runs.

    Raises
    ------
    EngineError
        If the branches do not run here, or do not belong together.

    """

    def __init__(
        self, gpu: Gpu, specs: tuple[ModelSpec, ModelSpec], nets: tuple[OpenNet, OpenNet]
    ) -> None:
        self.spec, self.backend = specs[0], 'tensorrt'
        self.notes: tuple[str, ...] = ()
        self.stage_times = dict.fromkeys(LOOK_STAGES, 0.0)
        self.device_times = dict.fromkeys(DEVICE_STAGES, 0.0)
        self.graphs = True
        self._gpu, self._lock = gpu, Lock()
        self._memory = Memory(gpu)
        self._nets: list[TrtNet] = []
        self._pictures: Pictures | None = None
        self._stream: Any = None
        self._graphs: dict[_Key, CudaGraph] = {}
        try:
            with gpu.active():
                self._open(specs, nets)
        except BaseException:
            self.close()
            raise

    def _open(self, specs: tuple[ModelSpec, ModelSpec], nets: tuple[OpenNet, OpenNet]) -> None:
        memory = self._memory
        self._nets.append(nets[0](memory, {}))
        seen = self._nets[0].tensors
        self._nets.append(nets[1](memory, {'image_feature': seen['feature'].address}))
        check_pair(_Branch.of(specs[0], self._nets[0]), _Branch.of(specs[1], self._nets[1]))
        self._stream, self._kernels = self._gpu.stream(), Kernels(self._gpu)
        most, k = self._nets[0].batches[-1], len(self.spec.keypoints)
        self._layout = scene.AnswerRows(k, self.spec.embedding)
        self._rows_there = memory.device(most * self._layout.width * 4)
        self._rows: NDArray[np.float32] = memory.host((most, self._layout.width))
        made = self._nets[1].tensors
        self._lifting_host = {
            name: memory.host(made[name].shape)
            for name in ('keypoints', 'image_feature', 'lifted_pose3d', 'embedding')
        }
        self._pictures = Pictures(self._gpu, memory, most, self.spec)
        for batch in self._nets[0].batches:  # What is allocated and compiled late, is so here.
            for net in self._nets:
                net.enqueue(batch, self._stream)
            self._stream.synchronize()
        for net in self._nets:
            net.save_compiled()

    def look(self, views: Sequence[View], threshold: float) -> Looks:
        """See `unihpe_ros.engines.branches.Branches`; all crops are lifted."""
        del threshold
        return self.look_at(
            [(image, Layout(image.shape[1], image.shape[0]), crops) for image, crops in views]
        )

    def look_at(self, pictures: Sequence[Picture]) -> Looks:
        """
        Look at people in images of any of `scene.ENCODINGS`, as cameras send them.

        Parameters
        ----------
        pictures : Sequence[Picture]
            Images, each with its layout and its crops; B crops together.

        Returns
        -------
        Looks
            Rows in the order of the images and of their crops.

        Raises
        ------
        ValueError
            If an image is not what its layout says.
        EngineError
            If the device fails, or the branches were closed.

        """
        with self._lock, self._gpu.active():
            most = self._opened().batches[-1]
            times = dict.fromkeys(LOOK_STAGES, 0.0)
            parts = [self._look(part, times) for part in _parts(pictures, most)]
            self.stage_times = times
        rows = np.concatenate(parts or [np.zeros((0, self._layout.width), np.float32)])
        return Looks(*self._layout.split(rows))

    def _look(self, pictures: Sequence[Picture], times: dict[str, float]) -> NDArray[np.float32]:
        """Return the rows of one batch."""
        start, tables = perf_counter(), self._pictures
        assert tables is not None
        layouts = tuple(layout for _, layout, _ in pictures)
        if not tables.has_room(layouts):
            self._drop_graphs()
            tables.make_room(layouts)
        count = sum(len(crops) for _, _, crops in pictures)
        batch = self._nets[0].round_up(count)
        halvings = tables.fill(pictures, batch)
        times['crop'] += perf_counter() - start
        self._run((batch, layouts, halvings), self._work(tables, batch, layouts, halvings), times)
        return self._rows[:count].copy()

    def _work(
        self, tables: Pictures, batch: int, layouts: tuple[Layout, ...], halvings: int
    ) -> _Work:
        """Return what puts each of DEVICE_STAGES on the stream."""
        image, lifting = self._nets
        rows = self._rows[:batch]
        return {
            'upload': partial(tables.upload, layouts, self._stream),
            'preprocess': partial(self._cut, tables, batch, layouts, halvings),
            'image_branch': partial(image.enqueue, batch, self._stream),
            'decode': partial(self._decode, tables, batch),
            'lifting_branch': partial(self._lift, lifting, batch),
            'download': partial(self._gpu.download, rows, self._rows_there, self._stream),
        }

    def _cut(
        self, tables: Pictures, batch: int, layouts: tuple[Layout, ...], halvings: int
    ) -> None:
        width = max(layout.width for layout in layouts)
        height = max(layout.height for layout in layouts)
        for halving in range(1, halvings + 1):
            given = scene.arguments('halve', views=tables.views, halvings=halving)
            threads = max(width >> halving, 1), max(height >> halving, 1), len(layouts)
            self._kernels.launch('halve', given, threads, self._stream)
        w, h = self.spec.input_size
        given = scene.arguments(
            'cut',
            views=tables.views,
            crops=tables.crops,
            batch=self._nets[0].tensors['image'].address,
            width=w,
            height=h,
            **scene.normalisation(self.spec),
        )
        self._kernels.launch('cut', given, (w, h, batch), self._stream)

    def _decode(self, tables: Pictures, batch: int) -> None:
        seen, k = self._nets[0].tensors, len(self.spec.keypoints)
        bins_x, bins_y = self.spec.bins
        given = scene.arguments(
            'read_answer',
            **{name: seen[name].address for name in ('simcc_x', 'simcc_y', 'visibility')},
            views=tables.views,
            crops=tables.crops,
            keypoints=self._nets[1].tensors['keypoints'].address,
            rows=self._rows_there,
            count=k,
            bins_x=bins_x,
            bins_y=bins_y,
            row=self._layout.width,
            window=WINDOW,
            ratio=self.spec.simcc_ratio,
            missing=MISSING_SCORE,
        )
        self._kernels.launch('read_answer', given, (WARP, k, batch), self._stream)

    def _lift(self, lifting: TrtNet, batch: int) -> None:
        lifting.enqueue(batch, self._stream)
        given = scene.arguments(
            'finish',
            poses=lifting.tensors['fused_pose3d'].address,
            image_embedding=self._nets[0].tensors['embedding'].address,
            pose_embedding=lifting.tensors['embedding'].address,
            rows=self._rows_there,
            count=len(self.spec.keypoints),
            width=self.spec.embedding,
            row=self._layout.width,
        )
        self._kernels.launch('finish', given, (WARP, 1, batch), self._stream)

    def _run(self, key: _Key, work: _Work, times: dict[str, float]) -> None:
        """Do the work and wait for it."""
        if self.graphs and key in self._graphs:
            start = perf_counter()
            self._graphs[key].launch()
            self._stream.synchronize()
            times['image_branch'] += perf_counter() - start
            return
        for stage, enqueue in work.items():
            start = perf_counter()
            enqueue()
            self._stream.synchronize()
            self.device_times[stage] = perf_counter() - start
            times[DEVICE_STAGES[stage]] += self.device_times[stage]
        if self.graphs:
            self._record(key, work)

    def _record(self, key: _Key, work: _Work) -> None:
        """Make a graph for the next time; without one where driver or runtime cannot."""
        if len(self._graphs) == _MOST_GRAPHS:
            self._graphs.pop(next(iter(self._graphs))).close()
        try:
            self._graphs[key] = CudaGraph(self._stream.handle, partial(_enqueue_all, work))
        except (EngineError, self._gpu.driver.Error) as error:
            self.graphs = False
            self._drop_graphs()
            self.notes = (*self.notes, f'{self.spec.model}: runs without CUDA graphs: {error}')

    def lift(self, keypoints: NDArray[np.float32]) -> Lifted:
        """See `unihpe_ros.engines.branches.Branches`."""
        with self._lock, self._gpu.active():
            most = self._opened().batches[-1]
            parts = [
                self._lift_part(keypoints[start : start + most])
                for start in range(0, max(len(keypoints), 1), most)
            ]
        return Lifted(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _lift_part(self, keypoints: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        count, host = len(keypoints), self._lifting_host
        lifting = self._nets[1]
        host['keypoints'][:count] = keypoints
        if count:
            batch = lifting.round_up(count)
            for name in ('keypoints', 'image_feature'):
                there = lifting.tensors[name].address
                self._gpu.upload(there, host[name][:batch], self._stream)
            lifting.enqueue(batch, self._stream)
            for name in ('lifted_pose3d', 'embedding'):
                there = lifting.tensors[name].address
                self._gpu.download(host[name][:batch], there, self._stream)
            self._stream.synchronize()
        return host['lifted_pose3d'][:count].copy(), host['embedding'][:count].copy()

    def _opened(self) -> TrtNet:
        if self._pictures is None:
            raise EngineError(f'{self.spec.model}: expected open branches; they were closed')
        return self._nets[0]

    def close(self) -> None:
        """Free everything on the device and in page-locked memory."""
        with self._lock, self._gpu.active():
            if self._stream is not None:
                self._stream.synchronize()
            self._drop_graphs()
            for net in reversed(self._nets):
                net.close()
            if self._pictures is not None:
                self._pictures.close()
            self._rows, self._lifting_host = np.zeros((0, 0), np.float32), {}
            self._nets, self._pictures, self._stream = [], None, None
            self._memory.close()

    def _drop_graphs(self) -> None:
        while self._graphs:
            self._graphs.popitem()[1].close()


def _enqueue_all(work: _Work) -> None:
    for enqueue in work.values():
        enqueue()


@dataclass
class _Branch:
    """One of the two, as `check_pair` looks at it."""

    spec: ModelSpec
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]

    @classmethod
    def of(cls, spec: ModelSpec, net: TrtNet) -> _Branch:
        shapes: list[dict[str, Shape]] = [
            {name: one.signature for name, one in net.tensors.items() if one.is_input == wanted}
            for wanted in (True, False)
        ]
        check_signature(Path(f'{spec.model}.{spec.branch}'), spec, *shapes)
        return cls(spec, *shapes)


def _parts(pictures: Sequence[Picture], most: int) -> Iterator[list[Picture]]:
    """Yield the pictures in groups of at most so many crops; a picture may be in several."""
    group: list[Picture] = []
    room = most
    for image, layout, crops in pictures:
        start = 0
        while start < len(crops):
            taken = min(room, len(crops) - start)
            group.append((image, layout, crops.select(np.arange(start, start + taken))))
            start, room = start + taken, room - taken
            if not room:
                yield group
                group, room = [], most
    if group:
        yield group
