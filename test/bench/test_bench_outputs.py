"""Recordings and videos that a benchmark writes."""

from bench_bags import data_file, picture_at, stamp_of, write_bag
from bench_runs import bench, FRAMES, run_bag, tiny_models
import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import PointCloud2
from tiny_bag import CAMERA, truth_at, walker
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.writer import BagWriter
from unihpe_ros.bench.recordings.bench_report import read_report
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.rotation import turn_image, turn_points_back, upright_from_camera
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.ros.clouds import from_cloud


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


def test_people_of_a_turned_camera_are_in_the_picture_as_it_came(folder, tmp_path):
    camera = Camera.from_fov(480, 640, 2 * np.arctan(240 / CAMERA.K[0, 0]))
    with BagWriter(tmp_path / 'turned') as bag:
        for frame in range(3):
            # Turned by 270 degrees, so that turning by 90 sets it upright.
            bag.write(stamp_of(frame), turn_image(picture_at(frame), 270), camera, None)
    options = ('--image-rotation', 90, '--write-bag', tmp_path / 'posed')
    report = run_bag(tmp_path / 'turned', folder, tmp_path / 'out', *options)
    assert report['settings']['image_rotation'] == 90
    (*_, people) = BagReader(tmp_path / 'posed').truth('/unihpe/pose3d').values()
    truth, _ = truth_at(walker(2 / 30))
    pelvis = UNION.index('pelvis')
    expected = turn_points_back(truth.keypoints_2d[:, pelvis], 90, (480, 640))
    found = people.keypoints_2d[:, pelvis]
    np.testing.assert_allclose(sorted(found.tolist()), sorted(expected.tolist()), atol=8)
    upright = people.keypoints_3d[:, pelvis] @ upright_from_camera(90).T
    places = truth.keypoints_3d[:, pelvis]
    directions = [p[:, :2] / p[:, 2:] for p in (upright, places)]
    np.testing.assert_allclose(*(sorted(d.tolist()) for d in directions), atol=0.02)


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
