"""Our compiled kernels on the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.engines.cuda import Gpu

# PTX file to the kernels in it.
MODULES = {'preprocess': ('halve', 'cut'), 'decode': ('read_answer', 'finish')}
# Threads of a block: a warp along x, and up to so many warps along y (launch.cuh).
WARP = 32
_WARPS = 8


class Kernels:
    """
    Kernels of preprocess.cu and decode.cu, for use inside `Gpu.active`.

    Parameters
    ----------
    gpu : Gpu
        The device.

    """

    def __init__(self, gpu: Gpu) -> None:
        self._modules = []  # Kept: functions fail once their module is freed.
        self._functions: dict[str, Any] = {}
        for name, kernels in MODULES.items():
            # The driver reads PTX up to a zero byte.
            text = Path(__file__).with_name(f'{name}.ptx').read_bytes() + b'\0'
            module = gpu.load_kernels(text)
            self._modules.append(module)
            self._functions.update({kernel: module.get_function(kernel) for kernel in kernels})

    def launch(
        self, kernel: str, given: NDArray[np.void], threads: tuple[int, int, int], stream: Any
    ) -> None:
        """
        Start a kernel.

        Parameters
        ----------
        kernel : str
            Its name.
        given : NDArray[np.void]
            What `kernel_arguments.arguments` made for it.
        threads : tuple[int, int, int]
            How many are needed along x, y and z.
        stream : Stream
            As `Gpu.stream` makes it.

        """
        x, y, z = threads
        rows = min(y, _WARPS)
        grid = -(-x // WARP), -(-y // rows), z
        self._functions[kernel](given[()], block=(WARP, rows, 1), grid=grid, stream=stream)
