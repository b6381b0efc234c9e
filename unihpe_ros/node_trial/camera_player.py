"""
Camera process that publishes a recording or the images of a webcam.

For each published image it prints the stamp, ns, and the image's number in the recording, so that
the parent process can match answers to images.

"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
import sys
import threading
import time

import cv2
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.topics import FRAME_ID
from unihpe_ros.bags.writer import BagWriter
from unihpe_ros.node_trial.camera_process import audience, CAMERA_QOS, ros_until_signalled
from unihpe_ros.ros.images import BgrImage, encode_image

_WEBCAM_SIZE = (640, 480)
# (due time since the start, s; picture)
TimedImages = Iterator[tuple[float, BgrImage]]


class CameraNode(Node):
    """Publishes image_raw and camera_info as camera drivers do: best effort, the newest only."""

    def __init__(self, camera_info: CameraInfo | None) -> None:
        super().__init__('camera', namespace='camera')
        self._images = self.create_publisher(Image, 'image_raw', CAMERA_QOS)
        self._camera_infos = self.create_publisher(CameraInfo, 'camera_info', CAMERA_QOS)
        self._camera_info = camera_info

    def is_matched(self) -> bool:
        """Whether the images have a subscriber."""
        return self._images.get_subscription_count() > 0

    def send(self, msg: Image) -> int:
        """Stamp and publish an image; return the stamp, ns."""
        now = self.get_clock().now()
        msg.header.stamp = now.to_msg()
        if self._camera_info is not None:
            self._camera_info.header = msg.header
            self._camera_infos.publish(self._camera_info)
        self._images.publish(msg)
        return int(now.nanoseconds)


def bag_pictures(reader: BagReader, seconds: float) -> TimedImages:
    """Yield the images of a recording at the pace at which they were taken."""
    first = None
    for stamp, picture in reader.frames():
        first = stamp if first is None else first
        due = 1e-9 * (stamp - first)
        if seconds and due >= seconds:
            return
        yield due, picture


def bag_camera_info(reader: BagReader) -> CameraInfo | None:
    """Return a recording's calibration as it is published again."""
    info = reader.camera_info
    if info is None:
        return None
    msg = CameraInfo(
        width=info.width,
        height=info.height,
        distortion_model=info.distortion_model,
        binning_x=info.binning_x,
        binning_y=info.binning_y,
        **{name: getattr(info, name).tolist() for name in ('d', 'k', 'r', 'p')},
    )
    for name in ('x_offset', 'y_offset', 'width', 'height', 'do_rectify'):
        setattr(msg.roi, name, getattr(info.roi, name))
    return msg


def webcam_pictures(capture: cv2.VideoCapture, device: int, seconds: float) -> TimedImages:
    """Yield the images of a webcam as fast as it sends them."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        good, picture = capture.read()
        if not good:
            raise OSError(f'camera {device}: gave no image; is it still plugged in?')
        yield 0.0, picture


def open_device(device: int) -> cv2.VideoCapture:
    """
    Open a webcam at 640x480, or the nearest size that it has.

    Raises
    ------
    OSError
        If there is none of that number, or somebody else has it.

    """
    capture = cv2.VideoCapture(device)
    if not capture.isOpened():
        raise OSError(
            f'camera {device}: cannot be opened; expected a webcam (on Linux /dev/video{device}) '
            'that no other program uses'
        )
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, _WEBCAM_SIZE[0])
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, _WEBCAM_SIZE[1])
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def play(
    camera: CameraNode,
    pictures: TimedImages,
    stop: threading.Event,
    on_sent: Callable[[int, BgrImage], None],
) -> None:
    """
    Publish images at their times, from the first subscriber on.

    Parameters
    ----------
    camera : CameraNode
        The publisher.
    pictures : Pictures
        Images and their times.
    stop : threading.Event
        Ends it early.
    on_sent : Callable[[int, BgrImage], None]
        Called with stamp and picture after each.

    Raises
    ------
    TimeoutError
        If no subscriber appears.

    """
    with audience(camera.is_matched, stop):
        start = None
        for due, picture in pictures:
            msg = encode_image(picture, Header(frame_id=FRAME_ID))
            start = time.monotonic() if start is None else start
            if stop.wait(max(0.0, start + due - time.monotonic())):
                return
            on_sent(camera.send(msg), picture)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the camera; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--bag', type=Path)
    parser.add_argument('--image-topic', default='')
    parser.add_argument('--device', type=int)
    parser.add_argument('--record', type=Path, help='bag to write what the webcam sees to')
    parser.add_argument('--seconds', type=float, default=0.0, help='0 plays all of the bag')
    args = parser.parse_args(arguments)
    try:
        with ros_until_signalled() as stop:
            _run(args, stop)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(args: argparse.Namespace, stop: threading.Event) -> None:
    number = 0

    def report(stamp: int, picture: BgrImage) -> None:
        nonlocal number
        print(stamp, number, flush=True)
        number += 1

    if args.bag is not None:
        reader = BagReader(args.bag, args.image_topic)
        pictures = bag_pictures(reader, args.seconds)
        play(CameraNode(bag_camera_info(reader)), pictures, stop, report)
        return
    capture = open_device(args.device)
    with BagWriter(args.record) as bag:

        def record(stamp: int, picture: BgrImage) -> None:
            bag.write(stamp, picture)
            report(stamp, picture)

        # Time counts from the first subscriber.
        play(CameraNode(None), webcam_pictures(capture, args.device, args.seconds), stop, record)
    capture.release()
