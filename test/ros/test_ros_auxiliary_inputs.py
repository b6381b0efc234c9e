"""Inputs that accompany images: which belongs to which image, and what the log says of them."""

import math
import threading
import time
from types import SimpleNamespace

from image_messages import depth_message
import numpy as np
import pytest
from ros_fixtures import camera_info, Logger
from unihpe_ros.ros.auxiliary_inputs import AuxiliaryInputs
from unihpe_ros.ros.boxes_in import detections_type, to_boxes
from unihpe_ros.ros.camera_log import CameraLog
from unihpe_ros.ros.optional_packages import MissingPackageError
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.pose2d_in import keypoints_type
from unihpe_ros.ros.timestamp_buffer import TimestampBuffer

SIZE = (64, 48)


def test_the_nearest_message_within_the_tolerance_belongs_to_an_image():
    buffer = TimestampBuffer()
    for stamp in (1.0, 1.1, 1.2):
        buffer.put(stamp, f'of {stamp}')
    assert buffer.nearest(1.13, 0.05) == 'of 1.1'
    assert buffer.nearest(1.15, 0.02) is None
    assert buffer.nearest(1.4, 0.05) is None


def test_only_a_handful_is_kept():
    buffer = TimestampBuffer(kept=4)
    for stamp in range(100):
        buffer.put(stamp, stamp)
    assert [buffer.nearest(stamp, 0.1) for stamp in (95, 96, 99)] == [None, 96, 99]
    buffer.clear()
    assert buffer.nearest(99, 0.1) is None


def test_a_message_that_is_on_its_way_is_waited_for():
    buffer = TimestampBuffer()
    buffer.put(1.0, 'before')
    later = threading.Timer(0.05, buffer.put, (1.1, 'beside'))
    later.start()
    assert buffer.nearest(1.1, 0.05, time.monotonic() + 10) == 'beside'
    later.join()


def test_nothing_is_waited_for_that_will_not_come():
    began = time.monotonic()
    buffer = TimestampBuffer()
    assert buffer.nearest(1.0, 0.05, began + 10) is None  # Nobody publishes.
    buffer.put(2.0, 'after')
    assert buffer.nearest(1.0, 0.05, began + 10) is None  # It was lost.
    assert time.monotonic() - began < 5
    assert buffer.nearest(2.2, 0.05, time.monotonic() + 0.05) is None
    assert time.monotonic() - began > 0.05


@pytest.fixture
def beside():
    logger = Logger()
    auxiliary = AuxiliaryInputs(rectified=False, log=CameraLog(logger))
    auxiliary.logger = logger
    for index in range(6):
        auxiliary.note_image(index / 30)
    auxiliary.note_image(7 / 30)  # One was lost.
    return auxiliary


def test_images_that_change_their_frame_are_told(beside):
    for frame_id in ('left', 'left', 'right'):
        beside.note_frame(frame_id)
    (line,) = beside.logger.lines
    assert "images change their frame: it was 'left', now it is 'right'" in line


def test_a_calibration_of_another_frame_is_told(beside):
    msg = camera_info(SIZE)
    msg.header.frame_id = 'infra'
    beside.cameras.update(msg)
    for frame_id in ('', 'infra'):
        beside.note_frame(frame_id)
    assert beside.logger.lines == []
    other = AuxiliaryInputs(rectified=False, log=CameraLog(beside.logger))
    other.cameras.update(msg)
    other.note_frame('colour')
    (line,) = beside.logger.lines
    assert "camera_info may be of another camera: its frame is 'infra', that of the" in line


def depth_of(beside, stamp, root_mode='auto'):
    return beside.depth_of(stamp, time.monotonic(), SIZE, Parameters(root_mode=root_mode))


def test_the_period_is_that_of_the_camera(beside):
    assert beside.period == pytest.approx(1 / 30)


