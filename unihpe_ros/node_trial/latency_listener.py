"""When the answers of a node came, at as little cost to the machine as can be."""

from __future__ import annotations

import struct
import time

import rclpy
from unihpe_ros.node_trial.receiver import Receiver
from visualization_msgs.msg import MarkerArray


class Arrivals(Receiver):
    """
    Receiver of poses and markers that reads no more of them than the stamp.

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

    """

    def __init__(self, context: rclpy.Context, estimator: str) -> None:
        super().__init__(context, estimator, 'arrivals', self._on_cloud, raw=True)
        self.ages: dict[int, int] = {}
        self.people: dict[int, int] = {}
        # So that the node has them to make.
        self._subscribe(MarkerArray, f'{self._namespace}/markers', lambda _: None, raw=True)

    def _on_cloud(self, data: bytes) -> None:
        now = time.time_ns()
        stamp, height = read_cloud_head(data)
        self.ages[stamp] = now - stamp
        self.people[stamp] = height


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
