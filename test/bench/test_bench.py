"""`unihpe bench bag` as a user runs it, on tiny recordings and a tiny model."""

import base64
import json
from pathlib import Path
import re
import subprocess
import sys

from bench_bags import data_file, stamp_of, write_bag
import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import PointCloud2
from tiny_bag import truth_at, walker
from tiny_detector import write_tiny_detector
from tiny_estimator import tiny_estimator
from tiny_model import write_tiny_model
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.recordings.bench_report import read_report
from unihpe_ros.bench.recordings.frame_table import ANSWERED, BROKEN, DROPPED
from unihpe_ros.bench.recordings.in_process import DirectRun
from unihpe_ros.bench.recordings.live_node import run_live
from unihpe_ros.bench.recordings.recorder import Recorder
from unihpe_ros.bench.recordings.session import BenchPlan, Session
from unihpe_ros.cli.main import main
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.engines import ORDER
from unihpe_ros.metrics.ground_truth import accuracy, TruthMeter
from unihpe_ros.ros.clouds import from_cloud

FRAMES = 8


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('bench')
    (folder / 'bags').mkdir()
    write_bag(folder / 'bags' / 'one', FRAMES)
    write_bag(folder / 'bags' / 'two', FRAMES - 3, kind='sqlite3')
    write_bag(folder / 'bags' / 'old', 4, kind='ros1 lz4')
    write_tiny_model(folder)
    write_tiny_detector(folder)
    write_tiny_model(folder, 'other', agreement=0.4)
    return folder


def bench(*arguments: object) -> int:
    return main(['bench', *map(str, arguments)])


def tiny_models(folder: Path) -> tuple[object, ...]:
    return ('--model', folder / 'tiny', '--detector', folder / 'tiny_det')


def run_bag(path: Path, folder: Path, out: Path, *more: object) -> dict:
    assert (
        bench(
            'bag',
            path,
            *tiny_models(folder),
            '--out',
            out,
            *more,
        )
        == 0
    )
    return json.loads((out / 'report.json').read_text())


def test_a_recording_is_measured(folder, tmp_path, capsys):
    backend = ('--backend', 'onnxruntime-cpu')
    report = run_bag(folder / 'bags' / 'one', folder, tmp_path, *backend)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'report.html',
        'report.json',
        'report.md',
    ]
    (model,) = report['models']
    (bag,) = model['bags']
    assert (model['model'], model['about']['backend']) == ('tiny', 'onnxruntime-cpu')
    assert (bag['bag'], bag['images'], bag['complete'], bag['size']) == (
        'one', FRAMES, True, [640, 480],
    )  # fmt: skip
    frames = bag['frames']
    assert frames['number'] == list(range(FRAMES))
    assert frames['state'] == [ANSWERED] * FRAMES
    assert frames['time_s'] == pytest.approx(np.arange(FRAMES) / 30, abs=1e-6)
    assert frames['people'] == [0] + [2] * (FRAMES - 1)  # Two looks make a person.
    assert frames['image_bytes'] == [640 * 480 * 3] * FRAMES
    for i in range(FRAMES):
        parts = frames['decode_image_ms'][i] + frames['estimate_ms'][i]
        assert frames['latency_ms'][i] == pytest.approx(parts, rel=0.05, abs=0.5)
    summary = model['summary']
    median = np.median(frames['latency_ms'])
    assert summary['latency_ms']['p50'] == pytest.approx(median, rel=1e-4)
    assert summary['people']['ids'] == 2
    assert summary['confidence']['agreement'] == pytest.approx(0.9, abs=1e-3)
    assert 1 < summary['memory_mb']['most'] < 10_000
    out = capsys.readouterr().out
    for part in ('reader', 'decoder', 'estimator'):
        assert f'{part} alone' in out
    assert out.splitlines()[-1].startswith(f'Made {tmp_path / "report.html"}')


def test_throughput_is_bytes_and_images_over_the_time_of_each_part(folder, tmp_path):
    report = run_bag(folder / 'bags' / 'two', folder, tmp_path)
    frames = report['models'][0]['bags'][0]['frames']
    figures = report['models'][0]['summary']['throughput']
    for part, column, size in (
        ('reader', 'read_ms', 'bytes'),
        ('decoder', 'decode_image_ms', 'image_bytes'),
        ('estimator', 'estimate_ms', 'image_bytes'),
    ):
        seconds = sum(frames[column]) / 1e3
        assert figures[f'{part}_fps'] == pytest.approx(len(frames[column]) / seconds, rel=1e-4)
        assert figures[f'{part}_mb_s'] == pytest.approx(
            sum(frames[size]) / 1e6 / seconds, rel=1e-4
        )


