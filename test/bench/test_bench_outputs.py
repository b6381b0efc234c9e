"""Recordings and videos that a benchmark writes."""

from pathlib import Path

from bench_bags import data_file, stamp_of, write_bag
from bench_runs import bench, FRAMES, run_bag, tiny_models, write_folder
import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import PointCloud2
from tiny_bag import truth_at, walker
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.recordings.bench_report import read_report
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.ros.clouds import from_cloud


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp('bench'))


def test_the_recording_is_written_with_the_poses(folder, tmp_path):
    source, target = folder / 'bags' / 'one', tmp_path / 'posed'
    report = run_bag(source, folder, tmp_path / 'out', '--write-bag', target)
    latency = report['models'][0]['bags'][0]['frames']['latency_ms']
    with AnyReader([source]) as reader:
        before = [(c.topic, time, data) for c, time, data in reader.messages()]
    with AnyReader([target]) as reader:
        after = [(c.topic, time, data) for c, time, data in reader.messages()]
    assert [one for one in after if not one[0].startswith('/unihpe/')] == before
    assert [time for _, time, _ in after] == sorted(time for _, time, _ in after)
    for topic in ('pose2d', 'pose3d', 'markers'):
        assert sum(one[0] == f'/unihpe/{topic}' for one in after) == FRAMES
    clouds = [(time, data) for topic, time, data in after if topic == '/unihpe/pose3d']
    # As a node would publish them: none before the one before it.
    done = np.maximum.accumulate([stamp_of(n) + 1e6 * latency[n] for n in range(FRAMES)])
    for number, (time, data) in enumerate(clouds):
        assert time == pytest.approx(done[number], abs=1e4)
        msg = deserialize_message(bytes(data), PointCloud2)
        assert 1_000_000_000 * msg.header.stamp.sec + msg.header.stamp.nanosec == stamp_of(number)
        assert msg.header.frame_id == 'lens'
        people = from_cloud(msg)
        assert len(people) == (2 if number else 0)
    truth, _ = truth_at(walker((FRAMES - 1) / 30))
    pelvis = UNION.index('pelvis')
    found, true = (sorted(one.keypoints_2d[:, pelvis].tolist()) for one in (people, truth))
    np.testing.assert_allclose(found, true, atol=8)


@pytest.mark.parametrize('kind', ['sqlite3', 'mcap zstd'])
def test_other_storages_are_written_too(folder, tmp_path, kind):
    bag = write_bag(tmp_path / 'bag', 3, kind=kind)
    run_bag(bag, folder, tmp_path / 'out', '--write-bag', tmp_path / 'posed')
    assert data_file(tmp_path / 'posed').suffix == data_file(bag).suffix
    assert BagReader(tmp_path / 'posed').topics['/unihpe/markers'].endswith('MarkerArray')
    assert len(list(BagReader(tmp_path / 'posed').images())) == 3


def test_a_video_is_drawn(folder, tmp_path):
    run_bag(folder / 'bags' / 'one', folder, tmp_path / 'out', '--video', tmp_path / 'a' / 'v.mp4')
    capture = cv2.VideoCapture(str(tmp_path / 'a' / 'v.mp4'))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(30, abs=0.5)
    assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) > 640  # The plan is beside the image.


def test_a_video_that_cannot_be_written_does_not_cost_the_report(folder, tmp_path, capsys):
    arguments = [
        *tiny_models(folder),
        '--out',
        tmp_path / 'out',
    ]
    video = tmp_path / 'v.mp4'
    video.mkdir()
    assert bench('bag', folder / 'bags' / 'two', *arguments, '--video', video) == 1
    assert str(video) in capsys.readouterr().err.splitlines()[-1]
    assert read_report(tmp_path / 'out').models[0].bags[0].complete
