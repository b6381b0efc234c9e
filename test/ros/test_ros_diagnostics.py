"""Diagnostics: rates and percentiles of what was recorded, and a message that serialises."""

from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.time import Time
from unihpe_ros.ros.diagnostics import health, to_diagnostics
from unihpe_ros.ros.statistics import Statistics


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_rates_count_from_the_last_report(clock):
    statistics = Statistics(clock)
    for _ in range(30):
        statistics.received(100)
        statistics.count('published')
    statistics.count('dropped')
    clock.now += 2
    report = statistics.report()
    assert (report['fps_in'], report['fps_out'], report['dropped']) == ('15.0', '15.0', '1')
    clock.now += 1
    report = statistics.report()
    assert (report['fps_in'], report['dropped']) == ('0.0', '1')
    assert report['last_image_age_s'] == '3.00'


def test_percentiles_are_those_of_the_window(clock, rng):
    statistics = Statistics(clock)
    for _ in range(400):
        statistics.add('crop', 99.0)
    times = rng.uniform(0, 0.1, 300)
    for seconds in times:
        statistics.add('crop', seconds)
    report = statistics.report()
    for percentile in (50, 95, 99):
        value = float(report[f'crop_ms_p{percentile}'])
        assert value == pytest.approx(np.percentile(times, percentile) * 1e3, abs=0.006)


def test_errors_are_counted_and_forgotten_in_time(clock):
    statistics = Statistics(clock)
    assert statistics.recent_error(5) == ''
    statistics.error('bad image')
    clock.now += 4
    assert statistics.recent_error(5) == 'bad image'
    clock.now += 2
    assert statistics.recent_error(5) == ''
    assert statistics.report()['errors'] == '1'


def test_before_the_first_image_its_age_is_infinite(clock):
    assert Statistics(clock).report()['last_image_age_s'] == 'inf'


def test_the_message_survives_serialisation(clock):
    figures = Statistics(clock).report()
    now = Time(seconds=12.5)
    msg = to_diagnostics('pose', 'fake', DiagnosticStatus.WARN, 'no images', figures, now)
    back = deserialize_message(serialize_message(msg), DiagnosticArray)
    assert back == msg
    status = back.status[0]
    assert (status.name, status.hardware_id, status.message) == ('pose', 'fake', 'no images')
    assert {value.key: value.value for value in status.values} == figures
    assert back.header.stamp.sec == 12


def test_what_refuses_images_is_told_before_that_some_are_left_out(clock):
    statistics = Statistics(clock)
    asked: list[str] = []

    def missing(camera: str) -> str:
        asked.append(camera)
        return 'slower than the camera'

    pipeline = SimpleNamespace(is_active=True, is_listening=True, missing_input=missing)

    def state() -> tuple[bytes, str]:
        return health('front', statistics, pipeline, '', 'unconfigured')

    assert state() == (DiagnosticStatus.WARN, 'slower than the camera')
    statistics.warn('no contrast')
    assert state() == (DiagnosticStatus.WARN, 'no contrast')
    assert statistics.total('error') == 0
    clock.now += 9
    assert state() == (DiagnosticStatus.WARN, 'slower than the camera')
    assert len(asked) == 3
