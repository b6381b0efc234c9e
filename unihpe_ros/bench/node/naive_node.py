"""
Naive node to compare with: same estimator and topics, written the usual way.

Images queue ten deep, each is copied as CvBridge does and estimated inside the subscription's
callback, clouds are packed point by point, and every joint and bone is a marker of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
import math
import struct

import cv2
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import Point
import numpy as np
from numpy.typing import NDArray
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image, PointCloud2, PointField
from std_msgs.msg import Header
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.resources import DETECTOR, MODEL
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.estimator import PoseEstimator
from visualization_msgs.msg import Marker, MarkerArray

_FIELDS = ('x', 'y', 'z', 'confidence', 'u', 'v')


class NaivePoseEstimator(Node):
    """Node that estimates poses in the callback of a subscription with a queue."""

    def __init__(self) -> None:
        super().__init__('pose_estimator')
        given = self.declare_parameters(
            '',
            [
                ('model', MODEL),
                ('detector_model', DETECTOR),
                ('backend', 'auto'),
                ('image_transport', 'raw'),
            ],
        )
        model, detector, backend, transport = (parameter.value for parameter in given)
        self._estimator = PoseEstimator(model, backend=backend, detector=detector)
        self._clouds = self.create_publisher(PointCloud2, 'pose3d', 10)
        self._markers = self.create_publisher(MarkerArray, 'markers', 10)
        self._reports = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        if transport == 'compressed':
            topic, kind = 'image/compressed', CompressedImage
        else:
            topic, kind = 'image', Image
        qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.create_subscription(kind, topic, self._on_image, qos)
        self.create_timer(1.0, self._on_timer)

    def _on_image(self, msg: Image | CompressedImage) -> None:
        image = to_array(msg)
        stamp = msg.header.stamp.sec + 1e-9 * msg.header.stamp.nanosec
        poses = self._estimator.estimate(image, None, stamp).to(COCO_17)
        self._clouds.publish(naive_cloud(poses, msg.header))
        self._markers.publish(to_markers(poses, msg.header))

    def _on_timer(self) -> None:
        status = DiagnosticStatus(name=self.get_fully_qualified_name().lstrip('/'))
        self._reports.publish(DiagnosticArray(status=[status]))


def to_array(msg: Image | CompressedImage) -> NDArray[np.uint8]:
    """Copy an image as CvBridge does."""
    if isinstance(msg, CompressedImage):
        return np.asarray(cv2.imdecode(np.array(msg.data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    rows = np.frombuffer(bytes(msg.data), np.uint8).reshape(msg.height, msg.step)
    return rows[:, : 3 * msg.width].reshape(msg.height, msg.width, 3).copy()


def naive_cloud(poses: Poses, header: Header) -> PointCloud2:
    """Pack a cloud point by point."""
    data = b''
    for person in range(len(poses)):
        for keypoint in range(len(poses.skeleton)):
            x, y, z = poses.keypoints_3d[person, keypoint]
            u, v = poses.keypoints_2d[person, keypoint]
            data += struct.pack('<6f', x, y, z, poses.scores[person, keypoint], u, v)
    cloud = PointCloud2(header=header, height=len(poses), width=len(poses.skeleton))
    for index, name in enumerate(_FIELDS):
        field = PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
        cloud.fields.append(field)
    cloud.point_step = 4 * len(_FIELDS)
    cloud.row_step = cloud.point_step * cloud.width
    cloud.data = data
    return cloud


def to_markers(poses: Poses, header: Header) -> MarkerArray:
    """Make a marker of each joint and of each bone."""
    markers = MarkerArray()
    for person in range(len(poses)):
        points = [
            Point(x=float(x), y=float(y), z=float(z)) for x, y, z in poses.keypoints_3d[person]
        ]
        for point in points:
            if not math.isnan(point.x):
                marker = _marker(header, len(markers.markers), Marker.SPHERE, 0.05)
                marker.pose.position = point
                markers.markers.append(marker)
        for start, end in poses.skeleton.bones:
            marker = _marker(header, len(markers.markers), Marker.LINE_STRIP, 0.02)
            marker.points.extend([points[start], points[end]])
            markers.markers.append(marker)
    return markers


def _marker(header: Header, number: int, kind: int, size: float) -> Marker:
    marker = Marker(header=header, ns='people', id=number, type=kind, action=Marker.ADD)
    marker.scale.x = marker.scale.y = marker.scale.z = size
    marker.color.g = marker.color.a = 1.0
    marker.pose.orientation.w = 1.0
    return marker


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit status."""
    rclpy.init(args=None if arguments is None else list(arguments))
    try:
        rclpy.spin(NaivePoseEstimator())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
    return 0
