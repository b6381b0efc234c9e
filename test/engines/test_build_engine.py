"""Engines built for real by TensorRT-RTX, which needs no GPU for it; the cache, its refusals."""

from dataclasses import replace
import errno
import json
import os
from pathlib import Path
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from tiny_model import image_graph, save_model, tiny_spec, write_tiny_model
from tiny_networks_2d import write_movenet, write_simcc
from unihpe_ros.cli.main import main
from unihpe_ros.core import simcc
from unihpe_ros.core.crops import InputBatch
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.resources import find_resource
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.build import build_plan, named_targets, Target
from unihpe_ros.engines.cache import cache_folder, check, ensure_engine, plan_path
from unihpe_ros.engines.engine_key import key_of
from unihpe_ros.engines.precision import to_half
from unihpe_ros.engines.trt_runtime import load_tensorrt

RTX = 'tensorrt-rtx'
FLOAT = onnx.TensorProto.FLOAT


def shipped(branch: str) -> Path:
    return find_resource(f'resource/models/unihpe_rt.{branch}.onnx')


class Gpu(SimpleNamespace):
    """What building needs to know of a GPU."""

    def __init__(self, name: str = 'Fake GPU', sm: str = '8.9') -> None:
        super().__init__(name=name, sm=sm)

    def active(self) -> 'Gpu':
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = write_tiny_model(tmp_path_factory.mktemp('model'))
    return prefix.with_name('tiny.lifting.onnx')


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv('UNIHPE_ENGINE_CACHE', str(tmp_path / 'engines'))
    return tmp_path / 'engines'


# The shipped model, built for two GPUs that this machine does not have.


