"""Loading of the two files of a model, the image and the lifting branch of one training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from unihpe_ros.core.model_spec import FOREIGN, METADATA_KEY, ModelSpec, Shape
from unihpe_ros.core.resources import find_model_files
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.engines import Engine, EngineError
from unihpe_ros.engines.backend_choice import first_that_works, load_engine

_BRANCHES = ('image', 'lifting')


class Described(Protocol):
    """Name, spec, inputs and outputs of an engine, see `unihpe_ros.engines.Engine`."""

    spec: ModelSpec
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]


def load_pair(
    model: str | Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    max_people: int = 8,
    precision: str = 'fp32',
    progress: Callable[[str, float], object] | None = None,
) -> tuple[Engine, Engine]:
    """
    Load both branches of a model, on the same backend.

    Parameters
    ----------
    model : str or Path
        See `find_model`.
    backend, threads, max_people, precision, progress
        See `unihpe_ros.engines.backend_choice.load_engine`; the lifting branch, which is small,
        has no other.

    Returns
    -------
    image, lifting : Engine The two branches; all notes are in the first.

    Raises
    ------
    EngineError
        If a file cannot be loaded, or the two do not belong together.

    """
    paths = find_model(model)

    def load(name: str) -> tuple[Engine, Engine]:
        # The lifting branch's matrices are too small for a second thread to help.
        image = load_engine(
            paths['image'],
            backend=name,
            threads=threads,
            max_people=max_people,
            precision=precision,
            progress=progress,
        )
        try:
            lifting = load_engine(
                paths['lifting'],
                backend=name,
                threads=threads or 1,
                max_people=max_people,
                progress=progress,
            )
        except EngineError:
            image.close()
            raise
        return image, lifting

    (image, lifting), notes = first_that_works(load, backend, Path(model).name)
    image.notes = (*notes, *image.notes)
    check_pair(image, lifting)
    return image, lifting


def find_model(model: str | Path) -> dict[str, Path]:
    """
    Find the two files of a model.

    Parameters
    ----------
    model : str or Path
        Either file of the pair, their common prefix, or the name of a model that ships.

    Returns
    -------
    dict[str, Path]
        'image' and 'lifting' to the file of that branch.

    Raises
    ------
    EngineError
        If a file of the pair is missing; the message names every path that was looked at.

    """
    try:
        return find_model_files(model, _BRANCHES)
    except FileNotFoundError as error:
        raise EngineError(f'model {str(model)!r}: expected two files; missing {error}') from error


def check_pair(image: Described, lifting: Described) -> None:
    """
    Check that two branches come from one training and fit each other.

    Raises
    ------
    EngineError
        If they do not; the message names the difference.

    """
    for engine, branch in ((image, 'image'), (lifting, 'lifting')):
        if engine.spec.branch == FOREIGN:
            raise EngineError(
                f'{engine.spec.model}: expected metadata {METADATA_KEY} of unihpe export; a 2D '
                'network of somebody else is given as model_2d'
            )
        if engine.spec.branch != branch:
            raise EngineError(
                f'{engine.spec.model}: expected its {branch} branch; got {engine.spec.branch!r}'
            )
        if engine.spec.keypoints != UNION:
            raise EngineError(
                f'{engine.spec.model}: expected skeleton {UNION.name}; got {engine.spec.skeleton}'
            )
    for name in ('model', 'weights', 'input_size', 'embedding'):
        one, other = getattr(image.spec, name), getattr(lifting.spec, name)
        if one != other:
            raise EngineError(
                f'{image.spec.model}: expected one {name} in both branches; '
                f'got {one!r} and {other!r}'
            )
    widths = image.outputs['feature'][1], lifting.inputs['image_feature'][1]
    if None not in widths and widths[0] != widths[1]:
        raise EngineError(
            f'{image.spec.model}: expected image_feature as wide as feature; got {widths}'
        )
