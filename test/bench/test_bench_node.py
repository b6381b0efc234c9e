"""`unihpe bench node`: cases, figures and words; a run of real processes; the naive node."""

from array import array
from dataclasses import replace
import json

import cv2
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from ros_fixtures import image, people
from sensor_msgs.msg import CompressedImage
from tiny_model import paint_person, person_box
from unihpe_ros.bench.node import naive_node, node_report
from unihpe_ros.bench.node.cases import age_limit_ms, Case, Figures, overload, plan, soak
from unihpe_ros.bench.node.node_benchmark import run_case
from unihpe_ros.cli.main import main
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.node_trial.receivers import read_cloud_head
from unihpe_ros.node_trial.synthetic_camera import make_messages
from unihpe_ros.ros.clouds import to_cloud
from unihpe_ros.ros.compressed import decode_compressed
from unihpe_ros.ros.images import decode_image

CASE = Case('node', (640, 480), 'raw', 30.0, 1, 60.0)
CALM = Figures(
    CASE, 30.0, 29.5, 4, (10.0, 14.0, 20.0), 40.0, 5.0, (150.0, 151.5),
    {'crop': 1.0, 'image_branch': 8.0, 'publish': 1.0}, 8.0, 1.0, 'onnxruntime-cpu',
)  # fmt: skip


def test_the_plan_has_every_case_and_the_naive_node_beside():
    cases = plan([(640, 480), (1920, 1080)], ['raw', 'compressed'], [15.0, 30.0, 120.0], [1, 5], 9)
    kinds = [case.kind for case in cases]
    assert (kinds.count('node'), kinds.count('naive'), kinds.count('malloc off')) == (24, 4, 2)
    for number, case in enumerate(cases):
        if case.kind == 'naive':
            assert replace(case, kind='node') == cases[number - 1]
            assert case.is_naive
    assert len({case.name for case in cases}) == len(cases)
    assert CASE.name == 'node: 640x480 raw, 30 fps, 1 person'


def test_overload_is_twice_what_the_node_bears():
    ours, naive = overload(CALM)
    assert ours.fps == pytest.approx(2 * 1000 / 10)
    assert (naive.is_naive, naive.fps) == (True, ours.fps)
    assert age_limit_ms(replace(CALM, case=ours)) == pytest.approx(2 * 5 + 2 * 10)
    assert overload(replace(CALM, stages_ms={})) == []
    long = soak(CALM, 30000)
    assert long.fps * long.seconds == pytest.approx(30000)
    assert long.fps == pytest.approx(80.0)


def test_the_report_tells_ratios_limits_and_growth(tmp_path):
    slow = replace(
        CALM, case=replace(CASE, kind='naive'), ages_ms=(20.0, 42.0, 100.0), stages_ms={}
    )
    ours, _ = overload(CALM)
    late = replace(CALM, case=ours, ages_ms=(10.0, 20.0, 31.0))
    results = [CALM, slow, late, replace(CALM, case=soak(CALM, 3000))]
    words = list(node_report.sentences(results))
    assert words[0].startswith('naive: 640x480 raw, 30 fps, 1 person: age p50 2.00, p99 5.00, CPU')
    assert 'p99 of the age 31.0 ms is ABOVE' in words[1]
    assert words[1].endswith('30.0 ms')
    assert words[2].endswith('memory +1.5 MB')
    rows = node_report.case_table(results)
    assert {len(row) for row in rows} == {12}
    assert rows[1][:4] == [CASE.name, '30.0', '29.5', '4']
    assert rows[1][-2] == '2.00'
    assert rows[2][-2] == 'unknown'
    record = json.loads(node_report.write_node_report(results, tmp_path / 'new').read_text())
    assert record['runs'][0]['own_ms'] == pytest.approx(2.0)
    assert record['ratios'][0]['age_ratios'] == [2.0, 3.0, 5.0]
    assert cv2.imread(str(tmp_path / 'new' / 'node.png')) is not None
    assert sorted(p.name for p in (tmp_path / 'new').iterdir()) == ['node.json', 'node.png']


@pytest.mark.parametrize('name', ['c', 'camera', 'camera_optical_frame'])
@pytest.mark.parametrize('count', [0, 3])
def test_the_head_of_a_cloud_is_read_from_its_bytes(name, count):
    header = image(12.25).header
    header.frame_id = name
    data = serialize_message(to_cloud(people(count, COCO_17), header))
    assert read_cloud_head(data) == (12_250_000_000, count)


def test_the_camera_shows_the_picture(tmp_path):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32] = 200
    raw, packed = make_messages(picture, 'raw'), make_messages(picture, 'compressed')
    assert len(raw) == len(packed) > 1
    np.testing.assert_array_equal(decode_image(raw[0]), picture)
    assert (decode_image(raw[1]) != picture).any()
    assert np.abs(decode_compressed(packed[0]).astype(int) - picture).mean() < 2


def test_the_naive_node_does_the_same_work():
    msg = image(3.0)
    msg.data[5] = 77
    np.testing.assert_array_equal(naive_node.to_array(msg), decode_image(msg))
    _, data = cv2.imencode('.png', np.full((4, 6, 3), 9, np.uint8))
    packed = CompressedImage(data=array('B', data.tobytes()))
    assert naive_node.to_array(packed).shape == (4, 6, 3)
    poses = people(2, COCO_17)
    cloud = naive_node.naive_cloud(poses, msg.header)
    values = np.frombuffer(cloud.data, np.float32).reshape(2, 17, 6)
    np.testing.assert_array_equal(values[..., :3], poses.keypoints_3d)
    np.testing.assert_array_equal(values[..., 4:], poses.keypoints_2d)
    markers = naive_node.to_markers(poses, msg.header).markers
    # One joint of the first person is missing.
    assert len(markers) == 2 * (17 + len(COCO_17.bones)) - 1
    assert len({marker.id for marker in markers}) == len(markers)


@pytest.mark.parametrize(('kind', 'transport'), [('node', 'compressed'), ('naive', 'raw')])
def test_a_run_of_three_processes(kind, transport, model_and_detector, tmp_path):
    picture = np.full((96, 128, 3), 40, np.uint8)
    paint_person(picture, person_box(64, 48, 60))
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), picture)
    case = Case(kind, (128, 96), transport, 20.0, 1, 1.0)
    seen = []
    figures = run_case(case, path, model_and_detector, seen.append)
    assert figures.case is case
    assert 2 < figures.fps_out <= 25
    assert 0 < figures.ages_ms[0] <= figures.ages_ms[1] <= figures.ages_ms[2]
    assert figures.people == pytest.approx(1.0, abs=0.3)
    assert figures.node_cpu > 0
    assert min(figures.rss_mb) > 20
    assert seen == sorted(seen)
    if kind == 'node':
        assert 0 < figures.own_ms < figures.busy_ms
        assert figures.backend
    else:
        assert figures.busy_ms == 0


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--size', 'big'], "--size: expected WIDTHxHEIGHT such as 640x480, got 'big'"),
        (['--model', 'nobodys'], 'nobodys'),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, words, tmp_path, capsys):
    assert main(['bench', 'node', '--out', str(tmp_path), *arguments]) == 1
    assert words in capsys.readouterr().err
