"""Networks in half precision: how little they move keypoints and joints."""

from pathlib import Path

from engine_builds import shipped
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from unihpe_ros.core import simcc
from unihpe_ros.core.crops import InputBatch
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.engines.half_precision import to_half

FLOAT = onnx.TensorProto.FLOAT


# Half precision.


def sessions(branch: str) -> tuple[ort.InferenceSession, ort.InferenceSession]:
    model = onnx.load(shipped(branch))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    both = (model.SerializeToString(), to_half(model).SerializeToString())
    first, second = (ort.InferenceSession(content, options) for content in both)
    return first, second


@pytest.mark.slow
def test_half_precision_moves_keypoints_by_less_than_half_a_pixel(
    rng: np.random.Generator, people: np.ndarray
) -> None:
    wanted, found = (
        dict(zip([one.name for one in session.get_outputs()], answer, strict=True))
        for session in sessions('image')
        for answer in [session.run(None, {'image': people})]
    )
    shifts = []
    for answer in (wanted, found):
        points, scores = simcc.decode(answer['simcc_x'], answer['simcc_y'], 2.0)
        shifts.append((points, scores))
    (points, scores), (half_points, half_scores) = shifts
    distance = np.linalg.norm(points - half_points, axis=-1)
    assert np.percentile(distance, 99) < 0.1
    np.testing.assert_allclose(half_scores, scores, atol=0.01)
    np.testing.assert_allclose(found['embedding'], wanted['embedding'], atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found['embedding'], axis=-1), 1, atol=1e-6)


@pytest.fixture(scope='module')
def people() -> np.ndarray:
    """Return normalised crops of the people of the demo's recording."""
    from unihpe_ros.bench.engines.demo_crops import demo_views

    spec = ModelSpec.from_json(spec_text(shipped('image')), 'spec')
    return InputBatch(spec).fill(demo_views(spec, 24)).copy()


def spec_text(path: Path) -> str:
    return next(entry.value for entry in onnx.load(path).metadata_props)


def test_half_precision_moves_joints_by_less_than_two_millimetres(
    rng: np.random.Generator,
) -> None:
    points = np.concatenate([rng.normal(0, 0.4, (64, 26, 2)), rng.random((64, 26, 1))], -1)
    inputs = {
        'keypoints': points.astype(np.float32),
        'image_feature': rng.normal(size=(64, 512)).astype(np.float32),
    }
    wanted, found = (session.run(None, inputs) for session in sessions('lifting'))
    for one, other in zip(wanted[:3], found[:3], strict=True):
        assert np.percentile(np.linalg.norm(one - other, axis=-1), 99) < 0.002


@pytest.mark.parametrize('branch', ['image', 'lifting'])
def test_half_graphs_talk_float_and_compute_half(branch: str) -> None:
    model = onnx.load(shipped(branch))
    before = model.SerializeToString()
    half = to_half(model)
    assert model.SerializeToString() == before
    assert half.metadata_props == model.metadata_props
    for value in (*half.graph.input, *half.graph.output):
        assert value.type.tensor_type.elem_type == FLOAT
    typed = onnx.shape_inference.infer_shapes(half, check_type=True, strict_mode=True)
    types = {one.name: one.type.tensor_type.elem_type for one in typed.graph.value_info}
    types |= {one.name: one.type.tensor_type.elem_type for one in typed.graph.output}
    wide = {'LayerNormalization', 'ReduceMean', 'ReduceL2', 'Softmax'}
    for node in half.graph.node:
        if node.op_type in wide:
            assert types[node.output[0]] == FLOAT
        if node.op_type in ('Conv', 'MatMul', 'Gemm'):
            assert types[node.output[0]] == onnx.TensorProto.FLOAT16


def test_weights_beyond_float16_are_refused() -> None:
    graph = onnx.parser.parse_graph(
        'g (float[2] x) => (float[2] y) <float[2] w = {1, 70000}> {y = Mul(x, w)}'
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 18)])
    with pytest.raises(ValueError, match='w: expected weights up to 65504 for float16'):
        to_half(model)