def test_accuracy_is_that_of_the_truth_meter(folder, tmp_path):
    report = run_bag(folder / 'bags' / 'one', folder, tmp_path)
    found = report['models'][0]['summary']['accuracy']
    meter = TruthMeter()
    reader = BagReader(folder / 'bags' / 'one')
    estimator = tiny_estimator(folder / 'tiny')
    truth = reader.truth()
    for image in reader.images():
        poses = estimator.estimate(image.decode(), reader.camera, 1e-9 * image.stamp)
        meter.add(poses, truth[image.stamp])
    expected = accuracy([meter.result()])
    for name in ('mpjpe_mm', 'error_px', 'recall', 'people', 'found', 'extra', 'id_switches'):
        assert found[name] == pytest.approx(expected[name], rel=1e-3), name
    assert found['pa_mpjpe_mm'] == pytest.approx(expected['pa_mpjpe_mm'], abs=0.01)
    assert found['root_share'] == pytest.approx(expected['root_share'], rel=1e-3)
    # By hand: nobody in the first image, both in the others, always the same ids.
    assert (found['people'], found['found']) == (2 * FRAMES, 2 * (FRAMES - 1))
    assert found['mota'] == pytest.approx(1 - 2 / (2 * FRAMES))
    assert found['idf1'] == pytest.approx(2 * 14 / (16 + 14))
    assert found['joints']['pelvis']['mpjpe_mm'] == 0


def test_a_folder_of_recordings_and_two_models_make_one_report(folder, tmp_path):
    report = run_bag(folder / 'bags', folder, tmp_path, '--model', folder / 'other')
    assert [model['model'] for model in report['models']] == ['tiny', 'other']
    for model in report['models']:
        assert [bag['bag'] for bag in model['bags']] == ['old.bag', 'one', 'two']
        assert model['summary']['frames']['answered'] == 4 + FRAMES + FRAMES - 3
    tiny, other = (model['summary'] for model in report['models'])
    assert tiny['confidence']['agreement'] == pytest.approx(0.9, abs=1e-3)
    assert other['confidence']['agreement'] == pytest.approx(0.4, abs=1e-3)
    assert other['confidence']['doubtful'] == 1
    assert tiny['accuracy'] == other['accuracy']


def without_times(report: dict) -> dict:
    """Leave out what no two runs have in common."""
    for model in report['models']:
        for name in ('throughput', 'latency_ms', 'stages_ms', 'memory_mb', 'noise'):
            del model['summary'][name]
        for bag in model['bags']:
            del bag['wall_s']
            for column in list(bag['frames']):
                if column.endswith('_ms') or column == 'rss_mb':
                    del bag['frames'][column]
    return report


def test_shards_merge_into_the_report_of_one_machine(folder, tmp_path):
    whole = run_bag(folder / 'bags', folder, tmp_path / 'whole')
    shards = [tmp_path / f'shard{i}' for i in (1, 2)]
    for i, shard in enumerate(shards, 1):
        part = run_bag(folder / 'bags', folder, shard, '--shard', f'{i}/2')
        assert part['shards'] == [f'{i}/2']
    assert bench('merge', shards[1], shards[0], '--out', tmp_path / 'merged') == 0
    merged = json.loads((tmp_path / 'merged' / 'report.json').read_text())
    assert merged['shards'] == ['1/1']
    assert without_times(merged) == without_times(whole)
    assert (tmp_path / 'merged' / 'report.html').is_file()


def test_worst_images_are_shown(folder, tmp_path):
    report = run_bag(folder / 'bags' / 'one', folder, tmp_path)
    (worst,) = report['models'][0]['bags'][0]['worst']  # All are within one second.
    assert (worst['number'], worst['caption']) == (0, '2 missed')
    assert worst['badness'] == 1
    jpeg = np.frombuffer(base64.b64decode(worst['jpeg']), np.uint8)
    assert cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape[1] == 560


def test_at_a_pace_images_that_are_overtaken_are_dropped(folder):
    reader = BagReader(folder / 'bags' / 'one')
    estimator = tiny_estimator(folder / 'tiny')
    recorder = Recorder(reader, None)
    run = DirectRun(reader, estimator, recorder, rate=1e5)
    run.run(lambda: None)
    frames = recorder.result(run.wall_s).frames
    # All of them are there at once, and the newest wins.
    assert frames['state'] == [DROPPED] * (FRAMES - 1) + [ANSWERED]
    assert frames['latency_ms'][0] is None


