import os
from pathlib import Path
import re
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest
from tiny_detector import write_tiny_detector
from tiny_run import walk_image, write_walk_video
from unihpe_ros.cli import main as cli
from unihpe_ros.detector import PersonDetector
from unihpe_ros.run.outputs.people_file import PeopleFile
from unihpe_ros.run.session import RunResult

pytestmark = pytest.mark.slow


@pytest.fixture
def options(model, tmp_path) -> list[str]:
    detector = write_tiny_detector(model.parent)
    return [
        '--model',
        str(model),
        '--detector',
        str(detector),
        '--out',
        str(tmp_path / 'o/{name}.jsonl'),
    ]


def unihpe(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def test_many_inputs_become_a_file_each_and_a_bad_one_is_told(tmp_path, options, capsys):
    for name in ('a', 'b'):
        write_walk_video(tmp_path / f'{name}.mp4', 10)
    (tmp_path / 'bad.mp4').write_bytes(b'nothing')
    inputs = [tmp_path / name for name in ('a.mp4', 'bad.mp4', 'b.mp4')]
    assert unihpe('run', *inputs, *options) == 1
    out, err = capsys.readouterr()
    assert 'a.mp4: 10 images at' in out
    assert [line for line in err.splitlines() if 'error' in line] == [
        f'unihpe run: error: {tmp_path}/bad.mp4: expected a video that OpenCV can read; it is '
        'damaged or of a codec that OpenCV lacks (ffmpeg -i bad.mp4 -c:v libx264 readable.mp4 '
        'makes one)'
    ]
    assert sorted(path.name for path in (tmp_path / 'o').iterdir()) == ['a.jsonl', 'b.jsonl']
    assert unihpe('run', *inputs, *options, '--resume') == 1
    assert 'b.mp4: was done before.' in capsys.readouterr().out
    assert unihpe('run', *inputs, *options, '--shard', '3/3', '--resume') == 0


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['gone.mp4'], 'gone.mp4: expected a video, a picture, .*there is no such file'),
        (['{}/empty'], 'expected pictures .* it holds none'),
        (['camera:77'], 'camera:77: expected a webcam'),
        (['{}/a.mp4', '--out', 'people.xls'], r'expected a file ending in \.csv'),
        (['{}/a.mp4', '{}/b.mp4', '--out', 'people.csv'], r'expected \{name\} in it'),
        (['{}/a.mp4', '{}/c/a.mp4'], "expected each of another name; several are 'a'"),
        (['{}/a.mp4', '--video', 'a.avi'], r'--video: expected a file ending in \.mp4'),
        (['{}/a.mp4', '--shard', '2/1'], 'expected i/n with 1 <= i <= n'),
        (['{}/a.mp4', '--out', '{}/a.mp4/x.csv'], 'expected a folder to write to'),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    tmp_path, monkeypatch, capsys, arguments, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'c').mkdir()
    for name in ('a', 'b', 'c/a'):
        (tmp_path / f'{name}.mp4').write_bytes(b'')
    before = sorted(tmp_path.rglob('*'))
    assert unihpe('run', *(text.format(tmp_path) for text in arguments)) == 1
    out, err = capsys.readouterr()
    assert out == ''
    assert re.fullmatch(rf'unihpe run: error: .*{words}.*\n', err), err
    assert sorted(tmp_path.rglob('*')) == before


def test_rotation_reaches_the_run_and_resume_holds_to_it(tmp_path, options, monkeypatch, capsys):
    video, plans = write_walk_video(tmp_path / 'walk.mp4', 3), []
    monkeypatch.setattr(
        'unihpe_ros.run.session.run_input',
        lambda source, plan, *rest: plans.append((source.rotation, plan.settings)) or RunResult(),
    )
    assert unihpe('run', video, *options, '--image-rotation', '90') == 0
    assert unihpe('run', video, *options) == 0
    (turned, known), (straight, plain) = plans
    assert (turned, known['image_rotation']) == (90, 90)
    assert straight == 0
    assert 'image_rotation' not in plain
    with pytest.raises(SystemExit):
        unihpe('run', video, *options, '--image-rotation', '45')
    assert 'invalid choice: 45' in capsys.readouterr().err


