"""What is logged of a camera: under its name, and the same seldom."""

import time

from ros_fixtures import Logger
from unihpe_ros.ros import camera_log
from unihpe_ros.ros.camera_log import CameraLog


def test_one_camera_does_not_keep_another_quiet():
    logger = Logger()
    front, rear = CameraLog(logger, 'front'), CameraLog(logger, 'rear')
    for _ in range(3):
        front.error('image skipped: of no use', 5.0)
        rear.error('image skipped: of no use', 5.0)
    assert logger.lines == ['front: image skipped: of no use', 'rear: image skipped: of no use']


def test_one_kind_of_trouble_does_not_keep_another_quiet():
    logger = Logger()
    log = CameraLog(logger)
    for number in range(3):
        log.error(f'image skipped: {number} bytes', 5.0, '\nand why')
        log.error('camera_info is not used: NaN', 5.0)
    assert logger.lines == ['image skipped: 0 bytes\nand why', 'camera_info is not used: NaN']


def test_it_is_said_again_after_a_while_and_some_only_once(monkeypatch):
    logger, now = Logger(), [time.monotonic()]
    monkeypatch.setattr(camera_log.time, 'monotonic', lambda: now[0])
    log = CameraLog(logger)
    for _ in range(12):
        log.info('time went back: by 1 s', 5.0)
        log.warning('images have no stamp: what now')
        now[0] += 1.0
    assert [line[:4] for line in logger.lines] == ['time', 'imag', 'time', 'time']


def test_different_errors_of_one_kind_are_each_told_once():
    logger = Logger()
    log = CameraLog(logger)
    for number in range(3):
        log.error(f'camera_info is not used: {number} coefficients', 5.0)
        log.error(f'camera_info is not used: K[{number}] is NaN', 5.0)
        log.warning(f'camera_info: {number}')
    assert logger.lines == [
        'camera_info is not used: 0 coefficients',
        'camera_info is not used: K[0] is NaN',
        'camera_info: 0',
    ]


def test_errors_that_differ_without_end_do_not_flood_the_log():
    logger = Logger()
    log = CameraLog(logger)
    for number in range(1000):
        log.error('image skipped: ' + 'x' * number, 5.0)
    assert len(logger.lines) == 8
    assert len(log._said['image skipped']) == 8
