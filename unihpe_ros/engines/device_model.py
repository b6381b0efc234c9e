"""Pose model that stays on a GPU: images are uploaded, one row per person is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.cache import ensure_engine
from unihpe_ros.engines.cuda import Gpu, open_gpu
from unihpe_ros.engines.cuda_graph import CudaGraph
from unihpe_ros.engines.device_chain import Chain, OpenNet, Task, Work
from unihpe_ros.engines.kernel_arguments import PixelLayout
from unihpe_ros.engines.model_files import find_model
from unihpe_ros.engines.pictures import Picture
from unihpe_ros.engines.pose_model import (
    LiftedPoses,
    MODEL_STAGES,
    PoseModel,
    PoseModelOutput,
    View,
)
from unihpe_ros.engines.trt_net import TrtNet

# Stages on the device, and the stage of `PoseModel.stage_times` that each belongs to.
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


def load(
    model: str | Path,
    *,
    backend: str,
    max_people: int,
    progress: Callable[[str, float], object] | None = None,
) -> DevicePoseModel:
    """
    Load a model onto the GPU.

    Parameters
    ----------
    model : str or Path
        See `unihpe_ros.engines.model_files.find_model`.
    backend, max_people, progress
        See `unihpe_ros.engines.backend_choice.load_engine`; the backend is one of TensorRT's.

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
    on_gpu = DevicePoseModel(gpu, (image.spec, lifting.spec), (nets[0], nets[1]))
    on_gpu.backend = image.library.name
    on_gpu.notes = (*image.notes, *lifting.notes, *on_gpu.notes)
    return on_gpu