def test_output_never_replaces_the_input(tmp_path, options, capsys):
    video = write_walk_video(tmp_path / 'walk.mp4', 3)
    before = video.read_bytes()
    assert unihpe('run', video, *options, '--video', tmp_path / '{name}.mp4') == 1
    assert 'walk.mp4: expected another file than the input' in capsys.readouterr().err
    assert video.read_bytes() == before


def test_port_of_the_page_that_is_taken_is_one_sentence(tmp_path, capsys):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        assert unihpe('run', tmp_path / 'a.mp4', '--view', '--web-port', port) == 1
    out, err = capsys.readouterr()
    assert out == ''
    assert re.fullmatch(
        rf'unihpe run: error: web page: cannot listen on 127\.0\.0\.1:{port}: Address already.*\n',
        err,
    )


@pytest.mark.slow
def test_disk_that_is_full_for_real_is_one_sentence_and_leaves_no_file(tmp_path, options):
    video = write_walk_video(tmp_path / 'walk.mp4', 30)
    # Any file of this process ends here, as on a disk that is full; people of 30 frames are more.
    full = (10_000, 10_000)
    run = subprocess.run(
        _command(video, *options, '--out', tmp_path / 'o/{name}.csv'),
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, full),
    )
    assert run.returncode == 1, run.stderr
    (line,) = [line for line in run.stderr.splitlines() if 'error' in line]
    assert 'cannot be written: File too large' in line
    assert not [path for path in (tmp_path / 'o').iterdir() if not path.name.startswith('.')]


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_folder_without_permission_is_one_sentence(tmp_path, capsys):
    (tmp_path / 'locked').mkdir(mode=0o500)
    assert unihpe('run', tmp_path / 'a.mp4', '--out', tmp_path / 'locked/a.csv') == 1
    assert 'Permission denied' in capsys.readouterr().err


def _command(*arguments: object) -> list[str]:
    return [sys.executable, '-m', 'unihpe_ros.cli.main', 'run', *map(str, arguments)]


@pytest.mark.slow
def test_ctrl_c_writes_what_was_done_and_resume_makes_it_whole(tmp_path, options):
    video = write_walk_video(tmp_path / 'walk.mp4', 300)
    process = subprocess.Popen(
        _command(video, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    unfinished = tmp_path / 'o/.walk.jsonl.unfinished.jsonl'
    end = time.monotonic() + 120
    while not (unfinished.exists() and unfinished.stat().st_size > 20_000):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == 'unihpe run: stopped; --resume goes on from there'
    done = len(list(PeopleFile(tmp_path / 'o/walk.jsonl').frames()))
    assert 0 < done < 300
    assert f'{done} images' in out
    subprocess.run(_command(video, *options, '--resume'), check=True, capture_output=True)
    frames = list(PeopleFile(tmp_path / 'o/walk.jsonl').frames())
    assert [frame.number for frame in frames] == list(range(300))
    assert not unfinished.exists()


def test_frames_come_through_a_pipe(tmp_path, options):
    frames = b''.join(walk_image(n / 30).tobytes() for n in range(8))
    done = subprocess.run(
        _command('-', '--raw', '640x480', *options), input=frames, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    read = list(PeopleFile(tmp_path / 'o/stdin.jsonl').frames())
    assert len(read) == 8
    assert len(read[-1].poses) == 2


def test_detector_runs_on_every_nth_image(tmp_path, options, monkeypatch):
    looks = []
    detect = PersonDetector.detect
    monkeypatch.setattr(
        PersonDetector, 'detect', lambda *args: looks.append(args) or detect(*args)
    )
    video, counts = write_walk_video(tmp_path / 'walk.mp4', 40), []
    for every in (2, 10):
        looks.clear()
        assert unihpe('run', video, *options, '--detect-every', every) == 0
        counts.append(len(looks))
    assert counts[0] >= 20
    assert counts[1] <= 10


def test_without_options_a_table_and_a_video_are_made(tmp_path, model, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_walk_video(Path('walk.mp4'), 5)
    detector = write_tiny_detector(model.parent)
    assert unihpe('run', 'walk.mp4', '--model', model, '--detector', detector) == 0
    assert capsys.readouterr().out.endswith('Made out/run/walk.mp4, out/run/walk.csv.\n')
