"""Which backend runs a model, what is said about those that cannot, and that they agree."""

from pathlib import Path
import subprocess
import sys
from threading import Thread

import numpy as np
import pytest
from unihpe_ros.core.resources import find_resource
from unihpe_ros.engines import cuda, EngineError, MissingBackendError
from unihpe_ros.engines.backend_choice import first_that_works, load_engine, ORDER
from unihpe_ros.engines.model_files import load_pair

pytestmark = pytest.mark.slow


def failing(*broken: str):
    """Return a loader that works for all backends but some, and the list of what it was asked."""
    asked = []

    def load(name: str) -> str:
        asked.append(name)
        if name in broken:
            raise EngineError(f'no {name} here')
        return name.upper()

    return load, asked


def test_auto_takes_the_first_and_has_nothing_to_say() -> None:
    load, asked = failing()
    assert first_that_works(load, 'auto', 'm') == ('TENSORRT', ())
    assert asked == ['tensorrt']


def test_auto_falls_back_in_order_and_gives_every_reason_in_one_note() -> None:
    load, asked = failing('tensorrt', 'onnxruntime-cuda', 'openvino')
    loaded, notes = first_that_works(load, 'auto', 'unihpe_rt')
    assert loaded == 'ONNXRUNTIME-CPU'
    assert asked == list(ORDER) == ['tensorrt', 'onnxruntime-cuda', 'openvino', 'onnxruntime-cpu']
    assert notes == (
        'unihpe_rt runs on onnxruntime-cpu, the first that works; tried tensorrt: no tensorrt '
        'here; onnxruntime-cuda: no onnxruntime-cuda here; openvino: no openvino here',
    )


def test_backends_that_are_missing_are_nothing_to_speak_of() -> None:
    def load(name: str) -> str:
        if name == 'onnxruntime-cpu':
            return name
        kind = broken.get(name, MissingBackendError)
        raise kind(f'no {name}')

    broken: dict[str, type[EngineError]] = {}
    assert first_that_works(load, 'auto', 'm') == ('onnxruntime-cpu', ())
    broken['tensorrt'] = EngineError
    assert 'tried tensorrt: no tensorrt; ' in first_that_works(load, 'auto', 'm')[1][0]


class Driver:
    """As libcuda: what cuInit answers, and how many GPUs there are."""

    def __init__(self, answer: int, gpus: int) -> None:
        self.answer, self.gpus = answer, gpus

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's name.
        return self.answer

    def cuDeviceGetCount(self, found) -> int:  # noqa: N802 - the driver's name.
        found._obj.value = self.gpus
        return 0


