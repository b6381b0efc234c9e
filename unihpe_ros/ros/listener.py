"""Receives what the node publishes, and notes when it came."""

from __future__ import annotations

from collections.abc import Mapping
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float32
from unihpe_ros.core.pose import Poses
from unihpe_ros.ros.clouds import from_cloud

# Two seconds of answers at 30 Hz: none is lost while the receiver has no time.
_DEPTH = 60


class Listener:
    """
    Subscriber of a `pose_estimator`.

    Parameters
    ----------
    context : rclpy.Context
        An initialised context.
    estimator : str
        Full name of the node, such as '/unihpe/pose_estimator'.

    Attributes
    ----------
    arrivals : dict[int, int]
        When the answer to each image came, by the stamp of the image; ns.
    latencies : list[float]
        From stamp to publishing as the node says, ms.
    figures : Mapping[str, str]
        The node's last report about itself; empty before the first.
    failure : str
        What the node says is wrong with it; empty if nothing is.

    """

    def __init__(self, context: rclpy.Context, estimator: str) -> None:
        self._node = Node('pose_listener', context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._estimator = estimator.lstrip('/')
        self._clouds: dict[int, PointCloud2] = {}
        self.arrivals: dict[int, int] = {}
        self.latencies: list[float] = []
        self.figures: Mapping[str, str] = {}
        self.failure = ''
        namespace = estimator.rpartition('/')[0]
        self._topic = f'{namespace}/pose3d'
        subscribe = self._node.create_subscription
        subscribe(PointCloud2, self._topic, self._on_cloud, _DEPTH)
        subscribe(Float32, f'{namespace}/latency_ms', self._on_latency, _DEPTH)
        subscribe(DiagnosticArray, '/diagnostics', self._on_diagnostics, _DEPTH)

    def is_matched(self) -> bool:
        """Whether the node has announced its answers."""
        return self._node.count_publishers(self._topic) > 0

    def poses(self) -> dict[int, Poses]:
        """Return the answers by the stamp of their image, ns."""
        return {stamp: from_cloud(msg) for stamp, msg in self._clouds.items()}

    def spin(self, seconds: float) -> None:
        """Receive for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()

    def _on_cloud(self, msg: PointCloud2) -> None:
        stamp = msg.header.stamp.sec * 1_000_000_000 + msg.header.stamp.nanosec
        self.arrivals[stamp] = time.time_ns()
        self._clouds[stamp] = msg

    def _on_latency(self, msg: Float32) -> None:
        self.latencies.append(msg.data)

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.name == self._estimator:
                self.figures = {item.key: item.value for item in status.values}
                broken = status.level == DiagnosticStatus.ERROR
                self.failure = status.message if broken else ''