def test_in_real_time_nothing_comes_before_its_time(folder):
    reader = BagReader(folder / 'bags' / 'one')
    recorder = Recorder(reader, None)
    run = DirectRun(reader, tiny_estimator(folder / 'tiny'), recorder, rate=1.0)
    run.run(lambda: None)
    assert run.wall_s >= (FRAMES - 1) / 30
    assert recorder.result(run.wall_s).frames['state'][-1] == ANSWERED


def test_after_ctrl_c_the_report_tells_what_was_done(folder, tmp_path, monkeypatch, capsys):
    answered, count = Recorder.answered, [0]

    def interrupt(self, *arguments):
        count[0] += 1
        if count[0] == 4:
            raise KeyboardInterrupt
        answered(self, *arguments)

    monkeypatch.setattr(Recorder, 'answered', interrupt)
    path, model = folder / 'bags' / 'one', folder / 'tiny'
    assert bench('bag', path, '--model', model, '--out', tmp_path) == 130
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['ended_by'] == 'Ctrl-C'
    assert report['models'][0]['summary']['frames']['answered'] == 3
    assert report['models'][0]['bags'][0]['complete'] is False
    assert 'Unfinished' in (tmp_path / 'report.html').read_text()
    assert 'Unfinished' in (tmp_path / 'report.md').read_text()
    assert capsys.readouterr().err.splitlines()[-1].endswith('unfinished: Ctrl-C')
    assert bench('merge', tmp_path, '--out', tmp_path / 'merged') == 1
    assert 'expected a finished shard; it ended by Ctrl-C' in capsys.readouterr().err


