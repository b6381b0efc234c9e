"""Images of a ROS topic, raw or compressed, as they arrive."""

from __future__ import annotations

from collections.abc import Iterator
import re
import time
from typing import Any

from unihpe_ros.ros.compressed import CompressedPicture
from unihpe_ros.ros.images import BgrImage, decode_image, DecodeError
from unihpe_ros.run.inputs.source import InputError, InputFrame, Source

# How long a publisher may take to be found, and an image to arrive, s.
_DISCOVERY, _SILENCE = 5.0, 5.0
_TICK = 0.1
_KINDS = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')


def is_topic(text: str) -> bool:
    """Whether a text may be the full name of a topic; one of a file may be too."""
    return re.fullmatch(r'(/[A-Za-z_]\w*)+', text) is not None


class TopicImages(Source):
    """
    The newest images of a topic; the camera is taken not to be calibrated.

    Parameters
    ----------
    topic : str
        Its full name; the publisher says whether images are compressed.

    Raises
    ------
    InputError
        If there is no ROS 2, or nobody publishes images there.

    """

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.live = True
        try:
            import rclpy
            from rclpy.executors import SingleThreadedExecutor
        except ImportError as error:
            raise InputError(
                f'{topic}: expected ROS 2, to read a topic; got {error}: source its setup.bash'
            ) from error
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node('unihpe_input', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._newest: Any = None
        try:
            self._subscribe(self._published_kind(topic))
        except InputError:
            self.close()
            raise

    def _published_kind(self, topic: str) -> str:
        """Return the type that is published; wait for a publisher first."""
        end = time.monotonic() + _DISCOVERY
        while time.monotonic() < end:
            self._executor.spin_once(_TICK)
            for one in self._node.get_publishers_info_by_topic(topic):
                if one.topic_type in _KINDS:
                    return str(one.topic_type)
        known = self._node.get_topic_names_and_types()
        images = [name for name, kinds in known if set(kinds) & set(_KINDS)]
        raise InputError(
            f'{topic}: expected a file, or a topic of images; there is no such file, and nobody '
            f'publishes images there. Topics of images: {", ".join(images) or "none"}'
        )

    def _subscribe(self, kind: str) -> None:
        from rclpy.qos import qos_profile_sensor_data
        from sensor_msgs.msg import CompressedImage, Image

        message = Image if kind == _KINDS[0] else CompressedImage
        self._node.create_subscription(message, self.text, self._receive, qos_profile_sensor_data)

    def _receive(self, message: Any) -> None:
        self._newest = message

    def frames(self, start: int = 0) -> Iterator[InputFrame]:
        """Read images until none comes any more; InputError if there is not even one."""
        number, refused = 0, ''
        while (message := self._next()) is not None:
            try:
                image = _decoded(message)
            except DecodeError as error:
                refused = str(error)
                continue
            stamp = message.header.stamp
            taken = 10**9 * stamp.sec + stamp.nanosec
            yield InputFrame(number, taken or time.time_ns(), image)
            number += 1
        if not number:
            seen = refused or f'none came within {_SILENCE:.0f} s'
            raise InputError(f'{self.text}: expected images; {seen}')
        self.notes.append(f'{self.text} gave no more images')

    def _next(self) -> Any:
        """Return the newest message that was not read yet; None if none comes."""
        end = time.monotonic() + _SILENCE
        while self._newest is None and time.monotonic() < end and self._context.ok():
            self._executor.spin_once(_TICK)
        message, self._newest = self._newest, None
        return message

    def close(self) -> None:
        """Stop listening."""
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()


def _decoded(message: Any) -> BgrImage:
    """Return the picture of a raw or a compressed message."""
    if hasattr(message, 'format'):
        return CompressedPicture(message).decode()
    return decode_image(message)