@pytest.mark.parametrize(
    ('steps', 'share'),
    [
        ([0.5] * 8, 0.0),
        ([0.1] * 5 + [30.0] + [0.1] * 5, 0.0),
        ([0.1, 0.4, 0.3, 0.9, 0.4, 0.2, 0.5], 0.75),
        ([0.1, 5.0], 0.0),
        ([0.1, 0.1, -3.0, 0.1, 0.1], 0.0),
        ([0.0] * 8, 0.0),
    ],
    ids=['slow', 'paused', 'lossy', 'too few', 'a bag began anew', 'no stamps'],
)
def test_loss_is_told_by_gaps_between_stamps(steps, share):
    auxiliary = AuxiliaryInputs(rectified=False, log=CameraLog(Logger()))
    for stamp in np.cumsum([100.0, *steps]):
        auxiliary.note_image(stamp)
    assert auxiliary.lost_share == pytest.approx(share)


def test_depth_belongs_to_an_image_up_to_half_a_period(beside):
    msg = depth_message(np.full((48, 64), 2.0, '<f4'), '32FC1')
    beside.depths.put(1.0, msg)
    assert depth_of(beside, 1.016)[0, 0] == 2.0
    assert depth_of(beside, 1.018) is None
    assert depth_of(beside, 1.0, 'projective') is None
    assert beside.logger.lines == [
        'places are found without depth: no depth_image within 17 ms of the image: the nearest is '
        '0.02 s older than the image'
    ]


def test_depth_of_another_frame_is_used_and_told(beside):
    msg = depth_message(np.full((48, 64), 2.0, '<f4'), '32FC1')
    for frames in (('', 'colour'), ('colour', ''), ('colour', 'colour'), ('depth', 'colour')):
        assert beside.logger.lines == []
        msg.header.frame_id, own = frames
        beside.depths.put(1.0, msg)
        depth = beside.depth_of(1.0, time.monotonic(), SIZE, Parameters(), own)
        assert depth[0, 0] == 2.0
    assert (
        "not be aligned: its frame is 'depth', that of the image 'colour'"
        in (beside.logger.lines[0])
    )


def test_depth_that_is_asked_for_and_missing_is_told(beside):
    assert depth_of(beside, 1.0) is None
    assert beside.logger.lines == []
    assert depth_of(beside, 1.0, 'depth') is None
    assert 'no depth_image comes' in beside.logger.lines[0]


@pytest.mark.parametrize(
    ('msg', 'words'),
    [
        (
            depth_message(np.ones((24, 32), '<f4'), '32FC1'),
            'depth_image is of 32x24, the image is 64x48: expected one that is aligned',
        ),
        (depth_message(np.ones((48, 64), 'u1'), 'mono8'), "expected 32FC1 .* got 'mono8'"),
    ],
    ids=['size', 'encoding'],
)
def test_depth_that_does_not_fit_is_told_and_not_used(beside, msg, words):
    beside.depths.put(1.0, msg)
    assert depth_of(beside, 1.0) is None
    with pytest.raises(ValueError, match=words):
        raise ValueError(beside.logger.lines[0])


def detection(x, y, w, h, theta=0.0, label='person', score=0.9):
    """Make a vision_msgs/Detection2D of Humble and newer."""
    centre = SimpleNamespace(position=SimpleNamespace(x=x, y=y), theta=theta)
    hypothesis = SimpleNamespace(class_id=label, score=score)
    return SimpleNamespace(
        bbox=SimpleNamespace(center=centre, size_x=w, size_y=h),
        results=[SimpleNamespace(hypothesis=hypothesis)],
    )


def test_boxes_are_the_detections_of_people():
    msg = SimpleNamespace(
        detections=[
            detection(10.0, 20.0, 4.0, 8.0),
            detection(30.0, 20.0, 4.0, 8.0, theta=math.pi / 2),
            detection(10.0, 20.0, 5.0, 5.0, label='dog'),
            detection(math.nan, 20.0, 5.0, 5.0),
            detection(1e300, 20.0, 5.0, 5.0),
            detection(10.0, 20.0, 0.0, 5.0),
            detection(10.0, 20.0, 5.0, 5.0, theta=math.inf),
        ]
    )
    boxes = to_boxes(msg, 'person')
    assert boxes.dtype == np.float32
    np.testing.assert_allclose(boxes, [[8, 16, 12, 24], [26, 18, 34, 22]], atol=1e-5)
    assert len(to_boxes(msg)) == 3
    assert to_boxes(SimpleNamespace(detections=[])).shape == (0, 4)


