"""Sentences that say why ROS does not start, with the cure."""

from __future__ import annotations


def cause_of_no_ros(error: Exception) -> str:
    """Return in one sentence why ROS does not start, and what to do."""
    reason = ' '.join(str(error).partition(', at ')[0].split()) or type(error).__name__
    if 'directory' not in reason or 'log' not in reason:
        return f'ROS does not start: {reason}'
    return (
        f'ROS finds no folder for its log files ({reason}): set ROS_LOG_DIR to one that can be '
        'written, such as /tmp/ros_log'
    )