@pytest.mark.parametrize(
    ('driver', 'expected'),
    [
        (None, False),
        (Driver(100, 0), False),  # No device.
        (Driver(34, 0), False),  # A stub.
        (Driver(0, 0), False),
        (Driver(0, 1), True),
        (Driver(803, 0), True),  # The library and the kernel's module do not fit.
    ],
)
def test_a_gpu_is_known_by_its_driver(
    driver: Driver | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> Driver:
        assert name == 'libcuda.so.1'
        if driver is None:
            raise OSError('no such file')
        return driver

    monkeypatch.setattr(cuda.ctypes, 'CDLL', load)
    assert cuda.expects_gpu() is expected


def test_a_named_backend_never_falls_back() -> None:
    load, asked = failing('tensorrt')
    with pytest.raises(EngineError, match='no tensorrt here'):
        first_that_works(load, 'tensorrt', 'm')
    assert asked == ['tensorrt']


def test_when_nothing_works_the_last_reason_counts() -> None:
    load, _ = failing(*ORDER)
    with pytest.raises(EngineError, match=r'^no onnxruntime-cpu here$'):
        first_that_works(load, 'auto', 'm')


def without_pycuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pycuda', None)


def test_tensorrt_without_a_driver_fails_by_name(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pycuda(monkeypatch)
    with pytest.raises(EngineError, match='GPU 0: PyCUDA does not load'):
        load_engine(model.with_name('tiny.image.onnx'), backend='tensorrt')


def test_a_machine_without_a_gpu_has_nothing_to_say(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pycuda(monkeypatch)
    monkeypatch.setattr(cuda, 'expects_gpu', lambda: False)
    image, lifting = load_pair(model)
    assert image.backend == 'openvino'
    assert image.notes == lifting.notes == ()


def test_both_branches_share_a_backend_and_a_note(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pycuda(monkeypatch)
    monkeypatch.setattr(cuda, 'expects_gpu', lambda: True)
    image, lifting = load_pair(model)
    assert image.backend == lifting.backend == 'openvino'
    assert len(image.notes) == 1
    assert 'tiny runs on openvino, the first that works; tried tensorrt: GPU 0' in image.notes[0]
    assert 'onnxruntime-cuda: ' in image.notes[0]
    assert lifting.notes == ()


def test_backend_that_is_not_installed_is_named(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, 'unihpe_ros.engines.ov_engine', raising=False)
    monkeypatch.setitem(sys.modules, 'openvino', None)
    with pytest.raises(EngineError, match=r'tiny\.image\.onnx: openvino is not installed'):
        load_engine(model.with_name('tiny.image.onnx'), backend='openvino')


def random_inputs(branch: str, batch: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    if branch == 'image':
        return {'image': rng.normal(size=(batch, 3, 192, 144)).astype(np.float32)}
    points = np.concatenate([rng.normal(0, 0.4, (batch, 26, 2)), rng.random((batch, 26, 1))], -1)
    return {
        'keypoints': points.astype(np.float32),
        'image_feature': rng.normal(size=(batch, 512)).astype(np.float32),
    }


@pytest.mark.parametrize('branch', ['image', 'lifting'])
def test_openvino_agrees_with_onnx_runtime(branch: str, rng: np.random.Generator) -> None:
    path = find_resource(f'resource/models/unihpe_rt.{branch}.onnx')
    inputs = random_inputs(branch, 3, rng)
    expected = load_engine(path, backend='onnxruntime-cpu').infer(inputs)
    exact = load_engine(path, backend='openvino-f32')
    found = exact.infer(inputs)
    assert (exact.backend, exact.precision) == ('openvino-f32', 'f32')
    quick = load_engine(path, backend='openvino')
    rounded = quick.infer(inputs)
    assert quick.precision in ('bf16', 'f32')
    for name, wanted in expected.items():
        np.testing.assert_allclose(found[name], wanted, atol=5e-5)
        # bfloat16 has 8 bits of mantissa.
        np.testing.assert_allclose(rounded[name], wanted, atol=0.03 * np.abs(wanted).max())


def test_openvino_answers_from_another_thread_and_any_batch(model: Path) -> None:
    engine = load_engine(model.with_name('tiny.lifting.onnx'), backend='openvino', threads=1)
    shapes = []

    def work() -> None:
        for batch in (1, 5, 2):
            inputs = {
                'keypoints': np.zeros((batch, 26, 3), np.float32),
                'image_feature': np.zeros((batch, 512), np.float32),
            }
            shapes.append(engine.infer(inputs)['fused_pose3d'].shape)

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert shapes == [(1, 26, 3), (5, 26, 3), (2, 26, 3)]


HEAR_AFTERWARDS = """
from pathlib import Path
import signal
import sys
from unihpe_ros.engines.backend_choice import load_engine

engines = [load_engine(Path(path), backend='openvino', threads=1) for path in sys.argv[1:]]
while engines:
    engines.pop(0).close()
signal.signal(signal.SIGTERM, lambda *_: print('heard'))
signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.slow
def test_a_process_hears_signals_after_openvino_engines_were_closed(model: Path) -> None:
    paths = [model.with_name(f'tiny.{branch}.onnx') for branch in ('image', 'lifting')]
    done = subprocess.run(
        [sys.executable, '-c', HEAR_AFTERWARDS, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, 'heard\n'), done.stderr


def test_openvino_refuses_what_is_no_model_of_ours(tmp_path: Path, model: Path) -> None:
    broken = tmp_path / 'broken.image.onnx'
    broken.write_bytes(b'not a model at all')
    with pytest.raises(EngineError, match=r'broken\.image\.onnx: expected an ONNX model; .'):
        load_engine(broken, backend='openvino')
    engine = load_engine(model.with_name('tiny.image.onnx'), backend='openvino')
    with pytest.raises(ValueError, match='expected image float32'):
        engine.infer({'image': np.zeros((1, 3, 9, 9), np.float32)})
    engine.close()
    with pytest.raises(EngineError, match='expected an open engine; it was closed'):
        engine.infer({'image': np.zeros((1, 3, 128, 96), np.float32)})
