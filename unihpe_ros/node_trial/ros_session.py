"""Shared parts of trials, which run the node and a camera in their own processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import os
from tempfile import TemporaryDirectory
import time

import rclpy
from rclpy.signals import SignalHandlerOptions
from unihpe_ros.core.resources import find_resource
from unihpe_ros.node_trial.processes import Process, ProcessError
from unihpe_ros.node_trial.receivers import Receiver

_NAMESPACE = '/unihpe'
ESTIMATOR = f'{_NAMESPACE}/pose_estimator'
_TICK_S = 0.1
# Domain ids above 101 may collide with ports that Linux assigns.
_DOMAINS = 101


def await_node(node: Process, receiver: Receiver, seconds: float) -> None:
    """
    Wait until the node is discovered, so that its answers arrive; this may take 3 s.

    Parameters
    ----------
    node : Process
        The node.
    receiver : Receiver
        The receiver of its answers.
    seconds : float
        How long it may take.

    Raises
    ------
    ProcessError
        If it takes longer, or the node fails.

    """
    end = time.monotonic() + seconds
    while not receiver.is_matched():
        listen(node, receiver)
        if time.monotonic() > end:
            raise ProcessError(f'the node was not ready within {seconds:.0f} s', node.log)


def listen(node: Process, receiver: Receiver) -> None:
    """Receive for a tenth of a second; ProcessError if the node fails."""
    receiver.spin(_TICK_S)
    if receiver.failure:
        raise ProcessError(f'the node {receiver.failure}', node.log)
    if node.has_ended():
        raise ProcessError('the node ended before the camera did', node.log)


def node_arguments(topics: Mapping[str, str], parameters: Mapping[str, object]) -> list[str]:
    """Return the command line of a node: topic names and parameters."""
    arguments = ['--ros-args']
    for name, target in {'__ns': _NAMESPACE, **topics}.items():
        arguments += ['-r', f'{name}:={target}']
    for name, value in parameters.items():
        # rcl refuses an empty text without quotes.
        text = "''" if value == '' else value
        arguments += ['-p', f'{name}:={text}']
    return arguments


def camera_environment() -> dict[str, str]:
    """Environment of the camera process: shared memory that is large enough for an image."""
    profiles = str(find_resource('config/fastdds.xml'))
    return {
        'FASTDDS_DEFAULT_PROFILES_FILE': profiles,
        'FASTRTPS_DEFAULT_PROFILES_FILE': profiles,
        # OpenCV's messages are off, because the error of a webcam is logged by us.
        'OPENCV_LOG_LEVEL': 'SILENT',
    }


@contextmanager
def quiet_ros() -> Iterator[rclpy.Context]:
    """Context manager that starts ROS for this machine only, child processes included."""
    domain = os.getpid() % _DOMAINS + 1
    ours = {'ROS_DOMAIN_ID': str(domain), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    if os.environ.get('ROS_DISTRO') == 'humble':
        ours['ROS_LOCALHOST_ONLY'] = '1'
    before = {name: os.environ.get(name) for name in (*ours, 'ROS_LOG_DIR')}
    context = rclpy.Context()
    try:
        with TemporaryDirectory(prefix='unihpe_ros_log_') as logs:
            # By default every run leaves log files in the user's home folder.
            os.environ.update(ours, ROS_LOG_DIR=logs)
            rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
            yield context
    finally:
        context.try_shutdown()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
