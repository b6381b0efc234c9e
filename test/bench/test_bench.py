"""`unihpe bench bag` as a user runs it, on tiny recordings and a tiny model."""

import base64
import json
from pathlib import Path
import subprocess
import sys

from bench_bags import stamp_of, write_bag
from bench_runs import bench, FRAMES, run_bag
import cv2
import numpy as np
import pytest
from tiny_bag import truth_at, walker
from tiny_estimator import tiny_estimator
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.recordings.bench_report import read_report
from unihpe_ros.bench.recordings.frame_table import ANSWERED, DROPPED
from unihpe_ros.bench.recordings.in_process import DirectRun
from unihpe_ros.bench.recordings.recorder import Recorder
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.engines.backend_choice import ORDER
from unihpe_ros.metrics.ground_truth import accuracy, TruthMeter


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