def test_an_image_that_is_broken_is_counted_and_named(folder, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', 5)
    content = bytearray(data_file(bag).read_bytes())
    second = content.index(b'\x89PNG', content.index(b'\x89PNG') + 1)
    content[second : second + 4] = b'oops'
    data_file(bag).write_bytes(content)
    report = run_bag(bag, folder, tmp_path / 'out')
    (result,) = report['models'][0]['bags']
    assert result['frames']['state'] == [ANSWERED, BROKEN, *[ANSWERED] * 3]
    words = f'{bag}: /camera/image_raw/compressed: message 1: compressed image'
    assert result['first_error'].startswith(words)
    assert f'first broken image: {words}' in capsys.readouterr().out


def test_a_recording_that_breaks_half_way_leaves_a_report(folder, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', 6, kind='mcap zstd')
    content = bytearray(data_file(bag).read_bytes())
    frames = [at for at in range(len(content)) if content.startswith(b'\x28\xb5\x2f\xfd', at)]
    # camera_info, image and truth of each image are frames of their own.
    content[frames[3 * 3 + 1]] ^= 0xFF
    data_file(bag).write_bytes(content)
    assert (
        bench(
            'bag',
            bag,
            *tiny_models(folder),
            '--out',
            tmp_path / 'out',
        )
        == 1
    )
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    # The next image is read before one is worked on.
    assert report['models'][0]['summary']['frames']['answered'] == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert f'{bag}: expected a complete recording; broken at message 3 of /camera' in error


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


def test_truth_may_come_from_a_file(folder, tmp_path):
    bag = write_bag(tmp_path / 'bag', 4, truth=False)
    people = [truth_at(walker(n / 30))[0] for n in range(4)]
    file = tmp_path / 'truth.npz'
    np.savez(
        file,
        skeleton=UNION.name,
        stamps=np.repeat([stamp_of(n) for n in range(4)], 2),
        ids=np.tile([1, 2], 4),
        keypoints_2d=np.concatenate([one.keypoints_2d for one in people]),
        keypoints_3d=np.concatenate([one.keypoints_3d for one in people]),
        visible=np.ones((8, 26), bool),
    )
    report = run_bag(bag, folder, tmp_path / 'out', '--truth', file)
    expected = run_bag(write_bag(tmp_path / 'with', 4), folder, tmp_path / 'out2')
    assert (
        report['models'][0]['summary']['accuracy']
        == (expected['models'][0]['summary']['accuracy'])
    )
    none = run_bag(bag, folder, tmp_path / 'out3')
    assert none['models'][0]['summary']['accuracy'] is None
    assert none['models'][0]['bags'][0]['worst'][0]['caption'].startswith('score')


def test_without_ros_a_recording_is_measured(folder, tmp_path):
    program = (
        'import sys\n'
        'for name in ("rclpy", "sensor_msgs", "std_msgs", "visualization_msgs"):\n'
        '    sys.modules[name] = None\n'
        'from unihpe_ros.cli.main import main\n'
        'sys.exit(main(sys.argv[1:]))\n'
    )
    arguments = ['bench', 'bag', folder / 'bags' / 'old.bag', '--model', folder / 'tiny']
    done = subprocess.run(
        [sys.executable, '-c', program, *map(str, arguments), '--out', str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert read_report(tmp_path).models[0].bags[0].images == 4


def test_a_live_node_is_measured(folder, tmp_path):
    bag = write_bag(tmp_path / 'live', 20)
    report = run_bag(bag, folder, tmp_path / 'out', '--through', 'ros')
    (model,) = report['models']
    frames = model['summary']['frames']
    assert frames['answered'] + frames['dropped'] == frames['seen']
    assert frames['answered'] > 0
    assert model['about']['backend'] in ORDER
    assert 0 < model['summary']['latency_ms']['p50'] < 5000
    assert 'image_branch' in model['summary']['stages_ms']
    assert report['settings']['rate'] == '1'


def test_an_interrupted_live_node_is_measured_as_far_as_it_came(folder, tmp_path):
    reader = BagReader(write_bag(tmp_path / 'live', 90))
    recorder = Recorder(reader, reader.truth(), keep_answers=False)

    def interrupt(sent: int) -> None:
        if sent >= 30:
            raise KeyboardInterrupt

    parameters = {'model': str(folder / 'tiny'), 'detector_model': str(folder / 'tiny_det.onnx')}
    result, _, interrupted = run_live(reader, recorder, parameters, interrupt)
    assert interrupted
    assert 0 < len(result.frames['number']) < 90


@pytest.mark.parametrize(
    ('arguments', 'line'),
    [
        (['{}/nothing'], r'nothing: expected a recording .* or a folder of them; there is none'),
        (['{}/empty'], r'empty: expected a recording .*; it holds none'),
        (['{}/bags', '--shard', '4/3'], r"--shard: expected i/n with 1 <= i <= n; got '4/3'"),
        (['{}/bags', '--shard', '1/9'], r'at most as many shards as inputs, 3; got 1/9'),
        (
            ['{}/bags', '--rate', 'fast'],
            r"--rate: expected max, real or a number above 0; got 'fa",
        ),
        (['{}/bags', '--rate', '2', '--through', 'ros'], r'--rate: through ros .* real time'),
        (['{}/bags', '--topic', '/rear'], r'old.bag: no images on /rear; there are /camera/image'),
        (['{}/bags', '--truth', '/gt'], r'expected the true people on /gt'),
        (['{}/bags/one', '--truth', '{}/no.npz'], r'no.npz: expected an .npz file'),
        (['{}/bags/one', '--model', '{}/absent'], r'absent.*expected two files; missing'),
        (['{}/bags/old.bag', '--write-bag', '{}/w'], r'old.bag: expected a rosbag2 to add topics'),
        (
            ['{}/bags/one', '--video', '{}/bags/old.bag/v'],
            r'expected a folder to write to; .*old.bag',
        ),
        (['{}/bags/one', '--write-bag', '{}/bags'], r'bags: exists and is no rosbag2'),
        (['{}/bags/one', '--write-bag', '{}/bags/one'], r'expected another place than'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, tmp_path, capsys, arguments, line):
    (folder / 'empty').mkdir(exist_ok=True)
    given = [text.format(folder) for text in arguments]
    more = [] if '--model' in given else ['--model', folder / 'tiny']
    assert bench('bag', *given, *more, '--out', tmp_path / 'out') == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith('unihpe bench: error: ')
    assert re.search(line, error), error
    assert not (tmp_path / 'out').exists()


def test_names_of_several_models_do_not_collide(folder):
    models = (str(folder / 'tiny'), str(folder / 'other'))
    plan = BenchPlan(folder / 'bags', models, video=folder / 'v.mp4')
    session = Session(plan, lambda title, total: pytest.fail(title))
    places = {
        session._place(plan.video, reader, model).name
        for model in models
        for reader in session._readers
    }
    assert len(places) == 6
    assert 'v_old.bag_tiny.mp4' in places
