"""Int8 copies of models: their paths, and the choice between a copy and its original."""

from __future__ import annotations

from dataclasses import asdict, dataclass
import json
from pathlib import Path
import platform

from unihpe_ros.core.files import write_whole
from unihpe_ros.engines import EngineError, MissingBackendError
from unihpe_ros.engines.cache import cache_folder
from unihpe_ros.engines.engine_key import digest

PRECISIONS = ('auto', 'fp32', 'int8')
# Backends that run int8, and the backend whose measured speed holds for each.
MEASURED_AS = {
    'openvino': 'openvino',
    'openvino-f32': 'openvino',
    'onnxruntime': 'onnxruntime-cpu',
    'onnxruntime-cpu': 'onnxruntime-cpu',
}
# 'auto' takes int8 where it needs at most this share of fp32's time.
_WORTH = 0.9
_CPUINFO = Path('/proc/cpuinfo')


class PrecisionNote(str):
    """Note of an engine on its precision and the reason; it is no warning."""

    __slots__ = ()


@dataclass(frozen=True)
class Int8Measure:
    """
    Measured speed of an int8 copy relative to its original on one processor.

    Parameters
    ----------
    processor : str
        See `processor`.
    shares : dict[str, float]
        Backend to the time of int8 as a share of fp32's.

    """

    processor: str
    shares: dict[str, float]


def copy_path(model: Path) -> Path:
    """Return the path of the int8 copy of a model file; it depends on the file's content."""
    return cache_folder() / f'{model.stem}.{digest(model.read_bytes())[:12]}.int8.onnx'


def write_measure(copy: Path, measure: Int8Measure) -> None:
    """Write what was measured beside the copy."""
    write_whole(copy.with_suffix('.json'), json.dumps(asdict(measure), indent=1))


def read_measure(copy: Path) -> Int8Measure | None:
    """Return what was measured of a copy; None if it is not there or damaged."""
    try:
        found = json.loads(copy.with_suffix('.json').read_text(encoding='utf-8'))
        shares = {str(name): float(share) for name, share in found['shares'].items()}
        return Int8Measure(str(found['processor']), shares)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def choose(model: Path, precision: str, backend: str) -> tuple[Path, tuple[str, ...]]:
    """
    Choose between a model file and its int8 copy.

    Parameters
    ----------
    model : Path
        The file in fp32.
    precision : str
        'fp32', 'int8', or 'auto': int8 if there is a copy that was measured to be faster on this
        processor.
    backend : str
        What will run it.

    Returns
    -------
    path : Path
        The file to run.
    notes : tuple[str, ...]
        The choice and its reason, if there was one.

    Raises
    ------
    EngineError
        If int8 is asked for and there is no copy; MissingBackendError if the backend has no int8.

    """
    if precision not in PRECISIONS:
        known = ', '.join(PRECISIONS)
        raise EngineError(f'{model}: expected precision {known}; got {precision!r}')
    if precision == 'fp32' or (precision == 'auto' and backend not in MEASURED_AS):
        return model, ()
    if backend not in MEASURED_AS:
        known = ', '.join(MEASURED_AS)
        raise MissingBackendError(f'{model}: int8 runs on {known}; got {backend!r}')
    copy = copy_path(model)
    if not copy.is_file():
        if precision == 'auto':
            return model, ()
        raise EngineError(f'{model}: expected its int8 copy {copy}; unihpe quantise makes it')
    measure = read_measure(copy)
    share = None
    if measure is not None and measure.processor == processor():
        share = measure.shares.get(MEASURED_AS[backend])
    known_speed = (
        'its speed was not measured on this processor with this backend'
        if share is None
        else f'int8 takes {share:.2f} of the time of fp32 on this processor'
    )
    worth = share is not None and share <= _WORTH
    taken = copy if precision == 'int8' or worth else model
    kind = 'int8' if taken is copy else 'fp32'
    return taken, (PrecisionNote(f'{model.name} runs in {kind}: {known_speed}'),)


def processor() -> str:
    """Return the processor's name and whether it multiplies int8 (VNNI), as Linux tells it."""
    try:
        text = _CPUINFO.read_text(encoding='utf-8', errors='replace')
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(':')[2].strip() for line in text.splitlines() if 'model name' in line]
    return f'{names[0] if names else platform.machine()}{" with VNNI" if has_vnni() else ""}'


def has_vnni() -> bool:
    """Whether the processor multiplies int8 without overflow: AVX512-VNNI, AVX-VNNI, or Arm."""
    if platform.machine().lower() in ('aarch64', 'arm64'):
        return True
    try:
        return 'vnni' in _CPUINFO.read_text(encoding='utf-8', errors='replace')
    except OSError:
        return False
