"""A publisher beside a test: a node in a thread that publishes until it is told to end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import rclpy
from rclpy.qos import QoSProfile


@contextmanager
def published(kind: type, messages: Iterable[object], topic: str, qos: QoSProfile | int = 1):
    """Publish messages of a kind, 20 a second, until the block ends or there are no more."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('a_camera', context=context)
    publisher = node.create_publisher(kind, topic, qos)
    ended = Event()

    def play(coming: Iterator[object]) -> None:
        for message in coming:
            publisher.publish(message)
            if ended.wait(0.05):
                return

    thread = Thread(target=play, args=(iter(messages),))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        node.destroy_node()
        rclpy.shutdown(context=context)
