"""Subscribers of a `pose_estimator`: poses, latencies and diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import struct
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float32
from unihpe_ros.core.pose import Poses
from unihpe_ros.ros.clouds import from_cloud
from visualization_msgs.msg import MarkerArray

# Two seconds of answers at 30 Hz, so that none is lost while the receiver is busy.
_DEPTH = 60


class Receiver:
    """
    Subscriber of a `pose_estimator`; `on_cloud` gets each pose message.

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
        Whether it gets the bytes of the message.

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
        """Whether the node has a publisher of poses."""
        return self._node.count_publishers(self._topic) > 0

    def spin(self, seconds: float) -> None:
        """Receive messages for so many seconds."""
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


class PoseListener(Receiver):
    """
    Subscriber that stores all poses and latencies.

    Parameters
    ----------
    context, estimator
        See `Receiver`.

    Attributes
    ----------
    arrivals : dict[int, int]
        When the answer to each image came, by the stamp of the image; ns.
    latencies : list[float]
        From stamp to publishing as the node says, ms.

    """

    def __init__(self, context: rclpy.Context, estimator: str) -> None:
        super().__init__(context, estimator, 'pose_listener', self._on_cloud)
        self._clouds: dict[int, PointCloud2] = {}
        self.arrivals: dict[int, int] = {}
        self.latencies: list[float] = []
        self._subscribe(Float32, f'{self._namespace}/latency_ms', self._on_latency)

    def poses(self) -> dict[int, Poses]:
        """Return the answers by the stamp of their image, ns."""
        return {stamp: from_cloud(msg) for stamp, msg in self._clouds.items()}

    def _on_cloud(self, msg: PointCloud2) -> None:
        stamp = msg.header.stamp.sec * 1_000_000_000 + msg.header.stamp.nanosec
        self.arrivals[stamp] = time.time_ns()
        self._clouds[stamp] = msg

    def _on_latency(self, msg: Float32) -> None:
        self.latencies.append(msg.data)


class Arrivals(Receiver):
    """
    Subscriber that reads only the stamps and numbers of people.

    Parameters
    ----------
    context, estimator
        See `Receiver`.

    Attributes
    ----------
    ages : dict[int, int]
        How old each image was when its answer came, by its stamp; ns.
    people : dict[int, int]
        How many people each answer holds.

    """

    def __init__(self, context: rclpy.Context, estimator: str) -> None:
        super().__init__(context, estimator, 'arrivals', self._on_cloud, raw=True)
        self.ages: dict[int, int] = {}
        self.people: dict[int, int] = {}
        # So that the node computes them.
        self._subscribe(MarkerArray, f'{self._namespace}/markers', lambda _: None, raw=True)

    def _on_cloud(self, data: bytes) -> None:
        now = time.time_ns()
        stamp, height = read_cloud_head(data)
        self.ages[stamp] = now - stamp
        self.people[stamp] = height


def read_cloud_head(data: bytes) -> tuple[int, int]:
    """
    Return the stamp, ns, and the height of a serialised PointCloud2.

    CDR: four bytes that say the byte order, the stamp, the frame's name with its length and a
    zero, and the height on the next multiple of four.

    """
    order = '<' if data[1] & 1 else '>'
    seconds, nanoseconds, length = struct.unpack_from(f'{order}III', data, 4)
    at = 16 + length + (-length) % 4
    return seconds * 1_000_000_000 + nanoseconds, struct.unpack_from(f'{order}I', data, at)[0]
