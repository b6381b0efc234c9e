"""Benchmarks that are interrupted, given broken recordings, or asked for what cannot be."""

import json
import re

from bench_bags import data_file, write_bag
from bench_runs import bench, run_bag, tiny_models
import pytest
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.recordings.bench_plan import BenchPlan
from unihpe_ros.bench.recordings.frame_table import ANSWERED, BROKEN
from unihpe_ros.bench.recordings.live_node import run_live
from unihpe_ros.bench.recordings.recorder import Recorder
from unihpe_ros.bench.recordings.recordings_benchmark import Session


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
