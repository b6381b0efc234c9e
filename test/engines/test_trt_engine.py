"""TensorRT's engine against a GPU that insists on the protocol (`fake_gpu`)."""

from collections.abc import Iterator
import json
from pathlib import Path
import sys
from threading import Thread
from types import ModuleType

from fake_gpu import CudaError, FakeGpu
import numpy as np
import pytest
from tiny_model import FEATURE, tiny_spec
from unihpe_ros.engines import cuda, cuda_graph, EngineError
from unihpe_ros.engines.backend_choice import load_engine
from unihpe_ros.engines.build import BuiltEngine
from unihpe_ros.engines.trt_engine import TrtEngine
from unihpe_ros.engines.trt_net import batch_sizes

MAX_PEOPLE = 4


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeGpu]:
    """Put a fake GPU into the machine, with TensorRT, and an empty engine cache."""
    fake = FakeGpu()
    package = ModuleType('pycuda')
    package.driver = fake.driver  # type: ignore[attr-defined]
    modules = {'pycuda': package, 'pycuda.driver': package.driver, 'tensorrt': fake.tensorrt}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(cuda_graph, '_driver', lambda: fake.libcuda)
    monkeypatch.setattr('unihpe_ros.engines.trt_runtime._logger_type', fake_logger)
    monkeypatch.setattr('unihpe_ros.engines.build.build_plan', fake_build)
    monkeypatch.setenv('UNIHPE_ENGINE_CACHE', str(tmp_path / 'engines'))
    cuda.open_gpu.cache_clear()
    yield fake
    assert fake.depth() == 0, 'a context was left on this thread'
    cuda.open_gpu.cache_clear()


def fake_logger(module: object):
    def make(messages):
        class Logger:
            def log(self, severity: int, message: str) -> None:
                messages.append(message)

        return Logger()

    return make


def fake_build(library, path, target, *, timings, progress) -> BuiltEngine:
    branch = path.name.split('.')[1]
    spec = tiny_spec(branch=branch)
    inputs, outputs = spec.signature()
    known = {'image_feature': [FEATURE], 'feature': [FEATURE]}
    content = {
        kind: {name: known.get(name, list(shape[1:])) for name, shape in tensors.items()}
        for kind, tensors in (('inputs', inputs), ('outputs', outputs))
    }
    if progress is not None:
        progress('building', 1.0)
    return BuiltEngine(json.dumps(content).encode(), spec, inputs, outputs, {})


def open_engine(model: Path, branch: str = 'lifting', max_people: int = MAX_PEOPLE) -> TrtEngine:
    path = model.with_name(f'tiny.{branch}.onnx')
    engine = load_engine(path, backend='tensorrt', max_people=max_people)
    assert isinstance(engine, TrtEngine)
    return engine


def inputs_of(rows: np.ndarray) -> dict[str, np.ndarray]:
    keypoints = np.zeros((len(rows), 26, 3), np.float32)
    keypoints[:, 3, 1] = rows
    return {
        'keypoints': keypoints,
        'image_feature': np.full((len(rows), FEATURE), 0.5, np.float32),
    }


def answer_of(rows: np.ndarray) -> np.ndarray:
    return rows + 0.5 * FEATURE


@pytest.mark.parametrize('batch', [0, 1, 3, 4, 9])
def test_every_row_gets_its_own_answer(gpu: FakeGpu, model: Path, batch: int) -> None:
    engine = open_engine(model)
    assert engine.backend == 'tensorrt'
    assert engine.inputs == {'keypoints': (None, 26, 3), 'image_feature': (None, FEATURE)}
    rows = np.arange(batch, dtype=np.float32)
    for shift in (0, 100):
        answer = engine.infer(inputs_of(rows + shift))
        assert answer['fused_pose3d'].shape == (batch, 26, 3)
        np.testing.assert_array_equal(answer['embedding'][:, 7], answer_of(rows + shift))
    engine.close()


def test_graphs_are_replayed_and_nothing_is_allocated_after_loading(
    gpu: FakeGpu, model: Path
) -> None:
    engine = open_engine(model)
    assert engine.graphs
    before = gpu.allocations, gpu.enqueued, gpu.held()
    for batch in (1, 2, 4, 1, 3) * 20:
        engine.infer(inputs_of(np.zeros(batch, np.float32)))
    assert (gpu.allocations, gpu.enqueued, gpu.held()) == before
    assert gpu.launches == 100
    engine.close()


