"""Engines run a model's graph: what each of them offers, their errors, and checks of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.model_spec import FOREIGN, ModelSpec, Shape


class EngineError(RuntimeError):
    """A model cannot be run; the message names the file, what was expected and what was found."""


class MissingBackendError(EngineError):
    """A backend or its device is missing; 'auto' tries the next one without a note."""


class Engine(Protocol):
    """
    A loaded graph.

    Attributes
    ----------
    spec : ModelSpec
        Description in the file; of branch 'foreign' for another maker's file.
    backend : str
        Runtime and device that run it, such as 'onnxruntime-cpu'.
    inputs, outputs : dict[str, Shape]
        The graph's tensors; None is any extent.
    notes : tuple[str, ...]
        Messages for the user about the choice of the backend: faster ones that failed, an engine
        that was built anew.

    """

    spec: ModelSpec
    backend: str
    notes: tuple[str, ...]
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]

    def infer(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """
        Run the graph once.

        Parameters
        ----------
        inputs : Mapping[str, NDArray[np.float32]]
            One array for each input, equal in their first extent, the batch. A graph that reads
            integers gets these values converted.

        Returns
        -------
        dict[str, NDArray[np.float32]]
            One array for each output, as float32. They belong to the engine and are overwritten by
            the next call: copy what you keep longer.

        Raises
        ------
        ValueError
            If an input is missing or does not fit; the message names it.
        EngineError
            If the runtime fails, or the engine was closed.

        """

    def close(self) -> None:
        """Release the runtime's memory; `infer` may not be called any more."""


def check_signature(
    path: Path, spec: ModelSpec, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
) -> None:
    """
    Check that a graph has the tensors of its spec.

    Parameters
    ----------
    path : Path
        The file, for the message.
    spec : ModelSpec
        What the file says about itself.
    inputs, outputs : Mapping[str, Shape]
        The graph's tensors.

    Raises
    ------
    EngineError
        If a tensor is missing or has another shape.

    """
    if spec.branch == FOREIGN:
        return  # A foreign graph has no promised tensors; its reader checks the outputs.
    expected = spec.signature()
    for kind, wanted, given in (
        ('inputs', expected[0], inputs),
        ('outputs', expected[1], outputs),
    ):
        if not set(wanted) <= set(given) or (kind == 'inputs' and len(given) != len(wanted)):
            names = ', '.join(wanted)
            raise EngineError(f'{path}: expected {kind} {names}; got {list(given)}')
        known = wanted if kind == 'inputs' else {**spec.optional_outputs(), **wanted}
        for name, shape in known.items():
            if name in given and not fits(given[name], shape):
                raise EngineError(
                    f'{path}: expected {name} {_text(shape)} by its ModelSpec; '
                    f'got {_text(given[name])}'
                )


def check_inputs(
    path: Path, expected: Mapping[str, Shape], given: Mapping[str, NDArray[np.float32]]
) -> None:
    """Raise ValueError, naming file and input, if arrays do not fit a graph's inputs."""
    if set(given) != set(expected):
        raise ValueError(f'{path}: expected inputs {list(expected)}; got {list(given)}')
    batches = {len(array) if array.ndim else 0 for array in given.values()}
    for name, shape in expected.items():
        array = given[name]
        if array.dtype != np.float32 or not fits(array.shape, shape) or len(batches) != 1:
            raise ValueError(
                f'{path}: expected {name} float32 {_text(shape)}; got {array.dtype} {array.shape}'
            )


def fits(given: Shape, expected: Shape) -> bool:
    """Whether two shapes can be one; None fits any extent."""
    pairs = zip(given, expected, strict=False)
    return len(given) == len(expected) and all(a == b or a is None or b is None for a, b in pairs)


def _text(shape: Shape) -> str:
    return '(' + ', '.join('*' if extent is None else str(extent) for extent in shape) + ')'
