"""The pipeline on the device, end to end on a GPU of the host, against the one on the host."""

from collections.abc import Callable, Iterator
from functools import partial

import cv2
from host_gpu import at_address, Block, host_gpu, HostGraph, OrtNet
import numpy as np
import pytest
from unihpe_ros.core.crops import Crops, InputBatch
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.model_spec import MISSING_SCORE
from unihpe_ros.core.resources import find_resource
from unihpe_ros.engines import device_model, EngineError
from unihpe_ros.engines.device_model import DevicePoseModel
from unihpe_ros.engines.host_model import HostPoseModel
from unihpe_ros.engines.kernel_arguments import PixelLayout
from unihpe_ros.engines.ort_engine import OrtEngine
from unihpe_ros.engines.pose_model import PoseModelOutput, View

# A GPU that is played by threads: seconds of waiting for each other.
pytestmark = pytest.mark.slow

MOST = 8
WIDE = Camera.from_fov(1280, 720, 1.2)
LENS = Camera(
    Camera.from_fov(640, 480, 1.4).K, 640, 480, np.array([-0.3, 0.1, 0.001, -0.001, 0.0])
)
FILES = {
    branch: find_resource(f'resource/models/unihpe_rt.{branch}.onnx')
    for branch in ('image', 'lifting')
}
SPEC = OrtEngine(FILES['image'], threads=1).spec
Functions = dict[str, Callable[..., None]]


@pytest.fixture(scope='module')
def host() -> Iterator[HostPoseModel]:
    engines = [OrtEngine(path, threads=1) for path in FILES.values()]
    model = HostPoseModel(engines[0], engines[1])
    yield model
    model.close()


def open_model(functions: Functions, most: int = MOST) -> DevicePoseModel:
    nets = [partial(OrtNet, path, most) for path in FILES.values()]
    specs = [OrtEngine(path, threads=1).spec for path in FILES.values()]
    return DevicePoseModel(host_gpu(functions), (specs[0], specs[1]), (nets[0], nets[1]))


