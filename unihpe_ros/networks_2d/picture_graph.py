"""A graph that reads pictures, on any engine, in batches of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.engines import Engine, EngineError
from unihpe_ros.networks_2d.conventions import conventions_file
from unihpe_ros.networks_2d.tensors import NetworkOutputs, picture_layout, Tensors

# (w, h) of the input with the channels last that takes any size: MoveNet MultiPose's best.
_FREE_SIZE = (256, 256)


class PictureGraph:
    """
    A graph that reads one picture, or a batch of them.

    Parameters
    ----------
    path : Path
        Its file.
    engine : Engine
        What runs it; closed by `close`.
    input_size : tuple[int, int], optional
        (w, h) px, for a graph that takes any.

    Attributes
    ----------
    tensors : Tensors
        What it reads, and what it answered to one grey picture.

    Raises
    ------
    EngineError
        If it does not read pictures, takes any size and none is given, or fails.

    """

    def __init__(
        self, path: Path, engine: Engine, input_size: tuple[int, int] | None = None
    ) -> None:
        self.engine = engine
        try:
            declared, self._channels_last = picture_layout(engine.inputs)
        except ValueError as error:
            raise EngineError(f'{path}: {error}') from error
        self._name, shape = next(iter(engine.inputs.items()))
        self._fixed = shape[0]
        free = input_size or (_FREE_SIZE if self._channels_last else None)
        if None in declared and free is None:
            raise EngineError(
                f'{path}: its input takes any size; expected input_size, [w, h] px, in '
                f'{conventions_file(path).name}'
            )
        w, h = (int(one or other) for one, other in zip(declared, free or (1, 1), strict=True))
        grey = np.full((1, 3, h, w), 0.5, np.float32)
        outputs = {name: one.shape for name, one in self.run(grey).items()}
        self.tensors = Tensors((w, h), self._channels_last, outputs)

    def run(self, pictures: NDArray[np.float32]) -> NetworkOutputs:
        """
        Run the graph.

        Parameters
        ----------
        pictures : NDArray[np.float32]
            ``(B, 3, h, w)``, normalised; B is 1 or more.

        Returns
        -------
        Answer
            The outputs for all of them; to be read before the next call.

        """
        if self._channels_last:
            pictures = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
        if self._fixed is None or self._fixed == len(pictures):
            return self.engine.infer({self._name: pictures})
        parts: list[dict[str, NDArray[Any]]] = []
        for start in range(0, len(pictures), self._fixed):
            part = pictures[start : start + self._fixed]
            spare = self._fixed - len(part)
            if spare:
                part = np.concatenate([part, np.zeros((spare, *part.shape[1:]), np.float32)])
            answer = self.engine.infer({self._name: part})
            parts.append(
                {name: array[: self._fixed - spare].copy() for name, array in answer.items()}
            )
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def close(self) -> None:
        """Release the runtime's memory."""
        self.engine.close()
