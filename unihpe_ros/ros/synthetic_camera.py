"""
A camera in a process of its own that shows one picture, at any size, rate and encoding.

Its messages are made before it starts, so that a frame costs it little more than DDS asks for. At
the end it prints one line for each image: the stamp, ns.

"""

from __future__ import annotations

import argparse
from array import array
from collections.abc import Sequence
from pathlib import Path
import signal
import sys
import threading
import time

import cv2
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from unihpe_ros.ros.bag_writer import FRAME_ID
from unihpe_ros.ros.images import BgrImage, encode_image

TRANSPORTS = {'raw': Image, 'compressed': CompressedImage}
_MATCH_TIMEOUT_S = 60.0
# From the match, as the publisher sees it, until nothing that is sent gets lost, s.
_SETTLE_S = 0.3
# How far the picture is rolled to the right in one message after the other, px.
_SHIFTS = (0, 1, 2, 3, 2, 1)


def make_messages(picture: BgrImage, transport: str) -> list[Image | CompressedImage]:
    """Make the messages that are sent in turn: 'raw' bgr8, or 'compressed' JPEG."""
    return [_message(np.roll(picture, shift, 1), transport) for shift in _SHIFTS]


def _message(picture: BgrImage, transport: str) -> Image | CompressedImage:
    header = Header(frame_id=FRAME_ID)
    if transport == 'raw':
        return encode_image(picture, header)
    _, data = cv2.imencode('.jpg', picture)
    return CompressedImage(header=header, format='jpeg', data=array('B', data.tobytes()))


class SyntheticCamera(Node):
    """
    Publishes messages in turn, best effort and the newest only, as camera drivers do.

    Parameters
    ----------
    topic : str
        Full name of the topic.
    messages : Sequence[Image | CompressedImage]
        What is sent in turn.

    """

    def __init__(self, topic: str, messages: Sequence[Image | CompressedImage]) -> None:
        super().__init__('synthetic_camera')
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT
        )
        self._messages = messages
        self._publisher = self.create_publisher(type(messages[0]), topic, qos)

    def play(self, fps: float, seconds: float, stop: threading.Event) -> list[int]:
        """
        Publish at a rate, from when somebody receives it; images that are overdue are left out.

        Returns
        -------
        list[int]
            The stamps, ns.

        Raises
        ------
        TimeoutError
            If nobody comes to receive them.

        """
        limit = time.monotonic() + _MATCH_TIMEOUT_S
        while not self._publisher.get_subscription_count() and not stop.wait(0.02):
            if time.monotonic() > limit:
                raise TimeoutError(f'nobody subscribed to the images in {_MATCH_TIMEOUT_S:.0f} s')
        stop.wait(_SETTLE_S)
        stamps: list[int] = []
        start = time.monotonic()
        number, last = 0, round(fps * seconds)
        while number < last and not stop.wait(max(0.0, start + number / fps - time.monotonic())):
            msg = self._messages[number % len(self._messages)]
            now = self.get_clock().now()
            msg.header.stamp = now.to_msg()
            self._publisher.publish(msg)
            stamps.append(now.nanoseconds)
            number = max(number + 1, int((time.monotonic() - start) * fps))
        # What is on its way would be lost with this process.
        stop.wait(_SETTLE_S)
        return stamps


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the camera; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('picture', type=Path, help='what it shows')
    parser.add_argument('topic')
    parser.add_argument('--transport', choices=tuple(TRANSPORTS), default='raw')
    parser.add_argument('--fps', type=float, default=30.0)
    parser.add_argument('--seconds', type=float, default=10.0)
    args = parser.parse_args(arguments)
    picture = cv2.imread(str(args.picture))
    if picture is None:
        print(f'{args.picture}: expected a picture', file=sys.stderr)
        return 1
    stop = threading.Event()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        camera = SyntheticCamera(args.topic, make_messages(picture, args.transport))
        stamps = camera.play(args.fps, args.seconds, stop)
    except TimeoutError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        rclpy.try_shutdown()
    print(*stamps, sep='\n')
    return 0
