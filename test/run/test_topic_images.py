"""Images of a topic: what is read, and what is told if there is nothing."""

from contextlib import contextmanager
from threading import Event, Thread

import cv2
import numpy as np
import pytest
import rclpy
from sensor_msgs.msg import CompressedImage, Image
from unihpe_ros.run.inputs import topic_images
from unihpe_ros.run.inputs.source import InputError
from unihpe_ros.run.inputs.topic_images import TopicImages

pytestmark = pytest.mark.ros


@contextmanager
def published(message, topic):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('a_camera', context=context)
    publisher = node.create_publisher(type(message), topic, 1)
    ended = Event()

    def repeat():
        while not ended.wait(0.05):
            publisher.publish(message)

    thread = Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        node.destroy_node()
        rclpy.shutdown(context=context)


def first_frame(topic):
    source = TopicImages(topic)
    try:
        return next(source.frames())
    finally:
        source.close()


def test_a_raw_image_is_read_with_its_stamp():
    image = Image(height=2, width=3, encoding='bgr8', step=9, data=[*range(18)])
    image.header.stamp.sec = 7
    with published(image, '/raw'):
        frame = first_frame('/raw')
    assert frame.stamp == 7 * 10**9
    np.testing.assert_array_equal(frame.image, np.arange(18, dtype=np.uint8).reshape(2, 3, 3))


def test_a_compressed_image_is_read():
    good, png = cv2.imencode('.png', np.full((4, 6, 3), 90, np.uint8))
    assert good
    with published(CompressedImage(format='png', data=png.tobytes()), '/compressed'):
        frame = first_frame('/compressed')
    assert frame.image.shape == (4, 6, 3)
    assert (frame.image == 90).all()


def test_a_topic_that_nobody_publishes_is_told_with_those_there_are(monkeypatch):
    monkeypatch.setattr(topic_images, '_DISCOVERY', 2.0)
    image = Image(height=1, width=1, encoding='mono8', step=1, data=[0])
    with (
        published(image, '/there'),
        pytest.raises(InputError, match=r'/gone: expected a file, or a topic.*: /there'),
    ):
        TopicImages('/gone')


def test_images_that_cannot_be_decoded_say_why(monkeypatch):
    monkeypatch.setattr(topic_images, '_SILENCE', 0.3)
    source = None
    with published(Image(height=1, width=1, encoding='32FC1', step=4, data=[0] * 4), '/depth'):
        source = TopicImages('/depth')
    try:
        with pytest.raises(InputError, match='/depth: expected images; '):
            list(source.frames())
    finally:
        source.close()
