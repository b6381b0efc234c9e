"""TensorRT and TensorRT-RTX behind one name; safe to import on any machine."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from unihpe_ros.engines import EngineError

# Our name of each runtime, its Python module, the oldest release with the functions used here, and
# its package. The first one that loads is taken.
RUNTIMES = {
    'tensorrt': ('tensorrt', (10, 0)),
    'tensorrt-rtx': ('tensorrt_rtx', (1, 0)),
}
_KEPT_MESSAGES = 20


@dataclass(frozen=True)
class TensorRt:
    """
    One of the two libraries.

    Parameters
    ----------
    name : str
        'tensorrt' or 'tensorrt-rtx'.
    version : str
        Its release; engines run only in the same one.
    module : module
        The Python module.

    """

    name: str
    version: str
    module: Any

    @property
    def builds_anywhere(self) -> bool:
        """Whether it builds engines for GPUs that this machine does not have."""
        return self.name == 'tensorrt-rtx'

    def log(self) -> TensorRtLog:
        """Return a new logger for one builder or runtime."""
        return TensorRtLog(self.module)


class TensorRtLog:
    """
    Logger that keeps a library's errors, since its functions return None or False instead.

    Parameters
    ----------
    module : module
        The library.

    Attributes
    ----------
    logger : ILogger
        For the library; must outlive what is made with it.

    """

    def __init__(self, module: Any) -> None:
        self._messages: deque[str] = deque(maxlen=_KEPT_MESSAGES)
        self.logger = _logger_type(module)(self._messages)

    def text(self) -> str:
        """Return the errors since the last call in one line."""
        lines = list(dict.fromkeys(self._messages))
        self._messages.clear()
        return '; '.join(lines) or 'it gave no reason'


def load_tensorrt(name: str = '') -> TensorRt:
    """
    Load TensorRT or TensorRT-RTX.

    Parameters
    ----------
    name : str
        'tensorrt' or 'tensorrt-rtx'; '' takes the first that loads.

    Raises
    ------
    EngineError
        If none loads or is new enough; the message gives the reason for each.

    """
    if name and name not in RUNTIMES:
        raise EngineError(f'runtime: expected {" or ".join(RUNTIMES)}; got {name!r}')
    reasons = []
    for candidate in [name] if name else list(RUNTIMES):
        try:
            return _load(candidate)
        except EngineError as error:
            reasons.append(str(error))
    raise EngineError('; '.join(reasons))


def _load(name: str) -> TensorRt:
    module_name, oldest = RUNTIMES[name]
    try:
        module = import_module(module_name)
    except (ImportError, OSError) as error:
        # The bindings may be installed without the libraries, which come separately.
        raise EngineError(f'{name} does not load ({error})') from error
    version = str(getattr(module, '__version__', ''))
    numbers = tuple(int(part) for part in version.split('.')[:2] if part.isdigit())
    if not hasattr(module, 'Runtime') or len(numbers) < 2:
        raise EngineError(f'{name} does not load (its module has no Runtime)')
    if numbers < oldest:
        wanted = '.'.join(str(part) for part in oldest)
        raise EngineError(f'{name} {version} is too old: expected {wanted} or newer')
    return TensorRt(name, version, module)


@cache
def _logger_type(module: Any) -> Any:
    serious = {module.ILogger.INTERNAL_ERROR, module.ILogger.ERROR}

    class Logger(module.ILogger):
        """Keeps errors, and is silent."""

        def __init__(self, messages: deque[str]) -> None:
            module.ILogger.__init__(self)
            self._messages = messages

        def log(self, severity: Any, message: str) -> None:
            """Take one message from the library, in any thread."""
            if severity in serious:
                self._messages.append(' '.join(message.split()))

    return Logger
