"""Receives what the node publishes, and notes when it came."""

from __future__ import annotations

import time

import rclpy
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float32
from unihpe_ros.core.pose import Poses
from unihpe_ros.node_trial.receiver import Receiver
from unihpe_ros.ros.clouds import from_cloud


class Listener(Receiver):
    """
    Receiver that keeps the answers.

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
