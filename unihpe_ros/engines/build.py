"""Build TensorRT engines from ONNX; nothing here needs a GPU if the runtime does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
import onnx
from unihpe_ros.core.files import write_whole
from unihpe_ros.core.model_spec import FOREIGN, METADATA_KEY, ModelSpec, Shape
from unihpe_ros.engines import check_signature, EngineError
from unihpe_ros.engines.foreign_graph import with_float_tensors
from unihpe_ros.engines.half_precision import FLOAT_PRECISIONS, to_half
from unihpe_ros.engines.trt_runtime import TensorRt, TensorRtLog

# The current step, and the share of the whole that is done, [0, 1].
Progress = Callable[[str, float], object]
# Batch size for which the kernels are optimised.
_TYPICAL_PEOPLE = 4


@dataclass(frozen=True)
class Target:
    """
    GPU, precision and batch that an engine is built for.

    Parameters
    ----------
    sm : str
        Compute capability, such as '8.9'.
    here : bool
        Whether it is the GPU of this machine.
    precision : str
        'fp16' or 'fp32'.
    max_people : int
        The largest batch.

    """

    sm: str
    here: bool
    precision: str
    max_people: int

    def __post_init__(self) -> None:
        if self.precision not in FLOAT_PRECISIONS:
            known = ' or '.join(FLOAT_PRECISIONS)
            raise EngineError(f'precision: expected {known}; got {self.precision!r}')
        if self.max_people < 1:
            raise EngineError(f'max people: expected 1 or more; got {self.max_people}')


@dataclass(frozen=True)
class BuiltEngine:
    """
    A built engine.

    Parameters
    ----------
    content : bytes
        What the runtime reads.
    spec : ModelSpec
        Of the model that it was built from.
    inputs, outputs : dict[str, Shape]
        Its tensors.
    profile : dict[str, list[list[int]]]
        For each input its smallest, typical and largest shape.

    """

    content: bytes
    spec: ModelSpec
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    profile: dict[str, list[list[int]]]


def build_plan(
    library: TensorRt,
    path: Path,
    target: Target,
    *,
    timings: Path | None = None,
    progress: Progress | None = None,
) -> BuiltEngine:
    """
    Build an engine.

    Parameters
    ----------
    library : TensorRt
        The runtime that will run it.
    path : Path
        The ONNX file; without a ModelSpec it counts as another maker's.
    target : Target
        What it is built for.
    timings : Path, optional
        File for the builder's measurements on this GPU, which shorten the next build.
    progress : Progress, optional
        Called as the build goes on, from any thread.

    Raises
    ------
    EngineError
        If the file is no model, or the builder refuses it or the target.

    """
    proto, spec = _read(path)
    if target.precision == 'fp16':
        try:
            proto = to_half(proto)
        except ValueError as error:
            raise EngineError(f'{path}: cannot be made fp16: {error}') from error
    log = library.log()
    builder = library.module.Builder(log.logger)
    network = builder.create_network(_flags(library.module))
    parser = library.module.OnnxParser(network, log.logger)
    if not parser.parse(proto.SerializeToString()):
        errors = '; '.join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise EngineError(f'{path}: {library.name} cannot parse it: {errors or log.text()}')
    inputs = _tensors(network.get_input, network.num_inputs)
    for name, shape in inputs.items():
        if spec.branch == FOREIGN and None in shape[1:]:
            raise EngineError(
                f'{path}: {library.name} needs a fixed size of {name}; got {list(shape)}. Export '
                'it with a fixed size, or take backend onnxruntime or openvino'
            )
    outputs = _tensors(network.get_output, network.num_outputs)
    check_signature(path, spec, inputs, outputs)
    config = builder.create_builder_config()
    # TF32 rounds to 10 bits of mantissa, so that it is not used for fp32.
    config.clear_flag(library.module.BuilderFlag.TF32)
    _aim(library, config, target, path)
    profile = {name: _extents(shape, target.max_people) for name, shape in inputs.items()}
    _add_profile(builder, config, profile, path, log)
    if progress is not None:
        config.progress_monitor = _monitor_type(library.module)(progress)
    use_timings = timings is not None and library.name == 'tensorrt'
    if timings is not None and use_timings:
        known = timings.read_bytes() if timings.is_file() else b''
        config.set_timing_cache(config.create_timing_cache(known), ignore_mismatch=False)
    content = builder.build_serialized_network(network, config)
    if content is None:
        raise EngineError(
            f'{path}: {library.name} {library.version} builds no {target.precision} engine '
            f'for SM {target.sm}: {log.text()}'
        )
    if timings is not None and use_timings:
        # They only shorten the next build.
        with suppress(OSError):
            write_whole(timings, bytes(memoryview(config.get_timing_cache().serialize())))
    if progress is not None:
        progress('done', 1.0)
    return BuiltEngine(bytes(memoryview(content)), spec, inputs, outputs, profile)


def _read(path: Path) -> tuple[onnx.ModelProto, ModelSpec]:
    try:
        proto = onnx.load(path)
    except (DecodeError, OSError) as error:
        raise EngineError(f'{path}: expected an ONNX model; {error}') from error
    texts = [entry.value for entry in proto.metadata_props if entry.key == METADATA_KEY]
    if not texts:
        return with_float_tensors(proto), ModelSpec.of_foreign(path.stem)
    try:
        return proto, ModelSpec.from_json(texts[0], str(path))
    except ValueError as error:
        raise EngineError(str(error)) from error


def _flags(module: Any) -> int:
    kinds = module.NetworkDefinitionCreationFlag
    # Up to 10.x the types of the graph are only hints without this flag; later versions always
    # respect them.
    return 1 << int(kinds.STRONGLY_TYPED) if hasattr(kinds, 'STRONGLY_TYPED') else 0


def _aim(library: TensorRt, config: Any, target: Target, path: Path) -> None:
    """Choose the GPU to build for."""
    if not library.builds_anywhere:
        if not target.here:
            raise EngineError(
                f'{path}: {library.name} builds for the GPU of this machine alone; expected '
                f'--sm current, or --runtime tensorrt-rtx, got SM {target.sm}'
            )
        return
    kinds = library.module.ComputeCapability
    name = f'SM{target.sm.replace(".", "")}'
    if name not in kinds.__members__ and not target.here:
        raise EngineError(
            f'{path}: {library.name} {library.version} has no target SM {target.sm}; '
            f'expected {", ".join(named_targets(library))}'
        )
    config.num_compute_capabilities = 1
    if not config.set_compute_capability(kinds.__members__.get(name, kinds.CURRENT), 0):
        raise EngineError(f'{path}: {library.name} {library.version} refuses SM {target.sm}')


def named_targets(library: TensorRt) -> list[str]:
    """Return the compute capabilities that a library builds for on any machine."""
    if not library.builds_anywhere:
        return []
    names = [name[2:] for name in library.module.ComputeCapability.__members__ if name[:2] == 'SM']
    return [f'{name[:-1]}.{name[-1]}' for name in names]


def _tensors(get: Callable[[int], Any], count: int) -> dict[str, Shape]:
    tensors = [get(index) for index in range(count)]
    return {
        tensor.name: tuple(None if extent < 0 else int(extent) for extent in tensor.shape)
        for tensor in tensors
    }


def _extents(shape: Shape, max_people: int) -> list[list[int]]:
    fixed = shape[0] if shape else None
    batches = (1, min(_TYPICAL_PEOPLE, max_people), max_people) if fixed is None else (fixed,) * 3
    return [[batch, *(int(extent or 1) for extent in shape[1:])] for batch in batches]


def _add_profile(
    builder: Any, config: Any, profile: dict[str, list[list[int]]], path: Path, log: TensorRtLog
) -> None:
    made = builder.create_optimization_profile()
    for name, shapes in profile.items():
        made.set_shape(name, *(tuple(shape) for shape in shapes))
    if config.add_optimization_profile(made) < 0:
        raise EngineError(f'{path}: the builder refuses shapes {profile}: {log.text()}')


@cache
def _monitor_type(module: Any) -> Any:
    """Return a library's progress monitor that reports to a `Progress`; made of one."""

    class Monitor(module.IProgressMonitor):
        """Turns the builder's nested phases into one share of the whole."""

        def __init__(self, progress: Progress) -> None:
            module.IProgressMonitor.__init__(self)
            self._progress = progress
            self._phases: dict[str, list[Any]] = {}  # Name to [parent, steps done, steps].

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            """Take note of a new phase."""
            self._phases[name] = [parent, 0, max(steps, 1)]
            self._tell(name)

        def step_complete(self, name: str, step: int) -> bool:
            """Advance; True lets the builder go on."""
            if name in self._phases:
                self._phases[name][1] = step + 1
                self._tell(name)
            return True

        def phase_finish(self, name: str) -> None:
            """Forget a phase."""
            self._phases.pop(name, None)

        def _tell(self, name: str) -> None:
            share, phase = 0.0, self._phases.get(name)
            while phase is not None:
                parent, done, steps = phase
                share = min((done + share) / steps, 1.0)
                phase = self._phases.get(parent)
            self._progress(name, share)

    return Monitor
