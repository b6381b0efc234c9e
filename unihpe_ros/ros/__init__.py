"""The ROS 2 side: images in, skeletons out; every message type is converted here."""