@pytest.mark.slow
@pytest.mark.parametrize(('sm', 'precision'), [('8.9', 'fp16'), ('12.0', 'fp32')])
def test_shipped_model_is_built_ahead_of_time(
    sm: str, precision: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ['build-engine', 'unihpe_rt', '--sm', sm, '--precision', precision]
    assert main([*command, '--max-people', '6', '--out', str(tmp_path)]) == 0
    told = capsys.readouterr().out.strip()
    assert told.startswith('Made unihpe_rt.image.')
    assert f'for any GPU of SM {sm} by' in told
    library = load_tensorrt(RTX)
    for branch in ('image', 'lifting'):
        options = {'precision': precision, 'max_people': 6}
        key = key_of(shipped(branch), library, Gpu(sm=sm), **options)
        plan = plan_path(shipped(branch), key, tmp_path)
        spec = check(plan, key)
        assert (spec.model, spec.branch) == ('unihpe_rt', branch)
        assert_plan_is_whole(plan, spec)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ['.json'] * 2 + ['.plan'] * 2


def assert_plan_is_whole(plan: Path, spec: ModelSpec) -> None:
    """Check tensors and profile of a plan, which cannot be opened without a GPU."""
    about = json.loads(plan.with_suffix('.json').read_text())
    content = plan.read_bytes()
    inputs, outputs = spec.signature()
    assert set(about['inputs']) == set(inputs)
    assert set(about['outputs']) == set(outputs)
    for name in (*inputs, *outputs):
        assert name.encode() in content
    for name, shape in about['inputs'].items():
        assert shape[0] is None
        assert about['profile'][name] == [[batch, *shape[1:]] for batch in (1, 4, 6)]
    # Little-endian at its start: tag, version and the size of the whole.
    assert content[:4] == b'vtrt'
    assert len(content).to_bytes(8, 'little') in content[:64]


@pytest.mark.slow
def test_fp16_engines_are_smaller() -> None:
    library = load_tensorrt(RTX)
    sizes = [
        len(build_plan(library, shipped('lifting'), Target('8.6', False, name, 8)).content)
        for name in ('fp16', 'fp32')
    ]
    assert sizes[0] < 0.7 * sizes[1]


def test_progress_goes_from_nothing_to_all(model: Path) -> None:
    told: list[tuple[str, float]] = []
    build_plan(
        load_tensorrt(RTX),
        model,
        Target('8.9', False, 'fp16', 2),
        progress=lambda phase, share: told.append((phase, share)),
    )
    shares = [share for _, share in told]
    assert told[0][0] == 'Building engine'
    assert shares[0] == 0
    assert max(shares) == shares[-1] == 1


# What is refused, and in which words.


@pytest.mark.parametrize(
    ('target', 'message'),
    [
        (('8.7', False, 'fp16', 8), r'has no target SM 8\.7; expected 7\.5, .*8\.9, 12\.0'),
        (('8.9', False, 'int8', 8), r"precision: expected fp16 or fp32; got 'int8'"),
        (('8.9', False, 'fp16', 0), 'max people: expected 1 or more; got 0'),
    ],
)
def test_targets_that_cannot_be(model: Path, target: tuple, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        build_plan(load_tensorrt(RTX), model, Target(*target))


@pytest.mark.slow
@pytest.mark.parametrize(
    ('write', 'profile'),
    [
        (write_simcc, [[1, 3, 64, 48], [4, 3, 64, 48], [6, 3, 64, 48]]),
        (write_movenet, [[1, 64, 64, 3]] * 3),
    ],
)
def test_networks_of_other_makers_are_built(tmp_path: Path, write, profile) -> None:
    library, target = load_tensorrt(RTX), Target('8.9', False, 'fp16', 6)
    built = build_plan(library, write(tmp_path / 'any.onnx'), target)
    assert built.spec.branch == 'foreign'
    assert list(built.profile.values()) == [profile]


def test_networks_of_other_makers_of_any_size_are_refused(tmp_path: Path) -> None:
    path = write_simcc(tmp_path / 'any.onnx')
    free = onnx.load(path)
    free.graph.input[0].type.tensor_type.shape.dim[2].dim_param = 'height'
    onnx.save(free, path)
    with pytest.raises(EngineError, match=r'needs a fixed size of picture; got \[None, 3, None'):
        build_plan(load_tensorrt(RTX), path, Target('8.9', False, 'fp32', 1))


def test_what_the_builder_cannot_do_is_passed_on() -> None:
    with pytest.raises(EngineError, match=r'no fp32 engine for SM 7\.5: .*FP32 GEMM'):
        build_plan(load_tensorrt(RTX), shipped('lifting'), Target('7.5', False, 'fp32', 1))


def test_files_that_are_no_models(tmp_path: Path) -> None:
    library, target = load_tensorrt(RTX), Target('8.9', False, 'fp16', 1)
    broken = tmp_path / 'broken.image.onnx'
    broken.write_bytes(b'not a model at all')
    with pytest.raises(EngineError, match=r'broken\.image\.onnx: expected an ONNX model'):
        build_plan(library, broken, target)
    mute = save_model(image_graph(tiny_spec()), None, tmp_path / 'mute.image.onnx')
    assert build_plan(library, mute, target).spec.branch == 'foreign'
    liar = replace(tiny_spec(), simcc_ratio=1.5)
    liar_path = save_model(image_graph(tiny_spec()), liar, tmp_path / 'liar.image.onnx')
    with pytest.raises(EngineError, match=r'liar\.image\.onnx: expected simcc_x \(\*, 26, 144\)'):
        build_plan(library, liar_path, target)


def test_runtimes_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'tensorrt', SimpleNamespace(__version__='8.6.1', Runtime=1))
    with pytest.raises(EngineError, match=r'^tensorrt 8\.6\.1 is too old: expected 10\.0'):
        load_tensorrt('tensorrt')
    # An old one does not hide a good one.
    assert load_tensorrt().name == RTX
    monkeypatch.setitem(sys.modules, 'tensorrt', SimpleNamespace(__version__='11.4.0', Runtime=1))
    assert load_tensorrt().version == '11.4.0'
    monkeypatch.setitem(sys.modules, 'tensorrt', SimpleNamespace())
    monkeypatch.setitem(sys.modules, 'tensorrt_rtx', None)
    with pytest.raises(
        EngineError, match=r'tensorrt does not load \(its module.*; tensorrt-rtx does not load'
    ):
        load_tensorrt()
    with pytest.raises(EngineError, match=r"expected tensorrt or tensorrt-rtx; got 'cudnn'"):
        load_tensorrt('cudnn')


def test_full_tensorrt_builds_for_this_machine_alone(model: Path) -> None:
    library = replace(load_tensorrt(RTX), name='tensorrt')
    assert named_targets(library) == []
    with pytest.raises(EngineError, match=r'expected --sm current, or --runtime tensorrt-rtx'):
        build_plan(library, model, Target('8.9', False, 'fp16', 1))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['unihpe_rt'], 'GPU 0: PyCUDA does not load'),
        (['unihpe_rt', '--sm', '8.9', '--runtime', 'tensorrt'], 'tensorrt does not load'),
        (['nobody', '--sm', '8.9'], "model 'nobody': expected two files"),
        (['nobody.onnx', '--sm', '8.9'], 'nobody.onnx: expected a model file; there is none'),
    ],
)
def test_command_fails_with_one_line(
    arguments: list[str],
    message: str,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, 'pycuda', None)
    monkeypatch.setitem(sys.modules, 'tensorrt', None)
    assert main(['build-engine', *arguments]) == 1
    told = capsys.readouterr()
    assert told.err.startswith(f'unihpe build-engine: error: {message}')
    assert told.err.count('\n') == 1
    assert not cache.exists()


