"""The programs of examples/ do what they say, on the recording and the weights that ship."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
import re
import runpy
import sys

import cv2
import numpy as np
import onnx.utils
import pytest
from tiny_datasets import write_coco
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.core.resources import find_resource

FRAMES = 12
EXAMPLES = Path(__file__).resolve().parents[1] / 'examples'


@pytest.fixture(scope='module')
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the first images of the demo recording, which show three people, as a film."""
    path = tmp_path_factory.mktemp('film') / 'film.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 30, (640, 480))
    recording = BagReader(find_resource('resource/demo/people'))
    for _, picture in islice(recording.frames(), FRAMES):
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture
def example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Callable[..., list[str]]:
    """Return a function that runs an example with arguments and returns the lines it printed."""

    def run(name: str, *words: object) -> list[str]:
        monkeypatch.setattr(sys, 'argv', [name, *map(str, words)])
        runpy.run_path(str(EXAMPLES / name), run_name='__main__')
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.slow
def test_single_picture_draws_the_people(example, film, tmp_path):
    _, picture = cv2.VideoCapture(str(film)).read()
    cv2.imwrite(str(tmp_path / 'in.png'), picture)
    lines = example('single_picture.py', tmp_path / 'in.png', tmp_path / 'out.png')
    assert len(lines) == 3
    drawn = cv2.imread(str(tmp_path / 'out.png'))
    assert np.count_nonzero((drawn != picture).any(-1)) > 1000


def test_single_picture_names_what_is_no_picture(example):
    with pytest.raises(SystemExit, match=r'nothing\.png: expected a picture'):
        example('single_picture.py', 'nothing.png', 'out.png')


@pytest.mark.slow
def test_webcam_loop_follows_people_through_a_film(example, film):
    lines = example('webcam_loop.py', film)
    people = [int(re.search(r'person (\d+)', line).group(1)) for line in lines]
    assert set(people) == {1, 2, 3}
    assert len(people) > 2 * FRAMES
    assert lines[-1].startswith(f'{(FRAMES - 1) / 30:8.2f} s')


@pytest.mark.slow
def test_own_detector_finds_who_moves(example, film):
    lines = example('bring_your_own_detector.py', film)
    assert len(lines) == FRAMES
    assert re.search(r'[23] people', lines[-1])


@pytest.mark.slow
def test_own_2d_network_is_lifted(example, film, tmp_path):
    # Of our image branch what RTMPose has too.
    ours = find_resource('resource/models/unihpe_rt.image.onnx')
    network, wanted = tmp_path / 'simcc.onnx', ['simcc_x', 'simcc_y']
    onnx.utils.extract_model(str(ours), str(network), ['image'], wanted)
    network.with_suffix('.unihpe.json').write_text('{"keypoint_set": "union26"}')
    lines = example('bring_your_own_2d_network.py', network, film)
    distances = [float(re.search(r'is ([\d.]+) m away', line).group(1)) for line in lines]
    assert len(distances) > 2 * FRAMES
    assert 1 < np.median(distances) < 12


@pytest.mark.slow
def test_own_data_trains_and_exports(example, tmp_path):
    write_coco(tmp_path, 'train2017')
    labels = tmp_path / 'annotations/person_keypoints_train2017.json'
    out, words = tmp_path / 'out', ('--steps', 1, '--batch', 2)
    lines = example('train_on_your_own_data.py', labels, tmp_path / 'train2017', out, *words)
    assert (out / 'mine.image.onnx').is_file()
    assert (out / 'mine.lifting.onnx').is_file()
    assert lines[-1].endswith(f'--model {out}/mine')


def test_every_example_is_run_here():
    text = Path(__file__).read_text(encoding='utf-8')
    text += (EXAMPLES.parent / 'test/ros/test_ros_examples.py').read_text(encoding='utf-8')
    assert [path.name for path in EXAMPLES.glob('*.py') if path.name not in text] == []


def test_lines_of_the_first_hour_find_people_in_a_picture(tmp_path, monkeypatch, capsys):
    page = (EXAMPLES.parent / 'docs/first_hour.md').read_text(encoding='utf-8')
    (lines,) = re.findall(r'^```python\n(.*?)^```', page, re.DOTALL | re.MULTILINE)
    (tmp_path / 'photo.jpg').write_bytes((EXAMPLES.parent / 'docs/demo.jpg').read_bytes())
    (tmp_path / 'five.py').write_text(lines)
    monkeypatch.chdir(tmp_path)
    runpy.run_path('five.py')
    assert re.match(r'\(\d, 26, 2\) \(\d, 26, 3\) \[0\.', capsys.readouterr().out)
