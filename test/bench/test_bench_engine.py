"""`unihpe bench engine`: every backend on the same people, in one table."""

import json
from pathlib import Path
import sys

import numpy as np
import pytest
from unihpe_ros.bench.engines.demo_crops import demo_group, demo_views
from unihpe_ros.bench.engines.engine_benchmark import ENGINE_STAGES, EngineBench
from unihpe_ros.bench.engines.pytorch import time_torch
from unihpe_ros.bench.engines.roofline_model import count_work, Workload
from unihpe_ros.cli.main import main
from unihpe_ros.core.resources import find_resource
from unihpe_ros.engines.model_loader import load_pose_model

BATCHES = (1, 2)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure no longer than it takes to see that it is measured."""
    for module in ('engine_benchmark', 'pytorch'):
        monkeypatch.setattr(f'unihpe_ros.bench.engines.{module}.BATCHES', BATCHES)
    monkeypatch.setattr('unihpe_ros.bench.engines.engine_benchmark._WARM_UP', 1)


def test_backends_are_timed_compared_and_put_into_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, 'pycuda', None)
    backends = ('tensorrt', 'openvino-f32', 'onnxruntime-cpu')
    chosen = [part for name in backends for part in ('--backend', name)]
    command = ['bench', 'engine', '--calls', '2', '--parity', '7', '--out', str(tmp_path)]
    assert main([*command, *chosen]) == 0
    record = json.loads((tmp_path / 'engine.json').read_text())
    assert [(row['backend'], row['batch']) for row in record['rows']] == [
        (name, batch) for name in backends[1:] for batch in BATCHES
    ]
    for row in record['rows']:
        assert set(row['stages']) < set(ENGINE_STAGES)
        assert all(row['stages'][name]['p50'] > 0 for name in ('image_branch', 'lifting'))
        assert 0 < row['total']['p50'] <= row['total']['p95'] <= row['total']['p99']
        assert row['estimator']['p50'] > 0
        assert row['people_s'] > 0
        assert row['limit_ms'] > 0
    assert 'PyCUDA does not load' in record['skipped']['tensorrt']
    difference = record['parity']['backends']['openvino-f32']
    assert difference['px_p99'] < 0.01
    assert difference['mm_p99'] < 0.05
    told = capsys.readouterr().out
    assert told.startswith((tmp_path / 'engine.md').read_text())
    assert '| onnxruntime-cpu | 2 |' in told
    assert 'Not here: tensorrt: GPU 0' in told
    assert told.splitlines()[-1].startswith(f'Made {tmp_path / "engine.md"}')


def test_nothing_to_measure_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, 'pycuda', None)
    assert main(['bench', 'engine', '--backend', 'tensorrt', '--parity', '0']) == 1
    assert 'error: no backend runs here: tensorrt: GPU 0' in capsys.readouterr().err


def test_pytorch_is_timed_beside_the_engines() -> None:
    bench = EngineBench('unihpe_rt', calls=1)
    time_torch(bench)
    assert [row['batch'] for row in bench.rows[: len(BATCHES)]] == list(BATCHES)
    assert bench.rows[0]['backend'] == 'torch-eager'
    assert 'torch-compile' in bench.skipped or bench.rows[-1]['backend'] == 'torch-compile'


def test_people_to_compare_on_are_seen_and_are_the_same_every_time() -> None:
    model = load_pose_model('unihpe_rt', backend='onnxruntime-cpu')
    views, again = (demo_views(model.spec, 12) for _ in range(2))
    assert sum(len(crops) for _, crops in views) == 12
    one, other = (model.infer(some, 0.0).keypoints_crop for some in (views, again))
    np.testing.assert_array_equal(one, other)
    picture, boxes = demo_group((1280, 720), 3)
    assert picture.shape == (720, 1280, 3)
    assert (boxes[:, 2:] - boxes[:, :2] > (50, 150)).all()
    assert (np.diff(boxes[:, 0]) > 300).all()
    model.close()


def test_work_is_counted() -> None:
    image, lifting = (
        count_work(find_resource(f'resource/models/unihpe_rt.{name}.onnx'))
        for name in ('image', 'lifting')
    )
    # By hand: 0.39 GMAC; 1.9 M weights that are used once for each of three poses at most.
    assert image.flops == pytest.approx(2 * 0.39e9, rel=0.03)
    assert 1.8e6 < lifting.weights < 2.0e6
    assert lifting.weights < lifting.flops < 6 * lifting.weights
    both = image + lifting
    assert both.values == image.values + lifting.values > 3 * 192 * 144
    slow = Workload(1e9, 1_000_000, 0)
    assert slow.limit_s(4, 1e12, 1e12, 4) == pytest.approx(4e-3)
    assert slow.limit_s(1, 1e15, 1e9, 2) == pytest.approx(2e-3)
