"""
Load the model in a thread, so that services and diagnostics stay responsive.

A model takes seconds to load, and minutes if an engine has to be built for the GPU first. rclpy's
transition callbacks are plain functions of the executor's thread: a node that loads in one answers
nothing and reports nothing meanwhile. So the model is loaded in a thread *before* the transition,
which then finds it loaded. The request for the transition is answered late, all other requests at
once.

"""

from __future__ import annotations

from collections.abc import Callable, Generator
import threading
from typing import Any, Protocol

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode

# rclpy polls a waiting task without pause; this is the pause, s.
_POLL_S = 0.02


class Closable(Protocol):
    """Something that is loaded and has to be closed."""

    def close(self) -> None:
        """Release its memory."""


class Loading:
    """
    Loading of one object in a thread, which is taken from here when it is ready.

    All methods are called by the executor's thread; only `make` runs in the other thread.

    Parameters
    ----------
    make : Callable[[], Any]
        Makes the object; an error in it is raised by `take`.

    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._thread: threading.Thread | None = None
        self._made: Closable | None = None
        self._error: Exception | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the object is being made."""
        return self._thread is not None and self._thread.is_alive()

    async def load(self) -> None:
        """Make it, while the executor serves others; nothing happens if it is made already."""
        if self._thread is None:
            # A daemon thread, since the process must be able to end while an engine is built.
            self._thread = threading.Thread(target=self._run, name='pose_loading', daemon=True)
            self._thread.start()
        await _Ended(self._thread)

    def take(self) -> Any:
        """Return what was made, once; None if nothing was."""
        made, error = self._made, self._error
        if not self.is_busy:
            self._thread = self._made = self._error = None
        if error is not None:
            raise error
        return made

    def discard(self) -> None:
        """Close a result that was not taken."""
        if self.is_busy:
            return
        if self._made is not None:
            self._made.close()
        self._thread = self._made = self._error = None

    def _run(self) -> None:
        try:
            self._made = self._make()
        except Exception as error:  # noqa: BLE001 - raised again where it is taken.
            self._error = error


class _Ended:
    """Awaitable for the end of a thread, for rclpy's executors of all versions."""

    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread

    def __await__(self) -> Generator[None, None, None]:
        while self._thread.is_alive():
            self._thread.join(_POLL_S)
            yield


def load_before_configure(
    node: LifecycleNode, loading: Loading, is_unconfigured: Callable[[], bool]
) -> bool:
    """
    Make the service that changes the node's state wait for the model before it configures.

    Parameters
    ----------
    node : LifecycleNode
        Whose service.
    loading : Loading
        What to wait for.
    is_unconfigured : Callable[[], bool]
        Whether there is anything to load.

    Returns
    -------
    bool
        Whether the service was found; if not, configuring loads in the executor's thread.

    """
    found = [one for one in node.services if one.srv_name.endswith('/change_state')]
    if not found:
        return False
    service = found[0]
    change_state = service.callback

    async def on_change_state(
        request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        if is_unconfigured() and _is_configure(request.transition):
            if loading.is_busy:
                node.get_logger().warning('configure: the model is being loaded already')
                response.success = False
                return response
            await loading.load()
        try:
            response = change_state(request, response)
        except RuntimeError as error:
            # The node was shut down meanwhile: Jazzy's rclpy raises, newer ones refuse.
            node.get_logger().warning(f'configure: {error}')
            response.success = False
        loading.discard()
        return response

    # A callback group of its own, so that other requests, such as to shut down, are served
    # meanwhile.
    group = ReentrantCallbackGroup()
    group.add_entity(service)
    service.callback_group = group
    service.callback = on_change_state
    return True


def _is_configure(transition: Transition) -> bool:
    wanted = Transition.TRANSITION_CONFIGURE
    return transition.id == wanted or (not transition.id and transition.label == 'configure')
