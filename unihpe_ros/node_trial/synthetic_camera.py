"""
Camera process that publishes one image at any size, rate and encoding.

Its messages are made before it starts, so that an image costs little more than its transport. At
the end it prints one line for each image: the stamp, ns.

"""

from __future__ import annotations

import argparse
from array import array
from collections.abc import Sequence
from pathlib import Path
import sys
import threading
import time

import cv2
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from unihpe_ros.bags.topics import FRAME_ID
from unihpe_ros.node_trial.camera_process import audience, CAMERA_QOS, ros_until_signalled
from unihpe_ros.ros.images import BgrImage, encode_image

IMAGE_MESSAGES = {'raw': Image, 'compressed': CompressedImage}
# Shift of the picture to the right from one message to the next, px.
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
        self._messages = messages
        self._publisher = self.create_publisher(type(messages[0]), topic, CAMERA_QOS)

    def is_matched(self) -> bool:
        """Whether the images have a subscriber."""
        return self._publisher.get_subscription_count() > 0

    def play(self, fps: float, seconds: float, stop: threading.Event) -> list[int]:
        """
        Publish at a rate, from the first subscriber on; overdue images are left out.

        Returns
        -------
        list[int]
            The stamps, ns.

        Raises
        ------
        TimeoutError
            If no subscriber appears.

        """
        stamps: list[int] = []
        with audience(self.is_matched, stop):
            start = time.monotonic()
            number, last = 0, round(fps * seconds)
            while number < last and not stop.wait(start + number / fps - time.monotonic()):
                msg = self._messages[number % len(self._messages)]
                now = self.get_clock().now()
                msg.header.stamp = now.to_msg()
                self._publisher.publish(msg)
                stamps.append(now.nanoseconds)
                number = max(number + 1, int((time.monotonic() - start) * fps))
        return stamps


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the camera; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('picture', type=Path, help='what it shows')
    parser.add_argument('topic')
    parser.add_argument('--transport', choices=tuple(IMAGE_MESSAGES), default='raw')
    parser.add_argument('--fps', type=float, default=30.0)
    parser.add_argument('--seconds', type=float, default=10.0)
    args = parser.parse_args(arguments)
    picture = cv2.imread(str(args.picture))
    if picture is None:
        print(f'{args.picture}: expected a picture', file=sys.stderr)
        return 1
    try:
        with ros_until_signalled() as stop:
            camera = SyntheticCamera(args.topic, make_messages(picture, args.transport))
            stamps = camera.play(args.fps, args.seconds, stop)
    except TimeoutError as error:
        print(error, file=sys.stderr)
        return 1
    print(*stamps, sep='\n')
    return 0