# The cache.


def test_engine_is_built_once_and_kept(model: Path, cache: Path) -> None:
    assert cache_folder() == cache
    first = ensure_engine(model, Gpu(), runtime=RTX)
    stamp = first.plan.stat().st_mtime_ns
    second = ensure_engine(model, Gpu(), runtime=RTX)
    assert first.notes == second.notes == ()
    assert second.plan.stat().st_mtime_ns == stamp
    assert second.spec == tiny_spec(branch='lifting')
    other = ensure_engine(model, Gpu(), runtime=RTX, max_people=3)
    assert other.plan != second.plan


def test_engine_built_ahead_of_time_serves_any_gpu_of_its_sm(model: Path, cache: Path) -> None:
    assert main(['build-engine', str(model), '--sm', '8.9']) == 0
    stamps = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    found = ensure_engine(model, Gpu('Some GPU'), runtime=RTX)
    assert found.notes == ()
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == stamps


def spoil_description(plan: Path, **changes: object) -> None:
    path = plan.with_suffix('.json')
    about = json.loads(path.read_text())
    about['key'].update(changes)
    path.write_text(json.dumps(about))


SPOILS = {
    'other gpu': (
        lambda plan: spoil_description(plan, gpu='Other GPU'),
        "built for gpu 'Other GPU', here it is 'Fake GPU'",
    ),
    'other sm': (lambda plan: spoil_description(plan, sm='8.6'), "built for sm '8.6', here it is"),
    'other version': (
        lambda plan: spoil_description(plan, version='1.0'),
        "built for version '1.0', here it is '1.7",
    ),
    'other model': (
        lambda plan: spoil_description(plan, model='0' * 64),
        'it was built from another model',
    ),
    'older recipe': (lambda plan: spoil_description(plan, recipe=0), 'built for recipe 0, here'),
    'truncated': (
        lambda plan: plan.write_bytes(plan.read_bytes()[:-100]),
        'it is truncated: expected ',
    ),
    'changed': (
        lambda plan: plan.write_bytes(plan.read_bytes()[:-1] + b'?'),
        'its content has changed since it was built',
    ),
    'no description': (
        lambda plan: plan.with_suffix('.json').unlink(),
        'is unreadable',
    ),
    'broken description': (
        lambda plan: plan.with_suffix('.json').write_text('{"key": {}}'),
        'is unreadable',
    ),
}


@pytest.mark.parametrize('how', SPOILS)
def test_engine_that_does_not_fit_is_named_and_built_anew(
    how: str, model: Path, cache: Path
) -> None:
    spoil, reason = SPOILS[how]
    plan = ensure_engine(model, Gpu(), runtime=RTX).plan
    compiled = plan.with_suffix('.runtime_cache')
    compiled.write_bytes(b'of the old one')
    spoil(plan)
    again = ensure_engine(model, Gpu(), runtime=RTX)
    assert len(again.notes) == 1
    assert again.notes[0].startswith(f'engine built anew: {plan}: ')
    assert reason in again.notes[0]
    assert not compiled.exists()
    assert ensure_engine(model, Gpu(), runtime=RTX).notes == ()


def test_failed_build_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    broken = tmp_path / 'broken.lifting.onnx'
    broken.write_bytes(b'not a model at all')
    with pytest.raises(EngineError, match='expected an ONNX model'):
        ensure_engine(broken, Gpu(), runtime=RTX)
    assert not cache.exists()


def test_cache_that_cannot_be_written_is_named(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'file').write_text('in the way')
    monkeypatch.setenv('UNIHPE_ENGINE_CACHE', str(tmp_path / 'file'))
    with pytest.raises(EngineError, match=r'\.plan: expected a folder to write to'):
        ensure_engine(model, Gpu(), runtime=RTX)


def test_disk_that_is_full_leaves_nothing_behind(
    model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def fill(path: Path, content: bytes) -> int:
        write(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, 'write_bytes', fill)
        with pytest.raises(EngineError, match=r'\.plan: expected .*No space left on device'):
            ensure_engine(model, Gpu(), runtime=RTX)
    assert list(cache.iterdir()) == []
    assert ensure_engine(model, Gpu(), runtime=RTX).plan.is_file()


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
