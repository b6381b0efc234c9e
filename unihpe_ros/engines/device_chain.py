"""Both networks and our kernels on one CUDA stream: the work of one inference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.model_spec import ModelSpec, Shape
from unihpe_ros.engines import check_signature, kernel_arguments
from unihpe_ros.engines.cuda import Gpu, Memory
from unihpe_ros.engines.kernel_arguments import PixelLayout
from unihpe_ros.engines.kernels import Kernels, WARP
from unihpe_ros.engines.model_files import check_pair
from unihpe_ros.engines.pictures import Picture, Pictures
from unihpe_ros.engines.trt_net import TrtNet

# Function that opens a network on the device; it gets the addresses of tensors that are there
# already, by name.
OpenNet = Callable[[Memory, Mapping[str, int]], TrtNet]
# Functions that put each stage on the stream, by stage.
Work = Mapping[str, Callable[[], None]]


@dataclass(frozen=True)
class Task:
    """
    Addresses, sizes and kernel launches of one inference; equal tasks share a CUDA graph.

    Parameters
    ----------
    batch : int
        One of the networks' batch sizes.
    layouts : tuple[PixelLayout, ...]
        The images.
    halvings : int
        How often they are reduced.

    """

    batch: int
    layouts: tuple[PixelLayout, ...]
    halvings: int


class Chain:
    """
    Both networks, our kernels and their memory on one stream, for use inside `Gpu.active`.

    Parameters
    ----------
    gpu : Gpu
        The device.
    specs : tuple[ModelSpec, ModelSpec]
        What image and lifting branch say about themselves.

    Attributes
    ----------
    stream : Stream
        Everything goes through it.
    most : int
        Largest number of crops.
    input : int
        Address of the image branch's input.

    """

    def __init__(self, gpu: Gpu, specs: tuple[ModelSpec, ModelSpec]) -> None:
        self.spec, self._specs, self._gpu = specs[0], specs, gpu
        self._memory = Memory(gpu)
        self._nets: list[TrtNet] = []
        self._layout = kernel_arguments.AnswerRows(len(self.spec.keypoints), self.spec.embedding)
        self.stream = gpu.stream()

    def open(self, nets: tuple[OpenNet, OpenNet]) -> None:
        """
        Make everything; after a failure `close` frees what was made.

        Parameters
        ----------
        nets : tuple[OpenNet, OpenNet]
            Make the two branches.

        Raises
        ------
        EngineError
            If the branches do not run here, or do not belong together.

        """
        memory = self._memory
        self._nets.append(nets[0](memory, {}))
        seen = self._nets[0].tensors
        _check(self._specs[0], self._nets[0])
        self._nets.append(nets[1](memory, {'image_feature': seen['feature'].address}))
        check_pair(*(_check(*pair) for pair in zip(self._specs, self._nets, strict=True)))
        self._kernels = Kernels(self._gpu)
        self.most, self.input = self._nets[0].batches[-1], seen['image'].address
        rows = self.most, self._layout.width
        self._rows: NDArray[np.float32] = memory.host(rows)
        self._rows_there = memory.device(self._rows.nbytes)
        made = self._nets[1].tensors
        self._lifting_host = {
            name: memory.host(made[name].shape)
            for name in ('keypoints', 'image_feature', 'lifted_pose3d', 'embedding')
        }
        self._pictures = Pictures(self._gpu, memory, self.most, self.spec)
        for batch in self._nets[0].batches:  # The first run allocates and compiles.
            self.infer(batch)
            self.stream.synchronize()
        for net in self._nets:
            net.save_compiled()

    def infer(self, batch: int = 1) -> None:
        """Enqueue both networks, without our kernels."""
        for net in self._nets:
            net.enqueue(batch, self.stream)

    def has_room(self, pictures: Sequence[Picture]) -> bool:
        """Whether there is memory for such images; `make_room` changes addresses in graphs."""
        return self._pictures.has_room([layout for _, layout, _ in pictures])

    def make_room(self, pictures: Sequence[Picture]) -> None:
        """Allocate memory for such images; the stream must be idle."""
        self._pictures.make_room([layout for _, layout, _ in pictures])

    def prepare(self, pictures: Sequence[Picture]) -> Task:
        """Copy images and tables into page-locked memory; return the task."""
        count = sum(len(crops) for _, _, crops in pictures)
        batch = self._nets[0].round_up(count)
        halvings = self._pictures.fill(pictures, batch)
        return Task(batch, tuple(layout for _, layout, _ in pictures), halvings)

    def rows(self, count: int) -> NDArray[np.float32]:
        """Return a copy of the downloaded rows of the first crops."""
        return self._rows[:count].copy()

    def split(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Return the fields of `PoseModelOutput`."""
        return self._layout.split(rows)

    def nobody(self) -> NDArray[np.float32]:
        """Return no rows."""
        return np.zeros((0, self._layout.width), np.float32)

    def work(self, task: Task) -> Work:
        """Return functions that enqueue each stage of an inference on the stream."""
        batch = task.batch
        return {
            'upload': partial(self._pictures.upload, task.layouts, self.stream),
            'preprocess': partial(self._cut, task),
            'image_branch': partial(self._nets[0].enqueue, batch, self.stream),
            'decode': partial(self._decode, batch),
            'lifting_branch': partial(self._lift, batch),
            'download': partial(
                self._gpu.download, self._rows[:batch], self._rows_there, self.stream
            ),
        }

    def _cut(self, task: Task) -> None:
        tables, layouts = self._pictures, task.layouts
        width = max(layout.width for layout in layouts)
        height = max(layout.height for layout in layouts)
        for halving in range(1, task.halvings + 1):
            given = kernel_arguments.arguments('halve', views=tables.views, halvings=halving)
            threads = max(width >> halving, 1), max(height >> halving, 1), len(layouts)
            self._kernels.launch('halve', given, threads, self.stream)
        w, h = self.spec.input_size
        given = kernel_arguments.arguments(
            'cut',
            views=tables.views,
            crops=tables.crops,
            batch=self._nets[0].tensors['image'].address,
            width=w,
            height=h,
            **kernel_arguments.normalisation(self.spec),
        )
        self._kernels.launch('cut', given, (w, h, task.batch), self.stream)

    def _decode(self, batch: int) -> None:
        tables = self._pictures
        seen, k = self._nets[0].tensors, len(self.spec.keypoints)
        given = kernel_arguments.arguments(
            'read_answer',
            **{name: seen[name].address for name in ('simcc_x', 'simcc_y', 'visibility')},
            views=tables.views,
            crops=tables.crops,
            keypoints=self._nets[1].tensors['keypoints'].address,
            rows=self._rows_there,
            row=self._layout.width,
            **kernel_arguments.reading(self.spec),
        )
        self._kernels.launch('read_answer', given, (WARP, k, batch), self.stream)

    def _lift(self, batch: int) -> None:
        lifting = self._nets[1]
        lifting.enqueue(batch, self.stream)
        given = kernel_arguments.arguments(
            'finish',
            poses=lifting.tensors['fused_pose3d'].address,
            image_embedding=self._nets[0].tensors['embedding'].address,
            pose_embedding=lifting.tensors['embedding'].address,
            rows=self._rows_there,
            count=len(self.spec.keypoints),
            width=self.spec.embedding,
            row=self._layout.width,
        )
        self._kernels.launch('finish', given, (WARP, 1, batch), self.stream)

    def lift(self, keypoints: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Lift at most `most` people without an image and wait; as `LiftedPoses`."""
        count, host = len(keypoints), self._lifting_host
        lifting = self._nets[1]
        host['keypoints'][:count] = keypoints
        if count:
            batch = lifting.round_up(count)
            for name in ('keypoints', 'image_feature'):
                there = lifting.tensors[name].address
                self._gpu.upload(there, host[name][:batch], self.stream)
            lifting.enqueue(batch, self.stream)
            for name in ('lifted_pose3d', 'embedding'):
                there = lifting.tensors[name].address
                self._gpu.download(host[name][:batch], there, self.stream)
            self.stream.synchronize()
        return host['lifted_pose3d'][:count].copy(), host['embedding'][:count].copy()

    def close(self) -> None:
        """Free everything; the stream must be idle."""
        for net in reversed(self._nets):
            net.close()
        self._nets = []
        if hasattr(self, '_pictures'):
            self._pictures.close()
        self._rows, self._lifting_host = self.nobody(), {}
        self._memory.close()


@dataclass
class _Branch:
    """One of the two branches, as `check_pair` reads it."""

    spec: ModelSpec
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]


def _check(spec: ModelSpec, net: TrtNet) -> _Branch:
    """Check that a network has the tensors of its spec."""
    inputs, outputs = (
        {name: one.signature for name, one in net.tensors.items() if one.is_input == wanted}
        for wanted in (True, False)
    )
    check_signature(Path(f'{spec.model}.{spec.branch}'), spec, inputs, outputs)
    return _Branch(spec, inputs, outputs)
