"""When the answers of a node came, at as little cost to the machine as can be."""

from __future__ import annotations

from collections.abc import Mapping
import struct
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import MarkerArray

_DEPTH = 60


class Arrivals:
    """
    Subscriber of poses and markers that reads no more of them than the stamp.

    Parameters
    ----------
    context : rclpy.Context
        An initialised context.
    estimator : str
        Full name of the node, such as '/unihpe/pose_estimator'.

    Attributes
    ----------
    ages : dict[int, int]
        How old each image was when its answer came, by its stamp; ns.
    people : dict[int, int]
        How many people each answer holds.
    figures : Mapping[str, str]
        The node's last report about itself; empty before the first.
    failure : str
        What the node says is wrong with it; empty if nothing is.

    """

    def __init__(self, context: rclpy.Context, estimator: str) -> None:
        self._node = Node('arrivals', context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._estimator = estimator.lstrip('/')
        self.ages: dict[int, int] = {}
        self.people: dict[int, int] = {}
        self.figures: Mapping[str, str] = {}
        self.failure = ''
        namespace = estimator.rpartition('/')[0]
        self._topic = f'{namespace}/pose3d'
        subscribe = self._node.create_subscription
        subscribe(PointCloud2, self._topic, self._on_cloud, _DEPTH, raw=True)
        # So that the node has them to make.
        subscribe(MarkerArray, f'{namespace}/markers', lambda _: None, _DEPTH, raw=True)
        subscribe(DiagnosticArray, '/diagnostics', self._on_diagnostics, _DEPTH)

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

    def _on_cloud(self, data: bytes) -> None:
        now = time.time_ns()
        stamp, height = read_cloud_head(data)
        self.ages[stamp] = now - stamp
        self.people[stamp] = height

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.name == self._estimator:
                self.figures = {item.key: item.value for item in status.values}
                broken = status.level == DiagnosticStatus.ERROR
                self.failure = status.message if broken else ''


def read_cloud_head(data: bytes) -> tuple[int, int]:
    """
    Read stamp, ns, and height of a serialised PointCloud2.

    CDR: four bytes that say the byte order, the stamp, the frame's name with its length and a
    zero, and the height on the next multiple of four.

    """
    order = '<' if data[1] & 1 else '>'
    seconds, nanoseconds, length = struct.unpack_from(f'{order}III', data, 4)
    at = 16 + length + (-length) % 4
    return seconds * 1_000_000_000 + nanoseconds, struct.unpack_from(f'{order}I', data, at)[0]
