"""The promises of conftest.py that keep ROS tests honest and on this machine."""

import os

from geometry_msgs.msg import Point
import numpy as np
import pytest
import rclpy


def test_messages_check_their_fields():
    with pytest.raises(AssertionError, match="'x' field must be of type 'float'"):
        Point(x=np.float32(1.5))


def test_ros_runs_in_a_domain_of_its_own():
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        assert context.get_domain_id() == int(os.environ['ROS_DOMAIN_ID'])
        assert 1 <= context.get_domain_id() <= 100
        assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    finally:
        rclpy.shutdown(context=context)
