"""Engines: what runs a model's graph. The file's suffix picks the backend."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.model_spec import ModelSpec, Shape

# Suffix of a model file to the module that runs it; imported when the first such file is loaded.
BACKENDS: Mapping[str, str] = {
    '.onnx': 'unihpe_ros.engines.ort_engine',
}


class EngineError(RuntimeError):
    """A model cannot be run; the message names the file, what was expected and what was found."""


class Engine(Protocol):
    """
    A loaded graph.

    Attributes
    ----------
    spec : ModelSpec
        What the file says about itself.
    backend : str
        Which runtime and device run it, such as 'onnxruntime-cpu'.
    inputs, outputs : dict[str, Shape]
        The graph's tensors; None is any extent.

    """

    spec: ModelSpec
    backend: str
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]

    def infer(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """
        Run the graph once.

        Parameters
        ----------
        inputs : Mapping[str, NDArray[np.float32]]
            One array for each input, equal in their first extent, the batch.

        Returns
        -------
        dict[str, NDArray[np.float32]]
            One array for each output. They belong to the engine and are overwritten by the next
            call: copy what is to outlive it.

        Raises
        ------
        ValueError
            If an input is missing or does not fit; the message names it.
        EngineError
            If the runtime fails, or the engine was closed.

        """

    def close(self) -> None:
        """Release the runtime's memory; `infer` may not be called any more."""


def load_engine(
    path: Path, *, backend: str = 'auto', threads: int = 0, max_people: int = 8
) -> Engine:
    """
    Load a model file.

    Parameters
    ----------
    path : Path
        One branch of a model.
    backend : str
        'auto' takes the fastest that the file and this machine allow; a name takes that one or
        fails.
    threads : int
        CPU threads; 0 lets the engine choose.
    max_people : int
        Largest batch that will be asked for.

    Raises
    ------
    EngineError
        If the file is missing, broken or does not fit its own ModelSpec, or the backend is not
        to be had here.

    """
    module = BACKENDS.get(path.suffix)
    if module is None:
        known = ', '.join(BACKENDS)
        raise EngineError(f'{path}: expected a model file ending in {known}; got {path.suffix!r}')
    if not path.is_file():
        raise EngineError(f'{path}: expected a model file; there is none')
    try:
        load = import_module(module).load
    except ImportError as error:
        raise EngineError(f'{path}: its backend is not installed ({error})') from error
    engine: Engine = load(path, backend=backend, threads=threads, max_people=max_people)
    return engine


def check_signature(
    path: Path, spec: ModelSpec, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
) -> None:
    """
    Check that a graph has the tensors that its spec promises.

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
    expected = spec.signature()
    for kind, wanted, given in (
        ('inputs', expected[0], inputs),
        ('outputs', expected[1], outputs),
    ):
        if not set(wanted) <= set(given) or (kind == 'inputs' and len(given) != len(wanted)):
            names = ', '.join(wanted)
            raise EngineError(f'{path}: expected {kind} {names}; got {list(given)}')
        for name, shape in wanted.items():
            if not fits(given[name], shape):
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
