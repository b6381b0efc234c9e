"""CUDA graphs by six calls of the driver through ctypes, since PyCUDA has none."""

from __future__ import annotations

from collections.abc import Callable
import ctypes
from functools import cache

from unihpe_ros.engines import EngineError

_HANDLE = ctypes.c_void_p
_HANDLE_OUT = ctypes.POINTER(ctypes.c_void_p)
_CALLS = {
    'cuStreamBeginCapture_v2': (_HANDLE, ctypes.c_int),
    'cuStreamEndCapture': (_HANDLE, _HANDLE_OUT),
    'cuGraphInstantiateWithFlags': (_HANDLE_OUT, _HANDLE, ctypes.c_ulonglong),
    'cuGraphLaunch': (_HANDLE, _HANDLE),
    'cuGraphExecDestroy': (_HANDLE,),
    'cuGraphDestroy': (_HANDLE,),
}
# Other threads may go on allocating while this one captures.
_THREAD_LOCAL = 1


class CudaGraph:
    """
    Work on one stream, recorded once and started with a single call.

    Parameters
    ----------
    stream : int
        Handle of the stream.
    work : Callable[[], None]
        Puts the work on the stream and neither allocates nor waits. It must have been done once
        before, since runtimes allocate and compile on the first time.

    Raises
    ------
    EngineError
        If the driver cannot record it. What `work` raises passes through.

    """

    def __init__(self, stream: int, work: Callable[[], None]) -> None:
        self._stream = _HANDLE(stream)
        self._call('cuStreamBeginCapture_v2', self._stream, _THREAD_LOCAL)
        graph = _HANDLE()
        try:
            work()
        except BaseException:
            # The stream cannot be used until its capture has ended.
            _driver().cuStreamEndCapture(self._stream, ctypes.byref(graph))
            if graph:
                _driver().cuGraphDestroy(graph)
            raise
        self._call('cuStreamEndCapture', self._stream, ctypes.byref(graph))
        self._ready: ctypes.c_void_p | None = _HANDLE()
        try:
            self._call('cuGraphInstantiateWithFlags', ctypes.byref(self._ready), graph, 0)
        finally:
            self._call('cuGraphDestroy', graph)

    def launch(self) -> None:
        """Start the work; wait for it with the stream."""
        self._call('cuGraphLaunch', self._ready, self._stream)

    def close(self) -> None:
        """Free the graph; the stream must be idle."""
        if self._ready is not None:
            self._call('cuGraphExecDestroy', self._ready)
            self._ready = None

    @staticmethod
    def _call(name: str, *arguments: object) -> None:
        status = getattr(_driver(), name)(*arguments)
        if status:
            raise EngineError(f'{name}: the CUDA driver answered {status}')


@cache
def _driver() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL('libcuda.so.1')
        for name, types in _CALLS.items():
            function = getattr(library, name)
            function.argtypes, function.restype = types, ctypes.c_int
    except (OSError, AttributeError) as error:
        raise EngineError(f'CUDA graphs: the driver does not load ({error})') from error
    return library
