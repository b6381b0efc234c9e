"""With a GPU and TensorRT: the device's answers against the host's, and its memory."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from test_device_model import FILES, LENS, SPEC, view
from unihpe_ros.core.crops import InputBatch
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.cache import FOLDER_VARIABLE
from unihpe_ros.engines.cuda import open_gpu
from unihpe_ros.engines.device_model import DevicePoseModel, load
from unihpe_ros.engines.host_model import HostPoseModel
from unihpe_ros.engines.ort_engine import OrtEngine
from unihpe_ros.engines.trt_runtime import load_tensorrt

MOST = 8


def why_not() -> str:
    """Return why this machine cannot run TensorRT, '' if it can."""
    try:
        open_gpu()
        load_tensorrt()
    except EngineError as error:
        return str(error)
    return ''


REASON = why_not()
pytestmark = pytest.mark.skipif(bool(REASON), reason=f'needs a GPU with TensorRT: {REASON}')


@pytest.fixture(scope='module', autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build engines for these tests alone."""
    folder = tmp_path_factory.mktemp('engines')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder))
        yield folder


def open_device() -> DevicePoseModel:
    return load(FILES['image'], backend='tensorrt', max_people=MOST)


@pytest.fixture(scope='module')
def device(cache: Path) -> Iterator[DevicePoseModel]:
    model = open_device()
    yield model
    model.close()


@pytest.fixture(scope='module')
def host() -> Iterator[HostPoseModel]:
    engines = [OrtEngine(path, backend='onnxruntime-cpu') for path in FILES.values()]
    model = HostPoseModel(engines[0], engines[1])
    yield model
    model.close()


@pytest.mark.parametrize('people', [1, 3, 8])
def test_gpu_cuts_the_hosts_crops(device: DevicePoseModel, people: int) -> None:
    gpu = open_gpu()
    for views in ([view(people, people)], [view(people, people, LENS)]):
        device.infer(views, 0.0)
        ours, address = np.empty((people, 3, *SPEC.input_size[::-1]), np.float32), device.input
        with gpu.active():
            gpu.driver.memcpy_dtoh(ours, address)
        std = np.array(SPEC.std).reshape(3, 1, 1)
        error = np.abs(ours - InputBatch(SPEC).fill(views)) * std
        assert np.percentile(error, 99.9) < 1.01
        assert error.mean() < 0.01


def test_half_precision_is_close_to_onnx_runtime(
    device: DevicePoseModel, host: HostPoseModel
) -> None:
    """256 crops; what the network is sure of, by its own score."""
    errors, errors_3d = [], []
    for seed in range(32):
        views = [view(100 + seed, MOST)]
        ours, theirs = device.infer(views, 0.0), host.infer(views, 0.0)
        sure = theirs.scores > 0.5
        errors.append(np.linalg.norm(ours.keypoints_crop - theirs.keypoints_crop, axis=-1)[sure])
        seen = sure.mean(-1) > 0.5
        errors_3d.append(
            np.linalg.norm(ours.relative_3d - theirs.relative_3d, axis=-1)[seen].ravel()
        )
    assert np.percentile(np.concatenate(errors), 99) < 0.5
    assert np.percentile(np.concatenate([*errors_3d, np.zeros(1)]), 99) < 2e-3


def test_graphs_answer_as_single_launches(device: DevicePoseModel) -> None:
    assert device.graphs, device.notes
    views = [view(5, 2), view(6, 3, LENS)]
    device.infer(views, 0.0)
    replayed = device.infer(views, 0.0)
    device.graphs = False
    single = device.infer(views, 0.0)
    device.graphs = True
    np.testing.assert_allclose(replayed.keypoints_crop, single.keypoints_crop, atol=1e-3)
    np.testing.assert_allclose(replayed.relative_3d, single.relative_3d, atol=1e-4)
    assert sum(device.device_times.values()) > 0


def test_lifting_mode(device: DevicePoseModel, host: HostPoseModel) -> None:
    keypoints = np.random.default_rng(0).uniform(-1, 1, (5, 26, 3)).astype(np.float32)
    keypoints[..., 2] = 0.9
    ours, theirs = device.lift(keypoints), host.lift(keypoints)
    assert np.percentile(np.abs(ours.relative_3d - theirs.relative_3d), 99) < 5e-3


def test_another_thread_and_another_engine(device: DevicePoseModel) -> None:
    views = [view(7, 2)]
    here, there = device.infer(views, 0.0), []
    other = open_device()
    worker = Thread(
        target=lambda: there.extend([device.infer(views, 0.0), other.infer(views, 0.0)])
    )
    worker.start()
    worker.join()
    other.close()
    for output in there:
        np.testing.assert_allclose(output.keypoints_crop, here.keypoints_crop, atol=1e-3)
    assert len(there) == 2


def test_memory_is_flat(device: DevicePoseModel) -> None:
    gpu, shots = open_gpu(), [[view(1, 1)], [view(2, 8)], [view(3, 2), view(4, 2, LENS)]]

    def free() -> int:
        with gpu.active():
            return gpu.free_memory()[0]

    for views in (*shots, *shots):
        device.infer(views, 0.0)
    before = free()
    for _ in range(1000):
        for views in shots:
            device.infer(views, 0.0)
    assert before - free() < 2**20
    open_device().close()
    before = free()
    for _ in range(20):
        model = open_device()
        model.infer(shots[0], 0.0)
        model.close()
    assert before - free() < 8 * 2**20