def test_the_surest_boxes_come_first():
    """Of many, no more are looked at than people may be followed."""
    scores = (0.1, math.nan, 0.9, 0.4)
    found = [detection(10.0 * i, 20.0, 2.0, 2.0, score=s) for i, s in enumerate(scores)]
    unsaid = detection(40.0, 20.0, 2.0, 2.0)
    unsaid.results = []
    boxes = to_boxes(SimpleNamespace(detections=[unsaid, *found]))
    assert boxes[:, 0].tolist() == [19, 29, -1, 39, 9]


def told_of_boxes(beside, stamps, **values):
    """Let boxes of these times come, each with an image of 100 s; return what is logged."""
    for stamp in stamps:
        beside.boxes.put(stamp, SimpleNamespace(detections=[]))
        beside.boxes_of(100.0, Parameters(**values))
    return beside.logger.lines


def test_boxes_that_never_fit_an_image_are_told_with_how_far_they_are_off(beside):
    assert told_of_boxes(beside, [99.5, 99.6, 99.7, 99.8]) == []
    assert told_of_boxes(beside, [99.8]) == [
        'boxes_in are not used: the nearest are 0.20 s older than the image, '
        'boxes_tolerance_s is 0.1'
    ]


def test_boxes_that_come_seldom_are_no_cause_to_complain(beside):
    assert told_of_boxes(beside, [99.5, 99.6, 99.7, 99.95, 99.8, 101.0, 102.0, 103.0]) == []


def test_that_nobody_tells_of_newcomers_is_told_after_a_while(beside):
    for watchdog, lines in ((0.0, 0), (3600.0, 0), (1e-6, 1)):
        for _ in range(2):
            beside.boxes_of(1.0, Parameters(detector='none', watchdog_s=watchdog))
        assert len(beside.logger.lines) == lines
    assert 'nobody finds newcomers' in beside.logger.lines[0]


def test_boxes_of_older_messages_are_read_too():
    old = SimpleNamespace(
        bbox=SimpleNamespace(
            center=SimpleNamespace(x=10.0, y=20.0, theta=0.0), size_x=4.0, size_y=8.0
        ),
        results=[SimpleNamespace(id='person', score=0.5), SimpleNamespace(id='dog', score=0.2)],
    )
    msg = SimpleNamespace(detections=[old])
    assert to_boxes(msg, 'person').tolist() == [[8, 16, 12, 24]]
    assert to_boxes(msg, 'dog').shape == (0, 4)


def test_without_the_messages_it_is_said_what_needs_them(monkeypatch):
    for name in ('vision_msgs', 'vision_msgs.msg', 'hri_msgs', 'hri_msgs.msg'):
        monkeypatch.setitem(__import__('sys').modules, name, None)
    with pytest.raises(
        MissingPackageError, match=r'boxes_in: vision_msgs .* ros-<distro>-vision-'
    ):
        detections_type()
    with pytest.raises(MissingPackageError, match='pose2d_type is hri: hri_msgs can not be'):
        keypoints_type('hri')


def test_a_calibration_of_another_size_is_told(beside):
    beside.cameras.update(camera_info(size=(640, 360)))
    assert beside.camera_of(SIZE) is None
    words = 'camera_info does not fit: it is of 640x360, the image is of 64x48'
    assert beside.logger.lines == [words]


def test_a_calibration_of_the_same_proportions_is_scaled_and_told_once(beside):
    beside.cameras.update(camera_info(size=(640, 480), focal=600.0))
    camera = beside.camera_of(SIZE)
    assert (camera.width, camera.height, camera.K[0, 0]) == (64, 48, 60.0)
    assert beside.camera_of(SIZE) is camera
    assert beside.logger.lines == [
        'camera_info is scaled: it is of 640x480, the image of 64x48 has the same proportions'
    ]


def test_images_that_change_their_size_are_told_once():
    logger = Logger()
    beside = AuxiliaryInputs(rectified=False, log=CameraLog(logger))
    for size in (SIZE, SIZE):
        beside.camera_of(size)
    assert logger.lines == []
    for size in ((32, 24), SIZE, (32, 24)):
        beside.camera_of(size)
    (line,) = logger.lines
    assert 'images change their size, now 32x24: tracks begin anew with each change' in line