class DevicePoseModel(PoseModel):
    """
    Pose model whose two networks and kernels run on one CUDA stream.

    Images are uploaded once; halving, cropping, both networks and decoding run on the device, and
    one small copy downloads the result. The work that is the same in each frame is one CUDA graph,
    started by one call.

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
        See `unihpe_ros.engines.pose_model.PoseModel`. While graphs are replayed the device's work
        cannot be told apart: all of it counts as 'image_branch', and 'crop' is what the host
        does before.
    device_times : dict[str, float]
        Seconds of each of DEVICE_STAGES in the last call without graphs.
    graphs : bool
        Whether CUDA graphs are used; set it to False to have the stages timed.
    notes : tuple[str, ...]
        Messages for the user.

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
        self.stage_times = dict.fromkeys(MODEL_STAGES, 0.0)
        self.device_times = dict.fromkeys(DEVICE_STAGES, 0.0)
        self.graphs = True
        self._gpu, self._lock = gpu, Lock()
        self._graphs: dict[Task, CudaGraph] = {}
        self._chain: Chain | None = None
        try:
            with gpu.active():
                self._chain = Chain(gpu, specs)
                self._chain.open(nets)
                self._try_graphs(self._chain)
        except BaseException:
            self.close()
            raise

    def _try_graphs(self, chain: Chain) -> None:
        """Record the CUDA graph of the networks once, so that a failure is reported at start."""
        try:
            CudaGraph(chain.stream.handle, chain.infer).close()
        except (EngineError, self._gpu.driver.Error) as error:
            self._do_without_graphs(error)

    def _do_without_graphs(self, error: Exception) -> None:
        self.graphs = False
        self._drop_graphs()
        self.notes = (*self.notes, f'{self.spec.model}: runs without CUDA graphs: {error}')

    @property
    def input(self) -> int:
        """Device address of the image branch's last input, for comparisons."""
        return self._opened().input

    def infer(self, views: Sequence[View], threshold: float) -> PoseModelOutput:
        """Find the keypoints in crops and lift all of them, see `PoseModel`."""
        del threshold
        return self.infer_encoded(
            [(image, PixelLayout(image.shape[1], image.shape[0]), crops) for image, crops in views]
        )

    def infer_encoded(self, pictures: Sequence[Picture]) -> PoseModelOutput:
        """
        Run the model on images as cameras send them, of any of `KERNEL_ENCODINGS`.

        Parameters
        ----------
        pictures : Sequence[Picture]
            Images, each with its layout and its crops; B crops together.

        Returns
        -------
        PoseModelOutput
            Rows in the order of the images and of their crops.

        Raises
        ------
        ValueError
            If an image is not what its layout says.
        EngineError
            If the device fails, or the branches were closed.

        """
        with self._lock, self._gpu.active():
            chain, times = self._opened(), dict.fromkeys(MODEL_STAGES, 0.0)
            parts = [self._look(chain, part, times) for part in _parts(pictures, chain.most)]
            self.stage_times = times
            return PoseModelOutput(*chain.split(np.concatenate([chain.nobody(), *parts])))

    def _look(
        self, chain: Chain, pictures: Sequence[Picture], times: dict[str, float]
    ) -> NDArray[np.float32]:
        """Return the rows of one batch."""
        start = perf_counter()
        if not chain.has_room(pictures):
            self._drop_graphs()
            chain.make_room(pictures)
        task = chain.prepare(pictures)
        times['crop'] += perf_counter() - start
        self._run(chain, task, times)
        return chain.rows(sum(len(crops) for _, _, crops in pictures))

    def _run(self, chain: Chain, task: Task, times: dict[str, float]) -> None:
        """Run a task on the stream and wait for its end."""
        if self.graphs and task in self._graphs:
            start = perf_counter()
            self._graphs[task].launch()
            chain.stream.synchronize()
            times['image_branch'] += perf_counter() - start
            return
        work = chain.work(task)
        for stage, enqueue in work.items():
            start = perf_counter()
            enqueue()
            chain.stream.synchronize()
            self.device_times[stage] = perf_counter() - start
            times[DEVICE_STAGES[stage]] += self.device_times[stage]
        if self.graphs:
            self._record(chain, task, work)

    def _record(self, chain: Chain, task: Task, work: Work) -> None:
        """Record a CUDA graph for the next time, if driver and runtime support it."""
        if len(self._graphs) == _MOST_GRAPHS:
            self._graphs.pop(next(iter(self._graphs))).close()
        try:
            self._graphs[task] = CudaGraph(chain.stream.handle, partial(_enqueue_all, work))
        except (EngineError, self._gpu.driver.Error) as error:
            self._do_without_graphs(error)

    def lift(self, keypoints: NDArray[np.float32]) -> LiftedPoses:
        """Lift 2D poses without an image, see `unihpe_ros.engines.pose_model.PoseModel`."""
        with self._lock, self._gpu.active():
            chain = self._opened()
            starts = range(0, max(len(keypoints), 1), chain.most)
            parts = [chain.lift(keypoints[start : start + chain.most]) for start in starts]
        return LiftedPoses(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _opened(self) -> Chain:
        if self._chain is None:
            raise EngineError(f'{self.spec.model}: expected open branches; they were closed')
        return self._chain

    def close(self) -> None:
        """Free everything on the device and in page-locked memory."""
        with self._lock, self._gpu.active():
            if self._chain is not None:
                self._chain.stream.synchronize()
                self._drop_graphs()
                self._chain.close()
                self._chain = None

    def _drop_graphs(self) -> None:
        while self._graphs:
            self._graphs.popitem()[1].close()


def _enqueue_all(work: Work) -> None:
    for enqueue in work.values():
        enqueue()


def _parts(pictures: Sequence[Picture], most: int) -> Iterator[list[Picture]]:
    """Yield the pictures in groups of at most `most` crops; a picture may be in several groups."""
    group: list[Picture] = []
    room = most
    for image, layout, crops in pictures:
        start = 0
        while start < len(crops):
            taken = min(room, len(crops) - start)
            whole = taken == len(crops)
            chosen = crops if whole else crops[start : start + taken]
            group.append((image, layout, chosen))
            start, room = start + taken, room - taken
            if not room:
                yield group
                group, room = [], most
    if group:
        yield group
