"""Images of a topic: what is read, and what is told if there is nothing."""

import itertools

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from topic_publisher import published
from unihpe_ros.run.inputs import topic_images
from unihpe_ros.run.inputs.source import InputError
from unihpe_ros.run.inputs.topic_images import TopicImages

pytestmark = pytest.mark.ros


def first_frame(topic):
    source = TopicImages(topic)
    try:
        return next(source.frames())
    finally:
        source.close()


def test_a_raw_image_is_read_with_its_stamp():
    image = Image(height=2, width=3, encoding='bgr8', step=9, data=[*range(18)])
    image.header.stamp.sec = 7
    with published(Image, itertools.repeat(image), '/raw'):
        frame = first_frame('/raw')
    assert frame.stamp == 7 * 10**9
    np.testing.assert_array_equal(frame.image, np.arange(18, dtype=np.uint8).reshape(2, 3, 3))


def test_a_compressed_image_is_read():
    good, png = cv2.imencode('.png', np.full((4, 6, 3), 90, np.uint8))
    assert good
    message = CompressedImage(format='png', data=png.tobytes())
    with published(CompressedImage, itertools.repeat(message), '/compressed'):
        frame = first_frame('/compressed')
    assert frame.image.shape == (4, 6, 3)
    assert (frame.image == 90).all()


def test_a_topic_that_nobody_publishes_is_told_with_those_there_are(monkeypatch):
    monkeypatch.setattr(topic_images, '_DISCOVERY', 2.0)
    image = Image(height=1, width=1, encoding='mono8', step=1, data=[0])
    with (
        published(Image, itertools.repeat(image), '/there'),
        pytest.raises(InputError, match=r'/gone: expected a file, or a topic.*: /there'),
    ):
        TopicImages('/gone')


def test_images_that_cannot_be_decoded_say_why(monkeypatch):
    monkeypatch.setattr(topic_images, '_SILENCE', 0.3)
    source = None
    depth = Image(height=1, width=1, encoding='32FC1', step=4, data=[0] * 4)
    with published(Image, itertools.repeat(depth), '/depth'):
        source = TopicImages('/depth')
    try:
        with pytest.raises(InputError, match='/depth: expected images; '):
            list(source.frames())
    finally:
        source.close()
