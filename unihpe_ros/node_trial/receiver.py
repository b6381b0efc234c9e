"""The receiving end of a `pose_estimator`: a node of ours, and what the other says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

# Two seconds of answers at 30 Hz: none is lost while the receiver has no time.
_DEPTH = 60


class Receiver:
    """
    Subscriber of a `pose_estimator`; a subclass says what becomes of the answers.

    Parameters
    ----------
    context : rclpy.Context
        An initialised context.
    estimator : str
        Full name of the node, such as '/unihpe/pose_estimator'.
    name : str
        Name of the receiver's own node.
    on_cloud : Callable[[Any], None]
        Takes each answer.
    raw : bool
        It takes the bytes of the message.

    Attributes
    ----------
    figures : Mapping[str, str]
        The node's last report about itself; empty before the first.
    failure : str
        What the node says is wrong with it; empty if nothing is.

    """

    def __init__(
        self,
        context: rclpy.Context,
        estimator: str,
        name: str,
        on_cloud: Callable[[Any], None],
        raw: bool = False,
    ) -> None:
        self._node = Node(name, context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._estimator = estimator.lstrip('/')
        self._namespace = estimator.rpartition('/')[0]
        self.figures: Mapping[str, str] = {}
        self.failure = ''
        self._topic = f'{self._namespace}/pose3d'
        self._subscribe(PointCloud2, self._topic, on_cloud, raw)
        self._subscribe(DiagnosticArray, '/diagnostics', self._on_diagnostics)

    def is_matched(self) -> bool:
        """Whether the node has announced its answers."""
        return self._node.count_publishers(self._topic) > 0

    def spin(self, seconds: float) -> None:
        """Receive for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()

    def _subscribe(
        self, kind: type, topic: str, take: Callable[[Any], None], raw: bool = False
    ) -> None:
        self._node.create_subscription(kind, topic, take, _DEPTH, raw=raw)

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.name == self._estimator:
                self.figures = {item.key: item.value for item in status.values}
                broken = status.level == DiagnosticStatus.ERROR
                self.failure = status.message if broken else ''
