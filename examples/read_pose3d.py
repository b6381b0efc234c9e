"""
ROS 2 node that reads the skeletons which the pose estimator publishes.

    ros2 launch unihpe_ros pose.launch.py        # in one terminal
    python3 examples/read_pose3d.py              # in another

It logs who raises a hand above the head. In the camera's optical frame y points down.

"""

from contextlib import suppress

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from unihpe_ros import from_cloud, Poses


class HandWatcher(Node):
    """Logs the ids of people whose wrist is above their nose."""

    def __init__(self, **options: object) -> None:
        super().__init__('hand_watcher', **options)
        self.create_subscription(PointCloud2, '/unihpe/pose3d', self.on_poses, 1)

    def on_poses(self, message: PointCloud2) -> None:
        """Look at one message: all people of one image."""
        for person in hands_up(from_cloud(message)):
            self.get_logger().info(f'person {person} raises a hand')


def hands_up(poses: Poses) -> list[int]:
    """Return the ids of people with a hand above the head."""
    index = poses.skeleton.index
    nose = poses.keypoints_3d[:, index('nose'), 1]
    wrists = poses.keypoints_3d[:, [index('left_wrist'), index('right_wrist')], 1]
    # Unknown keypoints are NaN, and NaN is above nothing.
    return poses.track_ids[np.any(wrists < nose[:, None], axis=1)].tolist()


def main() -> None:
    """Run until Ctrl-C."""
    rclpy.init()
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(HandWatcher())


if __name__ == '__main__':
    main()
