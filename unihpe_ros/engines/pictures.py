"""Device memory of the images of a batch, and of the tables that the kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.engines import kernel_arguments
from unihpe_ros.engines.cuda import Gpu, Memory
from unihpe_ros.engines.kernel_arguments import PixelLayout

# An image, its memory layout, and the crops in it.
Picture = tuple[NDArray[np.uint8], PixelLayout, Crops]


@dataclass
class _Slot:
    """Page-locked and device memory of one image, and device memory of its reductions."""

    memory: Memory
    size: int = 0
    halved_size: int = 0
    host: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    pixels: int = 0
    halved: int = 0
    camera: Camera | None = None


class Pictures:
    """
    Images and tables, first in page-locked memory, then on the device.

    Made and used inside `Gpu.active`.

    Parameters
    ----------
    gpu : Gpu
        The device.
    memory : Memory
        For the tables.
    most : int
        Largest number of crops, and so of images.
    spec : ModelSpec
        The image branch.

    Attributes
    ----------
    views, crops : int
        Addresses of the tables on the device.

    """

    def __init__(self, gpu: Gpu, memory: Memory, most: int, spec: ModelSpec) -> None:
        self._gpu, self._size = gpu, spec.input_size
        begin = most * kernel_arguments.VIEW.itemsize
        total = begin + most * kernel_arguments.CROP.itemsize
        self._table: NDArray[np.uint8] = memory.host((total,), np.uint8)
        self._views = kernel_arguments.array_part(self._table, kernel_arguments.VIEW, 0, most)
        self._crops = kernel_arguments.array_part(self._table, kernel_arguments.CROP, begin, most)
        self.views = memory.device(total)
        self.crops = self.views + begin
        self._slots = [_Slot(Memory(gpu)) for _ in range(most)]

    def has_room(self, layouts: Sequence[PixelLayout]) -> bool:
        """Whether memory for such images is there."""
        return all(
            slot.size >= layout.size and slot.halved_size >= layout.offsets()[-1]
            for slot, layout in zip(self._slots, layouts, strict=False)
        )

    def make_room(self, layouts: Sequence[PixelLayout]) -> None:
        """Make memory for such images; the device must be idle, addresses change."""
        for slot, layout in zip(self._slots, layouts, strict=False):
            slot.size = max(slot.size, layout.size)
            slot.halved_size = max(slot.halved_size, layout.offsets()[-1])
            slot.host = np.zeros(0, np.uint8)
            slot.memory.close()
            slot.host = slot.memory.host((slot.size,), np.uint8)
            slot.pixels = slot.memory.device(slot.size)
            slot.halved = slot.memory.device(slot.halved_size)

    def fill(self, pictures: Sequence[Picture], batch: int) -> int:
        """
        Put images and tables into page-locked memory.

        Parameters
        ----------
        pictures : Sequence[Picture]
            Pictures for which there is room; each has at least one crop.
        batch : int
            Number of crops that the kernels process; the last ones repeat the first if there are
            fewer.

        Returns
        -------
        int
            How often the images are halved.

        """
        start = 0
        for index, (image, layout, crops) in enumerate(pictures):
            slot, view = self._slots[index], self._views[index]
            np.copyto(slot.host[: layout.size].reshape(layout.shape), image)
            layout.fill(view, slot.pixels, slot.halved)
            if crops.camera is not slot.camera:
                kernel_arguments.fill_lens(view['lens'], crops.camera)
                slot.camera = crops.camera
            rows = self._crops[start : start + len(crops)]
            kernel_arguments.fill_crops(rows, view, crops, self._size, index)
            start += len(crops)
        self._crops[start:batch] = self._crops[0]
        return int(self._views['halvings'][: len(pictures)].max())

    def upload(self, layouts: Sequence[PixelLayout], stream: Any) -> None:
        """Start to copy tables and images to the device."""
        self._gpu.upload(self.views, self._table, stream)
        for slot, layout in zip(self._slots, layouts, strict=False):
            self._gpu.upload(slot.pixels, slot.host[: layout.size], stream)

    def close(self) -> None:
        """Free the images' memory; that of the tables is its owner's."""
        for slot in self._slots:
            slot.host = np.zeros(0, np.uint8)
            slot.memory.close()
            slot.size = slot.halved_size = 0
