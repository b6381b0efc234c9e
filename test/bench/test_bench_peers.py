"""`unihpe bench peers` and `growth`: what is counted, and what is said of who is missing."""

from pathlib import Path

import numpy as np
import pytest
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.peers import growth
from unihpe_ros.bench.peers.comparison import compare_peers, PeerScore, plot_peers, WARM_UP
from unihpe_ros.bench.peers.runners import find_runners, Runner
from unihpe_ros.core.resources import find_resource
from unihpe_ros.core.skeleton import COCO_17

FILM = find_resource('resource/demo/people')


class Oracle(Runner):
    """Knows the truth, and is off by a share of the torso."""

    def __init__(self, name: str, first: int | None = None, off: float = 0.0) -> None:
        self.name, self.lacks = name, ''
        self.first, self.off = first, off
        self.truth = BagReader(FILM).truth() or {}
        self.seen: list[float] = []

    def find(self, image: np.ndarray, camera: object, stamp: float) -> np.ndarray:
        self.seen.append(stamp)
        key = min(self.truth, key=lambda one: abs(1e-9 * one - stamp))
        return self.truth[key].to(COCO_17).keypoints_2d[: self.first] + self.off

    def close(self) -> None:
        pass


def test_runners_are_scored_by_the_truth(tmp_path: Path) -> None:
    everybody, one, wrong = Oracle('all'), Oracle('one', first=1), Oracle('off', off=15.0)
    scores = compare_peers([everybody, one, wrong], FILM, limit=WARM_UP + 6)
    figures = [score.summary() for score in scores]
    assert figures[0]['found'] == 1.0
    assert figures[0]['pck_0.2'] == 1.0
    assert figures[1]['found'] < 0.6
    assert figures[2]['pck_0.2'] < 0.5
    assert all(len(score.latency_ms) == 6 for score in scores)
    # All saw the same images.
    assert everybody.seen == one.seen == wrong.seen
    plot_peers(scores, tmp_path / 'peers.png')
    assert (tmp_path / 'peers.png').stat().st_size > 1000


def test_too_short_a_film_is_refused() -> None:
    with pytest.raises(ValueError, match='expected more than 15 images'):
        compare_peers([Oracle('all')], FILM, limit=WARM_UP)


def test_who_cannot_run_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('UNIHPE_ENGINE_CACHE', str(tmp_path))
    runners, missing = find_runners('unihpe_rt', ['onnxruntime-cpu'])
    names = [runner.name for runner in runners]
    for runner in runners:
        runner.close()
    assert names[:2] == ['unihpe_ros, onnxruntime-cpu, fp32', 'plain pipeline, fp32']
    assert any('int8 is left out' in line and 'unihpe quantise' in line for line in missing)


def test_nobody_to_find_is_no_share() -> None:
    score = PeerScore('nobody', '', [1.0], [1.0])
    assert score.summary()['found'] is None
    assert score.summary()['pck_0.2'] is None


def test_growth_is_measured_along_its_axes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(growth, 'PEOPLE', (1, 4))
    monkeypatch.setattr(growth, 'CAMERAS', (1, 2))
    monkeypatch.setattr(growth, 'GROWTH_SIZES', ((640, 480),))
    monkeypatch.setattr(growth, 'RATES', (15, 30))
    points = growth.measure_growth('unihpe_rt', 'onnxruntime-cpu', 2)
    assert [(point.axis, point.value) for point in points] == [
        *(('people', 1), ('people', 4), ('cameras', 1), ('cameras', 2), ('width', 640)),
        *(('fps', 15), ('fps', 30)),
    ]
    assert points[-1].total == 30 * points[-1].cpu_ms
    assert points[1].cpu_ms > points[0].cpu_ms
    growth.plot_growth(points, tmp_path / 'growth.png')
    assert (tmp_path / 'growth.png').stat().st_size > 1000
