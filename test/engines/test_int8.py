"""Int8 copies: made right, and taken only where they pay."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser
import onnxruntime as ort
import pytest
from tiny_detector import write_tiny_detector
from unihpe_ros.engines import EngineError, int8, MissingBackendError
from unihpe_ros.engines.backend_choice import load_engine
from unihpe_ros.engines.quantise import quantise

_GRAPH = """
network (float[B,3,16,16] image) => (float[B,2,16,16] answer, float[B,8] mean) {
  first_weight = Cast<to=1>(first_half)
  a = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(image, first_weight)
  b = Relu(a)
  c = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(b, second)
  d = Add(b, c)
  answer = Conv<kernel_shape=[1,1]>(d, last)
  mean_4d = GlobalAveragePool(d)
  mean = Flatten(mean_4d)
}
"""


@pytest.fixture
def network(tmp_path: Path) -> Path:
    rng, graph = np.random.default_rng(0), parser.parse_graph(_GRAPH)
    weights = {
        'first_half': rng.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float16),
        'second': rng.normal(0, 0.2, (8, 8, 3, 3)).astype(np.float32),
        'last': rng.normal(0, 0.5, (2, 8, 1, 1)).astype(np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in weights.items())
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 18)])
    model.ir_version = 9
    model.metadata_props.add(key='about', value='a network')
    onnx.save(model, tmp_path / 'network.onnx')
    return tmp_path / 'network.onnx'


def inputs(count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return list(rng.normal(0, 1, (count, 1, 3, 16, 16)).astype(np.float32))


def test_copy_answers_as_the_model_but_for_rounding(network: Path) -> None:
    copy = network.with_name('copy.onnx')
    quantise(network, inputs(16, 1), copy)
    one, other = (ort.InferenceSession(str(path)) for path in (network, copy))
    for array in inputs(4, 2):
        answers = [session.run(None, {'image': array}) for session in (one, other)]
        for fp32, rounded in zip(*answers, strict=True):
            difference = np.abs(fp32 - rounded).max() / np.abs(fp32).max()
            assert 0 < difference < 0.05


def test_what_talks_to_the_outside_stays_in_fp32(network: Path) -> None:
    copy = network.with_name('copy.onnx')
    quantise(network, inputs(4, 1), copy)
    made = onnx.load(copy)
    kinds = {tensor.name: tensor.data_type for tensor in made.graph.initializer}
    eight_bits = [name for name, kind in kinds.items() if kind == onnx.TensorProto.INT8]
    assert sum(name.startswith(('first', 'second')) for name in eight_bits) >= 2
    assert kinds['last'] == onnx.TensorProto.FLOAT
    assert [(item.key, item.value) for item in made.metadata_props] == [('about', 'a network')]


def test_nothing_to_calibrate_with_is_refused(network: Path) -> None:
    with pytest.raises(ValueError, match='expected pictures to calibrate with'):
        quantise(network, [], network.with_name('copy.onnx'))
    assert not network.with_name('copy.onnx').exists()


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('UNIHPE_ENGINE_CACHE', str(tmp_path / 'cache'))
    return write_tiny_detector(tmp_path)


def add_copy(model: Path, share: float | None, processor: str = '') -> Path:
    copy = int8.copy_path(model)
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(model.read_bytes())
    if share is not None:
        measure = int8.Int8Measure(processor or int8.processor(), {'onnxruntime-cpu': share})
        int8.write_measure(copy, measure)
    return copy


def test_auto_takes_a_copy_that_pays(model: Path) -> None:
    copy = add_copy(model, 0.6)
    taken, notes = int8.choose(model, 'auto', 'onnxruntime-cpu')
    assert taken == copy
    assert notes == ('tiny_det.onnx runs in int8: int8 takes 0.60 of the time of fp32 on this '
                     'processor',)  # fmt: skip
    assert load_engine(model, backend='onnxruntime-cpu', precision='auto').notes == notes


@pytest.mark.parametrize(
    ('share', 'processor'), [(0.95, ''), (0.5, 'another processor'), (None, '')]
)
def test_auto_leaves_a_copy_that_does_not_pay_here(
    model: Path, share: float | None, processor: str
) -> None:
    copy = add_copy(model, share, processor)
    taken, notes = int8.choose(model, 'auto', 'onnxruntime-cpu')
    assert taken == model
    assert 'runs in fp32' in notes[0]
    assert int8.choose(model, 'int8', 'onnxruntime-cpu')[0] == copy
    # Measured with another backend says nothing of this one.
    assert int8.choose(model, 'auto', 'openvino')[0] == model


def test_without_a_copy_auto_is_silent_and_int8_tells_the_cure(model: Path) -> None:
    assert int8.choose(model, 'auto', 'onnxruntime-cpu') == (model, ())
    with pytest.raises(EngineError, match='unihpe quantise makes it'):
        int8.choose(model, 'int8', 'onnxruntime-cpu')
    with pytest.raises(MissingBackendError, match='int8 runs on openvino'):
        int8.choose(model, 'int8', 'tensorrt')


def test_copy_of_other_weights_is_not_taken(model: Path) -> None:
    add_copy(model, 0.5)
    model.write_bytes(model.read_bytes() + b' ')
    assert int8.choose(model, 'auto', 'onnxruntime-cpu') == (model, ())


def test_damaged_measure_counts_as_none(model: Path) -> None:
    copy = add_copy(model, 0.5)
    for damage in ('', '[]', '{"shares": 3, "processor": ""}', json.dumps({'shares': {}})):
        copy.with_suffix('.json').write_text(damage)
        assert int8.choose(model, 'auto', 'onnxruntime-cpu')[0] == model
