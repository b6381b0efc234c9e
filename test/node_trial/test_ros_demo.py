"""`unihpe demo` as a user runs it: three real processes, on a bag and a model of our own."""

import os
from pathlib import Path
import re
import signal
import subprocess
import sys
import time

import cv2
import pytest
from tiny_bag import write_tiny_bag
from tiny_detector import write_tiny_detector
from tiny_model import write_tiny_model

UNIHPE = 'import sys; from unihpe_ros.cli.main import main; sys.exit(main())'
FRAMES = 60
linux = pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('demo')
    write_tiny_bag(folder / 'bag', FRAMES / 30)
    write_tiny_model(folder)
    write_tiny_detector(folder)
    return folder


def start(*arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, '-c', UNIHPE, 'demo', *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(Path(__file__).parents[2])},
        # Who runs the tests in the background has them, and what they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def demo(*arguments: object) -> tuple[int, str, str]:
    process = start(*arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def wait_for_children(process: subprocess.Popen, count: int) -> list[int]:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if len(found := children(process.pid)) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError(f'{count} processes were expected; {process.communicate(timeout=5)}')


def is_running(pid: int) -> bool:
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'  # Dead, and nobody has asked how it died.


def wait_until_gone(pids: list[int]) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end and any(map(is_running, pids)):
        time.sleep(0.02)
    return not any(map(is_running, pids))


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, f'{pattern} not in {text}'
    return float(found.group(1))


def test_a_recording_is_played_measured_and_drawn(folder, tmp_path):
    tiny = ('--model', folder / 'tiny', '--detector', folder / 'tiny_det')
    status, out, err = demo('--bag', folder / 'bag', *tiny, '--out', tmp_path)
    assert status == 0, err
    assert number(r'camera +(\d+) images', out) == FRAMES
    rate = number(r'images at ([\d.]+) fps', out)
    assert 5 < rate < 32, 'a busy machine may be late, but never early'
    assert number(r'node +(\d+) answers', out) >= 0.3 * FRAMES
    assert 0 < number(r'publish p50 ([\d.]+) ms', out) < 2000
    assert 0 < number(r'own time +([\d.]+) ms', out) < 500
    assert number(r'true people \(([\d.]+)%\)', out) > 50
    assert number(r'(\d+) false detections', out) == 0
    assert number(r' MPJPE ([\d.]+) mm', out) < 60
    # The tiny model's sides differ; a person's bones are made alike left and right.
    assert number(r'PA-MPJPE ([\d.]+) mm', out) < 10
    assert number(r'root off by ([\d.]+)%', out) < 5
    video, sheet = tmp_path / 'people.mp4', tmp_path / 'contact_sheet.png'
    assert out.splitlines()[-1].startswith(f'Made {video} (60 frames')
    assert sorted(tmp_path.iterdir()) == [sheet, video]
    assert 'playing' in err
    capture = cv2.VideoCapture(str(video))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(30, abs=0.1)
    assert cv2.imread(str(sheet)).std() > 10


@pytest.mark.parametrize(
    ('arguments', 'line'),
    [
        (['--model', 'nothing'], r"model 'nothing': expected two files; missing .*nothing"),
        (
            ['--bag', 'nowhere'],
            r'nowhere: expected a rosbag2 folder or .*; there is none',
        ),
        (
            ['--bag', '{}'],
            r'a complete recording; broken: the folder holds no .mcap or .db3',
        ),
        (['--topic', '/rear/image'], r'no images on /rear/image; there are /camera/image_raw'),
        (['--seconds', '-1'], r'--seconds: expected 0 or more, got -1'),
        (['--backend', 'abacus'], r'abacus'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, tmp_path, arguments, line):
    arguments = [argument.format(folder) for argument in arguments]
    if '--model' not in arguments:
        arguments += ['--model', folder / 'tiny']
    if '--bag' not in arguments:
        arguments += ['--bag', folder / 'bag']
    status, out, err = demo(*arguments, '--out', tmp_path)
    assert (status, out) == (1, '')
    assert re.search(f'^unihpe demo: error: .*{line}', err.splitlines()[-1]), err
    assert 'Traceback' not in err
    assert list(tmp_path.iterdir()) == []


def test_a_webcam_that_is_not_there_is_named(folder, tmp_path):
    status, _, err = demo('--camera', 63, '--model', folder / 'tiny', '--out', tmp_path)
    assert status == 1
    assert 'the camera ended with status 1: camera 63: cannot be opened' in err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_without_ros_the_extra_to_install_is_named(folder, tmp_path):
    program = f"import sys; sys.modules['rclpy'] = None; {UNIHPE}"
    done = subprocess.run(
        [sys.executable, '-c', program, 'demo', '--out', str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 1
    assert done.stderr == (
        "unihpe demo: error: rclpy is not installed: pip install 'unihpe_ros[ros]'\n"
    )


@linux
def test_a_node_that_dies_is_reported(folder, tmp_path):
    process = start('--bag', folder / 'bag', '--model', folder / 'tiny', '--out', tmp_path)
    node, camera = wait_for_children(process, 2)
    time.sleep(1)  # It is found as soon as its topics are there, and logs a little later.
    os.kill(node, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 'the node ended with SIGKILL' in err.splitlines()[-1]
    assert 'tiny on ' in err, 'the last lines of its log'
    assert wait_until_gone([camera])


@linux
@pytest.mark.parametrize(
    ('number', 'status'),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_nothing_is_left_running(folder, tmp_path, number, status):
    process = start('--bag', folder / 'bag', '--model', folder / 'tiny', '--out', tmp_path)
    ours = wait_for_children(process, 2)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == status
    assert wait_until_gone(ours)
    assert list(tmp_path.iterdir()) == []
