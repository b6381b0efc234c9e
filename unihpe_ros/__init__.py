"""Real-time human pose for ROS 2: an image in, metric skeletons with ids out."""

__version__ = '0.1.0'
