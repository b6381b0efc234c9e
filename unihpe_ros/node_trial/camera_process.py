"""Shared parts of the camera processes: start of ROS, waiting for subscribers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import signal
import threading
import time

import rclpy
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

# As camera drivers have it: best effort, the newest only.
CAMERA_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT
)
# Longest wait for a subscriber, s.
_MATCH_TIMEOUT_S = 60.0
# Time after discovery of the subscriber until no message is lost any more, s.
_SETTLE_S = 0.3


@contextmanager
def ros_until_signalled() -> Iterator[threading.Event]:
    """Context manager that starts ROS and yields an event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        rclpy.try_shutdown()


@contextmanager
def audience(is_matched: Callable[[], bool], stop: threading.Event) -> Iterator[None]:
    """
    Context manager that waits for subscribers, and at the end until they have received all images.

    Parameters
    ----------
    is_matched : Callable[[], bool]
        Returns whether there is a subscriber.
    stop : threading.Event
        Ends the waiting early.

    Raises
    ------
    TimeoutError
        If no subscriber appears.

    """
    limit = time.monotonic() + _MATCH_TIMEOUT_S
    while not is_matched() and not stop.wait(0.02):
        if time.monotonic() > limit:
            raise TimeoutError(f'nobody subscribed to the images in {_MATCH_TIMEOUT_S:.0f} s')
    stop.wait(_SETTLE_S)
    yield
    # Messages in transit would be lost with this process.
    stop.wait(_SETTLE_S)
