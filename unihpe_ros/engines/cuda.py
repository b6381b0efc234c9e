"""Wrapper of PyCUDA for the engines: device, memory and streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import ctypes
from functools import cache
import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from unihpe_ros.engines import EngineError, MissingBackendError

# Errors of cuInit if there is no GPU, or the library is a stub.
_NO_GPU = (100, 34)


@cache
def open_gpu(index: int = 0) -> Gpu:
    """
    Return a GPU of this machine, which stays open until the process ends.

    Call it before any object of TensorRT is made: its runtime needs an initialised driver.

    Parameters
    ----------
    index : int
        Number of the device.

    Raises
    ------
    MissingBackendError
        If this machine has no driver or no GPU.
    EngineError
        If there is one, but PyCUDA, the driver or that device does not work.

    """
    try:
        import pycuda.driver as driver
    except (ImportError, OSError) as error:
        raise _failure()(f'GPU {index}: PyCUDA does not load ({error})') from error
    try:
        driver.init()
        count = driver.Device.count()
        if index >= count:
            raise _failure()(f'GPU {index}: expected a CUDA device; the driver has {count}')
        return Gpu(driver, index)
    except driver.Error as error:
        raise _failure()(f'GPU {index}: the driver failed: {error}') from error


def _failure() -> type[EngineError]:
    return EngineError if expects_gpu() else MissingBackendError


def expects_gpu() -> bool:
    """Whether this machine has a CUDA driver with a GPU, or one that is broken."""
    found = ctypes.c_int(0)
    try:
        driver = ctypes.CDLL('libcuda.so.1')
        answer = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(found))
    except (OSError, AttributeError):
        return False
    return answer not in _NO_GPU and (answer != 0 or found.value > 0)


class Gpu:
    """
    One CUDA device and its primary context, which TensorRT and PyTorch share.

    Parameters
    ----------
    driver : module
        pycuda.driver, initialised.
    index : int
        Number of the device.

    Attributes
    ----------
    name : str
        The device's name.
    sm : str
        Compute capability, such as '8.9'.
    driver_version : str
        The CUDA version that the driver serves.

    """

    def __init__(self, driver: Any, index: int) -> None:
        device = driver.Device(index)
        self.name: str = device.name()
        self.sm = '.'.join(str(part) for part in device.compute_capability())
        version = driver.get_driver_version()
        self.driver_version = f'{version // 1000}.{version % 1000 // 10}'
        self.driver = driver
        self._context = device.retain_primary_context()

    @contextmanager
    def active(self) -> Iterator[None]:
        """
        Make this device the calling thread's for the duration of a block.

        Everything below and of TensorRT runs inside; PyCUDA's stack is one per thread.

        Raises
        ------
        EngineError
            If a driver call in the block fails.

        """
        try:
            self._context.push()
            try:
                yield
            finally:
                self.driver.Context.pop()
        except self.driver.Error as error:
            raise EngineError(f'{self.name}: the driver failed: {error}') from error

    def stream(self) -> Any:
        """Return a new stream: it has `handle` and `synchronize`."""
        return self.driver.Stream()

    def upload(self, address: int, host: NDArray[Any], stream: Any) -> None:
        """Start to copy page-locked, contiguous memory to the device."""
        self.driver.memcpy_htod_async(address, host, stream)

    def download(self, host: NDArray[Any], address: int, stream: Any) -> None:
        """Start to copy from the device into page-locked, contiguous memory."""
        self.driver.memcpy_dtoh_async(host, address, stream)

    def load_kernels(self, image: bytes) -> Any:
        """Return a module of compiled kernels (PTX, cubin or fatbin): it has `get_function`."""
        return self.driver.module_from_buffer(image)

    def free_memory(self) -> tuple[int, int]:
        """Return (free, total) bytes of device memory; inside `active`."""
        free, total = self.driver.mem_get_info()
        return int(free), int(total)


class Memory:
    """
    Device and page-locked memory with one owner; used inside `Gpu.active`.

    Parameters
    ----------
    gpu : Gpu
        Whose memory.

    """

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._held: list[Any] = []

    def device(self, size: int) -> int:
        """Return the address of `size` bytes on the device."""
        block = self._gpu.driver.mem_alloc(max(size, 1))
        self._held.append(block)
        return int(block)

    def host(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """Return a page-locked array of zeros; no view of it may be used after `close`."""
        flat: NDArray[Any] = self._gpu.driver.pagelocked_empty(math.prod(shape), np.dtype(dtype))
        flat[...] = 0
        self._held.append(flat.base)
        return flat.reshape(shape)

    def close(self) -> None:
        """Free everything, the latest first."""
        while self._held:
            self._held.pop().free()
