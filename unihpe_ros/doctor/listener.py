"""A node that listens to camera topics for a few seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from unihpe_ros.ros.compressed import decode_compressed
from unihpe_ros.ros.images import decode_image, DecodeError

_TYPES = {
    f'sensor_msgs/msg/{kind.__name__}': kind for kind in (Image, CompressedImage, CameraInfo)
}
_DISCOVERY_S = 1.5
_OURS = 'pose_estimator'
# Stamps of a recording, or of a simulation.
_LONG_AGO_S = 60.0


@dataclass
class Heard:
    """
    Messages received on one topic.

    Attributes
    ----------
    publishers : list[str]
        Names of the nodes that publish it.
    qos : str
        What the first of them offers.
    count : int
        Number of messages.
    rate : float
        Messages in a second, of the last ones; 0 for fewer than two.
    message : Any
        The last message; None if there was none.
    size : int
        Its bytes, of images.
    stamp, age : float
        Its stamp, and how old it was when it came, s.
    shape : tuple[int, int], optional
        (w, h) of the image, px, if it can be decoded.
    error : str
        Why it can't be.

    """

    publishers: list[str]
    qos: str
    count: int = 0
    rate: float = 0.0
    message: Any = None
    size: int = 0
    stamp: float = 0.0
    age: float = 0.0
    shape: tuple[int, int] | None = None
    error: str = ''
    times: list[float] = field(default_factory=list)

    def add(self, message: Any) -> None:
        """Add a message."""
        self.count += 1
        self.message = message
        self.times.append(time.monotonic())
        stamp = message.header.stamp
        self.stamp = stamp.sec + 1e-9 * stamp.nanosec
        self.age = time.time() - self.stamp

    def finish(self) -> None:
        """Decode the last image, and work out the rate."""
        span = self.times[-1] - self.times[0] if self.times else 0.0
        self.rate = (len(self.times) - 1) / span if span > 0 else 0.0
        if self.message is None or isinstance(self.message, CameraInfo):
            return
        self.size = len(self.message.data)
        try:
            is_raw = isinstance(self.message, Image)
            picture = (decode_image if is_raw else decode_compressed)(self.message)
        except DecodeError as error:
            self.error = str(error)
        else:
            self.shape = (picture.shape[1], picture.shape[0])

    def text(self) -> str:
        """Return the messages in words: number, rate, size, QoS."""
        parts = [f'{self.rate:.1f} Hz' if self.rate else f'{self.count} messages']
        if self.shape:
            form = getattr(self.message, 'encoding', None) or self.message.format
            parts.append(f'{self.shape[0]}x{self.shape[1]} {form}, {self.size / 1e6:.2f} MB')
        if self.count and self.stamp and self.age < _LONG_AGO_S:
            parts.append(f'{self.age * 1e3:.0f} ms after its stamp')
        return ', '.join([*parts, f'{self.qos} by {", ".join(self.publishers)}'])

    def cause(self) -> str:
        """Return why these images give no poses; empty if they can."""
        if not self.count:
            return f'announced by {", ".join(self.publishers)}, but no image came: is it running?'
        return self.error


class GraphListener:
    """
    Node in its own ROS context that receives camera topics.

    Attributes
    ----------
    middleware : str
        Identifier of the middleware.
    domain : int
        The ROS domain.
    heard : dict[str, Heard]
        By topic, after `listen`.
    nodes, failures : dict[str, str]
        Diagnostics of running pose estimators, and the faults among them.

    """

    def __init__(self) -> None:
        self.heard: dict[str, Heard] = {}
        self.nodes: dict[str, str] = {}
        self.failures: dict[str, str] = {}
        self.middleware = get_rmw_implementation_identifier()
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context)
        self.domain = self._context.get_domain_id()
        self._node = rclpy.create_node('unihpe_doctor', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._on_report, 10)

    def about(self) -> str:
        """Return the middleware and the domain in words."""
        return f'{self.middleware}, domain {self.domain}'

    def topics(self, seconds: float) -> dict[str, str]:
        """Return camera topics that somebody publishes to their types."""
        self._spin(min(seconds, _DISCOVERY_S))
        found = {}
        for name, types in self._node.get_topic_names_and_types():
            kinds = [kind for kind in types if kind in _TYPES]
            publishers = self._node.get_publishers_info_by_topic(name)
            # Our own annotated image is no camera's.
            if kinds and any(one.node_name != _OURS for one in publishers):
                found[name] = kinds[0]
        return found

    def listen(self, topics: Sequence[str], seconds: float) -> None:
        """Receive the messages of some topics."""
        types = dict(self._node.get_topic_names_and_types())
        for topic in topics:
            publishers = self._node.get_publishers_info_by_topic(topic)
            if not publishers:
                continue
            qos = publishers[0].qos_profile
            self.heard[topic] = Heard(
                [f'{one.node_namespace.rstrip("/")}/{one.node_name}' for one in publishers],
                f'{qos.reliability.name} {qos.durability.name}',
            )
            latched = qos.durability == DurabilityPolicy.TRANSIENT_LOCAL
            wanted = QoSProfile(
                depth=1,
                reliability=qos.reliability if latched else ReliabilityPolicy.BEST_EFFORT,
                durability=qos.durability if latched else DurabilityPolicy.VOLATILE,
            )
            kind = next(_TYPES[name] for name in types[topic] if name in _TYPES)
            self._node.create_subscription(kind, topic, self._noter(topic), wanted)
        self._spin(seconds)
        for heard in self.heard.values():
            heard.finish()

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def _noter(self, topic: str) -> Callable[[Any], None]:
        return lambda message: self.heard[topic].add(message)

    def _spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.1)

    def _on_report(self, report: DiagnosticArray) -> None:
        for status in report.status:
            if _OURS not in status.name:
                continue
            level = int.from_bytes(status.level, 'little')
            self.nodes[status.name] = status.message
            self.failures.pop(status.name, None)
            # 1 is a warning: it works.
            if level > 1:
                self.failures[status.name] = status.message
