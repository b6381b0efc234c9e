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
# How long to wait for somebody who wants the images, s.
_MATCH_TIMEOUT_S = 60.0
# From the match, as the publisher sees it, until nothing that is sent gets lost, s.
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
    Context manager that waits for the subscribers, and at the end until they have all images.

    Parameters
    ----------
    is_matched : Callable[[], bool]
        Tells whether somebody receives them.
    stop : threading.Event
        Ends the waiting early.

    Raises
    ------
    TimeoutError
        If nobody comes to receive them.

    """
    limit = time.monotonic() + _MATCH_TIMEOUT_S
    while not is_matched() and not stop.wait(0.02):
        if time.monotonic() > limit:
            raise TimeoutError(f'nobody subscribed to the images in {_MATCH_TIMEOUT_S:.0f} s')
    stop.wait(_SETTLE_S)
    yield
    # What is on its way would be lost with this process.
    stop.wait(_SETTLE_S)