@pytest.fixture
def device(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> Iterator[DevicePoseModel]:
    monkeypatch.setattr(device_model, 'CudaGraph', HostGraph)
    monkeypatch.setattr(HostGraph, 'launches', 0)
    model = open_model(functions)
    yield model
    model.close()


def scenery(seed: int, camera: Camera) -> np.ndarray:
    """A picture with detail at several scales."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((camera.height, camera.width, 3), np.float32)
    for cell, weight in ((80, 0.6), (16, 0.3), (4, 0.1)):
        shape = (camera.height // cell + 2, camera.width // cell + 2, 3)
        noise = rng.uniform(0, 255, shape).astype(np.float32)
        picture += weight * cv2.resize(noise, (camera.width, camera.height))
    return picture.astype(np.uint8)


NOBODY = Crops.aim(np.zeros((0, 4)), WIDE, SPEC.input_size, SPEC.padding)[0]


def view(seed: int, people: int, camera: Camera = WIDE) -> View:
    """Boxes of all sizes, over the image's edges too."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform((0, 0), (camera.width, camera.height), (people, 2))
    half = rng.uniform(0.05, 0.6, (people, 1)) * camera.height * (0.4, 1.0)
    boxes = np.concatenate([centre - half, centre + half], 1)
    crops, made = Crops.aim(boxes, camera, SPEC.input_size, SPEC.padding)
    assert len(made) == people
    return scenery(seed, camera), crops


def assert_same(device: PoseModelOutput, host: PoseModelOutput) -> None:
    np.testing.assert_allclose(device.scores, host.scores, atol=5e-3)
    np.testing.assert_allclose(device.embeddings, host.embeddings, atol=1e-3)
    # Few pixels are rounded the other way, by one level; where the network sees two places that
    # are equally likely, that decides between them. A sure keypoint hardly moves.
    error = np.abs(device.keypoints_crop - host.keypoints_crop).max(-1)
    assert (error < 0.05).mean() > 0.9
    assert (error[host.scores > 0.75] < 0.1).all()
    # What is lifted from another place, or without a keypoint that is just missed, is another
    # pose, but no far one.
    missed = (device.scores < MISSING_SCORE) != (host.scores < MISSING_SCORE)
    same = ((error < 0.05) & ~missed).all(-1)
    for people, atol in ((same, 5e-3), (~same, 8e-2)):
        np.testing.assert_allclose(device.relative_3d[people], host.relative_3d[people], atol=atol)
        np.testing.assert_allclose(device.agreement[people], host.agreement[people], atol=atol)
    assert np.median(np.abs(device.relative_3d - host.relative_3d)) < 3e-4


@pytest.mark.parametrize('people', [1, 3, 8])
def test_device_sees_what_the_host_sees(
    device: DevicePoseModel, host: HostPoseModel, people: int
) -> None:
    for seed in (people, 10 + people):  # By kernels one by one, then by the graph.
        views = [view(seed, people)]
        assert_same(device.infer(views, 0.0), host.infer(views, 0.0))


def test_two_cameras_are_one_batch(device: DevicePoseModel, host: HostPoseModel) -> None:
    nobody = view(7, 1)[0], NOBODY
    for seed in (20, 30, 20):
        views = [view(seed, 2), nobody, view(seed + 1, 3, LENS)]
        assert_same(device.infer(views, 0.0), host.infer(views, 0.0))
    assert HostGraph.launches >= 1


def test_larger_batches_go_in_parts(device: DevicePoseModel, host: HostPoseModel) -> None:
    views = [view(40, 5), view(41, 7, LENS), view(42, 6)]
    assert_same(device.infer(views, 0.0), host.infer(views, 0.0))


def test_nobody_to_look_at(device: DevicePoseModel) -> None:
    assert len(device.infer([], 0.3)) == 0
    output = device.infer([(scenery(0, WIDE), NOBODY)], 0.3)
    assert output.relative_3d.shape == (0, 26, 3)
    assert output.embeddings.shape == (0, SPEC.embedding)


def test_answers_are_the_callers_own(device: DevicePoseModel) -> None:
    first = device.infer([view(1, 2)], 0.0)
    points, agreement = first.keypoints_crop.copy(), first.agreement.copy()
    device.infer([view(2, 2)], 0.0)
    np.testing.assert_array_equal(first.keypoints_crop, points)
    np.testing.assert_array_equal(first.agreement, agreement)


def test_graphs_follow_what_changes(device: DevicePoseModel, host: HostPoseModel) -> None:
    # Sizes of image, crops and batch change and come back; memory grows under old graphs.
    shots = [[view(1, 1, LENS)], [view(2, 3)], [view(3, 1, LENS)], [view(4, 3)], [view(5, 2)]]
    for views in (*shots, *shots):
        assert_same(device.infer(views, 0.0), host.infer(views, 0.0))
    assert HostGraph.launches > 2


def test_nothing_is_allocated_once_warm(device: DevicePoseModel) -> None:
    shots = [[view(1, 2)], [view(2, 2, LENS)], [view(3, 1), view(4, 1, LENS)]]
    for views in (*shots, *shots):
        device.infer(views, 0.0)
    blocks, graphs = set(Block.alive), HostGraph.alive
    for views in shots:
        device.infer(views, 0.0)
    assert set(Block.alive) == blocks
    assert HostGraph.alive == graphs


def test_lifting_without_an_image(
    device: DevicePoseModel, host: HostPoseModel, rng: np.random.Generator
) -> None:
    device.infer([view(1, 3)], 0.0)  # Leaves an image's features where zeros are wanted.
    for people in (3, 11):
        keypoints = rng.uniform(-1, 1, (people, 26, 3)).astype(np.float32)
        keypoints[..., 2] = 0.9
        keypoints[0, 5] = 0
        ours, theirs = device.lift(keypoints), host.lift(keypoints)
        np.testing.assert_allclose(ours.relative_3d, theirs.relative_3d, atol=1e-5)
        np.testing.assert_allclose(ours.embeddings, theirs.embeddings, atol=1e-5)
    assert device.lift(np.zeros((0, 26, 3), np.float32)).relative_3d.shape == (0, 26, 3)


def test_images_as_cameras_send_them(device: DevicePoseModel) -> None:
    image, crops = view(3, 3, LENS)
    planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    rows = image.shape[0]
    chroma = planes[rows:].reshape(2, -1)
    nv12 = np.concatenate([planes[:rows], chroma.T.reshape(rows // 2, -1)])
    decoded = cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12)
    raw = device.infer_encoded([(nv12, PixelLayout(640, 480, 'nv12'), crops)])
    assert_same(raw, device.infer([(decoded, crops)], 0.0))


def test_stages_are_timed_without_graphs(device: DevicePoseModel) -> None:
    device.graphs = False
    device.infer([view(1, 2)], 0.0)
    device.infer([view(1, 2)], 0.0)
    assert HostGraph.alive == HostGraph.launches == 0
    assert all(seconds > 0 for seconds in device.stage_times.values())
    assert set(device.device_times) == set(device_model.DEVICE_STAGES)
    assert device.device_times['image_branch'] > device.device_times['download'] > 0


def test_works_on_where_graphs_cannot_be_had(
    functions: Functions, host: HostPoseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(stream: int, work: object) -> None:
        raise EngineError('cuStreamBeginCapture_v2: the CUDA driver answered 900')

    monkeypatch.setattr(device_model, 'CudaGraph', refuse)
    model = open_model(functions, 2)
    views = [view(1, 2)]
    assert_same(model.infer(views, 0.0), host.infer(views, 0.0))
    assert_same(model.infer(views, 0.0), host.infer(views, 0.0))
    assert model.notes == (
        'unihpe_rt: runs without CUDA graphs: '
        'cuStreamBeginCapture_v2: the CUDA driver answered 900',
    )
    model.close()


def test_everything_is_given_back(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_model, 'CudaGraph', HostGraph)
    blocks, graphs = set(Block.alive), HostGraph.alive
    model = open_model(functions, 2)
    model.infer([view(1, 2)], 0.0)
    assert len(Block.alive) > len(blocks)
    model.close()
    model.close()
    assert set(Block.alive) == blocks
    assert HostGraph.alive == graphs
    with pytest.raises(EngineError, match='expected open branches; they were closed'):
        model.infer([view(1, 1)], 0.0)
    with pytest.raises(EngineError, match='expected open branches; they were closed'):
        model.lift(np.zeros((1, 26, 3), np.float32))


def test_branches_that_do_not_belong_together_are_refused(functions: Functions) -> None:
    blocks = set(Block.alive)
    nets = [partial(OrtNet, FILES['image'], 2) for _ in range(2)]
    with pytest.raises(EngineError, match='expected its lifting branch'):
        DevicePoseModel(host_gpu(functions), (SPEC, SPEC), (nets[0], nets[1]))
    assert set(Block.alive) == blocks


def test_image_of_another_shape_than_its_layout_is_refused(device: DevicePoseModel) -> None:
    image, crops = view(1, 1)
    with pytest.raises(ValueError, match='broadcast'):
        device.infer_encoded([(image[:100], PixelLayout(1280, 720), crops)])
    assert len(device.infer([(image, crops)], 0.0)) == 1


def test_input_of_the_network_is_the_hosts(device: DevicePoseModel) -> None:
    views = [view(50, 3), view(51, 2, LENS)]
    device.infer(views, 0.0)
    ours = at_address(device.input, (5, 3, *SPEC.input_size[::-1]))
    error = np.abs(ours - InputBatch(SPEC).fill(views)) * np.array(SPEC.std).reshape(3, 1, 1)
    assert error.max() < 1.01
    assert error.mean() < 1e-3
