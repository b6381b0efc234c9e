"""Engines: they run a model's graph on the fastest backend that works here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.model_spec import FOREIGN, ModelSpec, Shape

MODEL_SUFFIXES = ('.onnx',)
_FALLBACKS: Mapping[str, str] = {
    'tensorrt': 'trt_engine',
    'onnxruntime-cuda': 'ort_engine',
    'openvino': 'ov_engine',
    'onnxruntime-cpu': 'ort_engine',
}
# What 'auto' tries, in this order.
ORDER = tuple(_FALLBACKS)
# Backend to the module of this package that has it, imported when it is asked for.
BACKENDS: Mapping[str, str] = {
    **_FALLBACKS,
    'tensorrt-rtx': 'trt_engine',
    'openvino-f32': 'ov_engine',
    'onnxruntime': 'ort_engine',
}
# These keep both branches on the GPU, see `device_model`.
DEVICE_BACKENDS = ('tensorrt', 'tensorrt-rtx')

Loaded = TypeVar('Loaded')


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


def load_engine(
    path: Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    max_people: int = 8,
    precision: str = 'fp32',
    progress: Callable[[str, float], object] | None = None,
) -> Engine:
    """
    Load a model file.

    Parameters
    ----------
    path : Path
        One branch of a model.
    backend : str
        'auto' takes the first of `ORDER` that works for this file on this machine; if one that
        should have worked did not, the engine's notes say why. With a name of `BACKENDS`, that one
        is used or it is an error.
    threads : int
        CPU threads; 0 lets the engine choose.
    max_people : int
        Largest batch that will be asked for.
    precision : str
        'fp32', or 'int8' or 'auto' for a copy that `unihpe quantise` made, see
        `unihpe_ros.engines.int8.choose`.
    progress : Callable[[str, float], object], optional
        Called with the current step and the share of it that is done, while an engine is built,
        which may take minutes.

    Raises
    ------
    EngineError
        If the file is missing, broken or does not fit its own ModelSpec, or the backend is not
        available here.

    """
    if path.suffix not in MODEL_SUFFIXES:
        known = ', '.join(MODEL_SUFFIXES)
        raise EngineError(f'{path}: expected a model file ending in {known}; got {path.suffix!r}')
    if not path.is_file():
        raise EngineError(f'{path}: expected a model file; there is none')
    if backend != 'auto' and backend not in BACKENDS:
        known = ', '.join(('auto', *BACKENDS))
        raise EngineError(f'{path}: expected backend {known}; got {backend!r}')

    def load(name: str) -> Engine:
        try:
            module = import_module(f'{__name__}.{BACKENDS[name]}')
        except ImportError as error:
            raise MissingBackendError(f'{path}: {name} is not installed ({error})') from error
        chosen, words = path, ()
        if precision != 'fp32':
            chosen, words = import_module(f'{__name__}.int8').choose(path, precision, name)
        engine: Engine = module.load(
            chosen, backend=name, threads=threads, max_people=max_people, progress=progress
        )
        engine.notes = (*words, *engine.notes)
        return engine

    engine, notes = first_that_works(load, backend, path.name)
    engine.notes = (*notes, *engine.notes)
    return engine


def first_that_works(
    load: Callable[[str], Loaded], backend: str, what: str
) -> tuple[Loaded, tuple[str, ...]]:
    """
    Return what the first working backend loads.

    Parameters
    ----------
    load : Callable[[str], Loaded]
        Loads it with the backend of that name, or raises EngineError.
    backend : str
        'auto' for all of `ORDER`, else the only one.
    what : str
        What is loaded, for the note.

    Returns
    -------
    loaded : Loaded
        What the first backend that works made.
    notes : tuple[str, ...]
        One message with the reason for each backend that failed before. Empty if none failed, or
        those that did are only missing: a machine without a GPU is normal.

    Raises
    ------
    EngineError
        The error of the last backend: it runs everywhere, so that the model is at fault.

    """
    names = ORDER if backend == 'auto' else (backend,)
    failures: dict[str, EngineError] = {}
    for name in names[:-1]:
        try:
            return load(name), _note(what, name, failures)
        except EngineError as error:
            failures[name] = error
    return load(names[-1]), _note(what, names[-1], failures)


def _note(what: str, backend: str, failures: Mapping[str, EngineError]) -> tuple[str, ...]:
    if all(isinstance(error, MissingBackendError) for error in failures.values()):
        return ()
    tried = '; '.join(f'{name}: {error}' for name, error in failures.items())
    return (f'{what} runs on {backend}, the first that works; tried {tried}',)


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
