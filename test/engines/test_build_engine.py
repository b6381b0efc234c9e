"""Engines built for real by TensorRT-RTX, which needs no GPU for it; the cache, its refusals."""

from dataclasses import replace
import json
from pathlib import Path
import sys
from types import SimpleNamespace

from engine_builds import Gpu, shipped
import onnx
import pytest
from tiny_model import image_graph, save_model, tiny_spec
from tiny_networks_2d import write_movenet, write_simcc
from unihpe_ros.cli.main import main
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.build import build_plan, named_targets, Target
from unihpe_ros.engines.cache import check, plan_path
from unihpe_ros.engines.engine_key import key_of
from unihpe_ros.engines.trt_runtime import load_tensorrt

RTX = 'tensorrt-rtx'


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


def test_progress_goes_from_nothing_to_all(lifting_file: Path) -> None:
    told: list[tuple[str, float]] = []
    build_plan(
        load_tensorrt(RTX),
        lifting_file,
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
def test_targets_that_cannot_be(lifting_file: Path, target: tuple, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        build_plan(load_tensorrt(RTX), lifting_file, Target(*target))


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


def test_full_tensorrt_builds_for_this_machine_alone(lifting_file: Path) -> None:
    library = replace(load_tensorrt(RTX), name='tensorrt')
    assert named_targets(library) == []
    with pytest.raises(EngineError, match=r'expected --sm current, or --runtime tensorrt-rtx'):
        build_plan(library, lifting_file, Target('8.9', False, 'fp16', 1))


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
