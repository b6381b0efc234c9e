"""Choice of the backend: which ones there are, and the first that works here for a model file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from unihpe_ros.engines import Engine, EngineError, MissingBackendError

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
            module = import_module(f'{__package__}.{BACKENDS[name]}')
        except ImportError as error:
            raise MissingBackendError(f'{path}: {name} is not installed ({error})') from error
        chosen, words = path, ()
        if precision != 'fp32':
            chosen, words = import_module(f'{__package__}.int8').choose(path, precision, name)
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