def test_without_graphs_it_enqueues_and_says_so(gpu: FakeGpu, model: Path) -> None:
    gpu.can_capture = False
    engine = open_engine(model)
    rows = np.arange(3, dtype=np.float32)
    np.testing.assert_array_equal(
        engine.infer(inputs_of(rows))['embedding'][:, 0], answer_of(rows)
    )
    assert not engine.graphs
    assert engine.notes[0].endswith('cuStreamBeginCapture_v2: the CUDA driver answered 900')
    engine.close()
    assert gpu.held() == 0


def test_a_hundred_loads_leave_nothing_behind(gpu: FakeGpu, model: Path) -> None:
    for _ in range(100):
        engine = open_engine(model, max_people=2)
        engine.infer(inputs_of(np.ones(2, np.float32)))
        engine.close()
        engine.close()
    assert gpu.allocations > 100
    assert gpu.held() == 0


def test_two_engines_answer_from_threads_of_their_own(gpu: FakeGpu, model: Path) -> None:
    engines = [open_engine(model), open_engine(model)]
    right: list[bool] = []

    def work(engine: TrtEngine, first: float) -> None:
        for batch in (1, 4, 2, 7):
            rows = first + np.arange(batch, dtype=np.float32)
            found = engine.infer(inputs_of(rows))['embedding'][:, 0]
            right.append(np.array_equal(found, answer_of(rows)) and gpu.depth() == 0)

    threads = [Thread(target=work, args=(one, 10.0 * i)) for i, one in enumerate(engines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 8
    closer = Thread(target=lambda: [one.close() for one in engines])
    closer.start()
    closer.join()
    assert gpu.held() == 0


def test_closed_engine_and_malformed_input_are_named(gpu: FakeGpu, model: Path) -> None:
    engine = open_engine(model)
    with pytest.raises(ValueError, match='expected inputs'):
        engine.infer({'image': np.zeros((1, 3, 128, 96), np.float32)})
    engine.close()
    with pytest.raises(EngineError, match='expected an open engine; it was closed'):
        engine.infer(inputs_of(np.zeros(1, np.float32)))


def test_driver_errors_are_engine_errors(
    gpu: FakeGpu, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(model)

    def fail(self) -> None:
        raise CudaError('an illegal memory access was encountered')

    with monkeypatch.context() as patch:
        patch.setattr('fake_gpu.Stream.synchronize', fail)
        with pytest.raises(EngineError, match='Fake GPU: the driver failed: an illegal memory'):
            engine.infer(inputs_of(np.zeros(1, np.float32)))
    engine.close()


def test_engine_that_the_runtime_refuses_frees_what_it_took(
    gpu: FakeGpu, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('fake_gpu.FakeContext.set_input_shape', lambda self, name, shape: False)
    with pytest.raises(EngineError, match=r'TensorRT refuses keypoints of shape \(1, 26, 3\)'):
        open_engine(model)
    assert len(gpu.memory) == len(gpu.pinned) == 0


def test_no_device_is_named(gpu: FakeGpu, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu.devices = 0
    with pytest.raises(EngineError, match='expected a CUDA device; the driver has 0'):
        open_engine(model)

    def fail() -> None:
        raise CudaError('cuInit failed: no CUDA-capable device is detected')

    monkeypatch.setattr(sys.modules['pycuda.driver'], 'init', fail)
    with pytest.raises(EngineError, match='the driver failed: cuInit failed'):
        open_engine(model)


def test_auto_prefers_the_gpu(gpu: FakeGpu, model: Path) -> None:
    told = []
    engine = load_engine(
        model.with_name('tiny.lifting.onnx'), progress=lambda text, share: told.append(share)
    )
    assert (engine.backend, engine.notes, told) == ('tensorrt', (), [1.0])
    engine.close()


def test_batches_that_engines_are_prepared_for() -> None:
    assert batch_sizes(1) == (1,)
    assert batch_sizes(8) == tuple(range(1, 9))
    assert batch_sizes(18) == (*range(1, 9), 12, 16, 18)
