"""Checks for a bug report: versions, backends, folders, ROS, cameras, and their faults."""
