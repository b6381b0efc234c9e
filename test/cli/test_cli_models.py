"""`unihpe models`: known networks, and a file that is looked at before it is used."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from tiny_detector import write_tiny_detector
from tiny_model import person_box, picture, write_tiny_model
from tiny_networks_2d import write_rectangle_simcc, write_simcc
from unihpe_ros.cli.main import main

BOXES = [person_box(200, 240, 240), person_box(460, 230, 200)]


@pytest.fixture
def add(tmp_path: Path):
    people = tmp_path / 'people.png'
    cv2.imwrite(str(people), picture(*BOXES))
    words = ['--model', write_tiny_model(tmp_path), '--detector', write_tiny_detector(tmp_path)]
    words += ['--picture', people, '--out', tmp_path / 'out', '--backend', 'onnxruntime-cpu']

    def call(*more: object) -> int:
        return main(['models', 'add', *map(str, (*more, *words))])

    return call


def test_list_names_licence_and_maker(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['models', 'list']) == 0
    text = capsys.readouterr().out
    assert 'RTMPose t, s, m, l, x: SimCC; coco17, halpe26, coco133; Apache-2.0; github' in text
    assert '--set heatmap_grid=corners' in text


def test_a_file_is_drawn_and_its_conventions_are_written(
    add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_rectangle_simcc(tmp_path)
    settled = path.with_suffix('.unihpe.json')
    settled.unlink()
    assert add(path, '--set', 'keypoint_set=union26', '--set', 'std=58,57,57.5') == 0
    text = capsys.readouterr().out
    assert 'SimCC, as RTMPose, union26, 96x128 px' in text
    assert 'It finds 2 people; mean score' in text
    written = json.loads(settled.read_text())
    assert written['keypoint_set'] == 'union26'
    assert written['std'] == [58, 57, 57.5]
    drawn = cv2.imread(str(tmp_path / 'out' / 'rectangle.png'))
    assert drawn.shape == (480, 640, 3)
    # Lines of a skeleton are coloured, and the picture is grey.
    assert (drawn.max(-1).astype(int) - drawn.min(-1) > 50).sum() > 500


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--set', 'padding'], "--set: expected NAME=VALUE; got 'padding'"),
        (['--set', 'colour=rgb'], 'unknown colour'),
        (['--set', 'channels=grb'], 'channels: expected one of rgb, bgr'),
    ],
)
def test_what_fails_settles_nothing(
    add, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    path = write_simcc(tmp_path / 'any.onnx')
    assert add(path, *words) == 1
    assert message in capsys.readouterr().err
    assert not path.with_suffix('.unihpe.json').exists()
