"""Cache of built TensorRT engines on disk, each used only on the GPU that it was built for."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from unihpe_ros.core.files import write_whole
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.cuda import Gpu
from unihpe_ros.engines.engine_key import digest, EngineKey, key_of
from unihpe_ros.engines.trt_runtime import load_tensorrt, TensorRt

if TYPE_CHECKING:
    from unihpe_ros.engines.build import Progress

FOLDER_VARIABLE = 'UNIHPE_ENGINE_CACHE'


@dataclass(frozen=True)
class Built:
    """
    A cached engine that fits this machine.

    Parameters
    ----------
    model, plan : Path
        The ONNX file and the engine built from it.
    spec : ModelSpec
        What the model says about itself.
    library : TensorRt
        What runs it.
    notes : tuple[str, ...]
        Messages for the user, such as why it was built anew.

    """

    model: Path
    plan: Path
    spec: ModelSpec
    library: TensorRt
    notes: tuple[str, ...] = ()


def cache_folder() -> Path:
    """
    Return where engines are kept: $UNIHPE_ENGINE_CACHE, or in the user's cache folder.

    Raises
    ------
    EngineError
        If the user has no home folder, and neither variable is set.

    """
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return Path(given).expanduser()
    base = os.environ.get('XDG_CACHE_HOME')
    try:
        cache = Path(base) if base else Path.home() / '.cache'
    except RuntimeError as error:
        raise EngineError(f'engine cache: set HOME or {FOLDER_VARIABLE}; {error}') from error
    return cache / 'unihpe_ros' / 'engines'


def plan_path(model: Path, key: EngineKey, folder: Path) -> Path:
    """Return the file of a model's engine; its description is beside it, ending in .json."""
    target = f'b{key.max_people}.sm{key.sm.replace(".", "")}.{key.runtime}'
    return folder / f'{model.name.removesuffix(".onnx")}.{key.precision}.{target}.plan'


def ensure_engine(
    model: Path,
    gpu: Gpu,
    *,
    runtime: str = '',
    precision: str = 'fp16',
    max_people: int = 8,
    progress: Progress | None = None,
) -> Built:
    """
    Return a model's engine for this machine's GPU; build it if there is none that fits.

    Parameters
    ----------
    model : Path
        The ONNX file.
    gpu : Gpu
        The device.
    runtime : str
        'tensorrt', 'tensorrt-rtx', or '' for the first that loads.
    precision : str
        'fp16' or 'fp32'.
    max_people : int
        The largest batch.
    progress : Progress, optional
        Called while an engine is built, which takes seconds to minutes.

    Raises
    ------
    EngineError
        If no runtime loads, or it cannot build the engine.

    """
    library = load_tensorrt(runtime)
    key = key_of(model, library, gpu, precision=precision, max_people=max_people)
    plan = plan_path(model, key, cache_folder())
    notes: tuple[str, ...] = ()
    if plan.exists():
        try:
            return Built(model, plan, check(plan, key), library)
        except EngineError as error:
            notes = (f'engine built anew: {error}',)
    made = make_engine(model, plan, key, library, gpu, progress=progress)
    return Built(model, plan, made, library, notes)


def make_engine(
    model: Path,
    plan: Path,
    key: EngineKey,
    library: TensorRt,
    gpu: Gpu | None,
    *,
    progress: Progress | None = None,
) -> ModelSpec:
    """
    Build an engine and write it with its description.

    Parameters
    ----------
    model, plan : Path
        The ONNX file and the file to write.
    key : EngineKey
        What to build.
    library : TensorRt
        What builds and runs it.
    gpu : Gpu, optional
        The device it is for, if it is this machine's.
    progress : Progress, optional
        Called as the build goes on.

    Raises
    ------
    EngineError
        If it cannot be built, or not written.

    """
    try:
        from unihpe_ros.engines.build import build_plan, Target
    except ImportError as error:
        raise EngineError(f'{model}: building an engine needs onnx ({error})') from error
    target = Target(key.sm, gpu is not None, key.precision, key.max_people)
    timings = plan.parent / f'timings.{key.runtime}-{key.version}.sm{key.sm.replace(".", "")}.bin'
    with gpu.active() if gpu else nullcontext():
        made = build_plan(library, model, target, timings=timings, progress=progress)
    description = {
        'key': asdict(key),
        'plan_sha256': digest(made.content),
        'plan_bytes': len(made.content),
        'inputs': made.inputs,
        'outputs': made.outputs,
        'profile': made.profile,
        'spec': json.loads(made.spec.to_json()),
    }
    try:
        write_whole(plan, made.content)
        write_whole(plan.with_suffix('.json'), json.dumps(description, indent=1))
        # Kernels compiled for the previous plan do not fit the new one.
        plan.with_suffix('.runtime_cache').unlink(missing_ok=True)
    except OSError as error:
        raise EngineError(f'{plan}: expected a folder to write to ({error})') from error
    return made.spec


def check(plan: Path, key: EngineKey) -> ModelSpec:
    """
    Check that an engine's file is complete and fits the key.

    Raises
    ------
    EngineError
        If it is not; the message names the file and says why.

    """
    source = plan.with_suffix('.json')
    try:
        description = json.loads(source.read_text(encoding='utf-8'))
        built = EngineKey(**description['key'])
        size, sha256 = int(description['plan_bytes']), str(description['plan_sha256'])
        spec = ModelSpec.from_json(json.dumps(description['spec']), str(source))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f'{plan}: its description {source.name} is unreadable') from error
    mismatch = key.mismatch(built)
    if mismatch:
        raise EngineError(f'{plan}: {mismatch}')
    content = plan.read_bytes()
    if len(content) != size:
        raise EngineError(f'{plan}: it is truncated: expected {size} bytes, got {len(content)}')
    if digest(content) != sha256:
        raise EngineError(f'{plan}: its content has changed since it was built')
    return spec
