"""Engines: what they answer, what they refuse and in which words."""

from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import onnxruntime as ort
import pytest
from tiny_model import (
    image_graph,
    lifting_graph,
    save_model,
    skeleton_3d,
    tiny_spec,
    write_tiny_model,
)
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.resources import find_resource
from unihpe_ros.engines import Engine, EngineError
from unihpe_ros.engines.backend_choice import load_engine
from unihpe_ros.engines.model_files import find_model, load_pair

pytestmark = pytest.mark.slow


def image_file(model: Path) -> Path:
    return model.with_name(f'{model.name}.image.onnx')


def lifting_inputs(batch: int) -> dict[str, np.ndarray]:
    return {
        'keypoints': np.zeros((batch, 26, 3), np.float32),
        'image_feature': np.zeros((batch, 512), np.float32),
    }


def test_engine_carries_its_spec_and_its_tensors(model: Path) -> None:
    engine = load_engine(image_file(model), backend='onnxruntime-cpu')
    assert engine.spec == tiny_spec()
    assert engine.backend == 'onnxruntime-cpu'
    assert engine.notes == ()
    assert engine.inputs == {'image': (None, 3, 128, 96)}
    assert engine.outputs['simcc_x'] == (None, 26, 192)
    engine.close()


@pytest.mark.parametrize('batch', [1, 3, 9])
def test_any_batch_is_answered(model: Path, batch: int) -> None:
    engine = load_engine(model.with_name('tiny.lifting.onnx'), max_people=2)
    answer = engine.infer(lifting_inputs(batch))
    assert {name: array.shape for name, array in answer.items()} == {
        'image_pose3d': (batch, 26, 3),
        'lifted_pose3d': (batch, 26, 3),
        'fused_pose3d': (batch, 26, 3),
        'embedding': (batch, 256),
    }
    np.testing.assert_array_equal(answer['fused_pose3d'][-1], skeleton_3d())


def test_two_engines_answer_from_threads_of_their_own(model: Path) -> None:
    engines = [load_engine(image_file(model)), load_engine(image_file(model), threads=1)]
    rng = np.random.default_rng(0)
    crops = [rng.normal(size=(2, 3, 128, 96)).astype(np.float32) for _ in engines]
    expected = [engines[0].infer({'image': crop})['simcc_x'].copy() for crop in crops]
    answers: dict[int, np.ndarray] = {}

    def work(index: int, engine: Engine) -> None:
        for _ in range(5):
            answers[index] = engine.infer({'image': crops[index]})['simcc_x'].copy()

    threads = [Thread(target=work, args=pair) for pair in enumerate(engines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, wanted in enumerate(expected):
        np.testing.assert_allclose(answers[index], wanted, atol=1e-5)


@pytest.mark.parametrize(
    ('inputs', 'message'),
    [
        ({'picture': np.zeros((1, 3, 128, 96), np.float32)}, r"inputs \['image'\]; got"),
        ({'image': np.zeros((1, 3, 128, 95), np.float32)}, r'image float32 \(\*, 3, 128, 96\)'),
        ({'image': np.zeros((1, 3, 128, 96))}, r'got float64 \(1, 3, 128, 96\)'),
        ({'image': np.zeros((3, 128, 96), np.float32)}, r'got float32 \(3, 128, 96\)'),
    ],
)
def test_malformed_input_is_named(
    model: Path, inputs: dict[str, np.ndarray], message: str
) -> None:
    engine = load_engine(image_file(model))
    with pytest.raises(ValueError, match=rf'tiny\.image\.onnx: expected .*{message}'):
        engine.infer(inputs)


def test_inputs_of_unequal_batch_are_refused(model: Path) -> None:
    engine = load_engine(model.with_name('tiny.lifting.onnx'))
    inputs = {**lifting_inputs(2), 'image_feature': np.zeros((1, 512), np.float32)}
    with pytest.raises(ValueError, match='expected keypoints float32'):
        engine.infer(inputs)


def test_closed_engine_says_so(model: Path) -> None:
    engine = load_engine(image_file(model))
    engine.close()
    with pytest.raises(EngineError, match='expected an open engine'):
        engine.infer({'image': np.zeros((1, 3, 128, 96), np.float32)})


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r'nobody\.onnx: expected a model file; there is none'):
        load_engine(tmp_path / 'nobody.onnx')


def test_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"ending in \.onnx.*; got '\.pth'"):
        load_engine(tmp_path / 'weights.pth')


def test_unknown_backend(model: Path) -> None:
    with pytest.raises(EngineError, match=r"expected backend auto, .*; got 'abacus'"):
        load_engine(image_file(model), backend='abacus')


def test_absent_backend(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('onnxruntime.get_available_providers', lambda: ['CPUExecutionProvider'])
    with pytest.raises(EngineError, match='expected backend onnxruntime-cuda; this ONNX Runtime'):
        load_engine(image_file(model), backend='onnxruntime-cuda')


def test_cuda_that_does_not_load(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    providers = ['CUDAExecutionProvider', 'CPUExecutionProvider']
    monkeypatch.setattr('onnxruntime.get_available_providers', lambda: providers)
    session = ort.InferenceSession
    # What the runtime does when a provider's libraries are not there: it goes on without.
    monkeypatch.setattr(
        'onnxruntime.InferenceSession',
        lambda path, options, providers: session(path, options, providers=providers[-1:]),
    )
    assert load_engine(image_file(model), backend='onnxruntime').backend == 'onnxruntime-cpu'
    with pytest.raises(EngineError, match='expected onnxruntime-cuda; its libraries or driver'):
        load_engine(image_file(model), backend='onnxruntime-cuda')


@pytest.mark.parametrize('content', [b'', b'not a model at all', b'\x08\x07\x12\x00' * 50])
def test_corrupt_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'broken.image.onnx'
    path.write_bytes(content)
    with pytest.raises(EngineError, match=r'broken\.image\.onnx: expected an ONNX model'):
        load_engine(path)


def test_truncated_file(tmp_path: Path, model: Path) -> None:
    path = tmp_path / 'half.image.onnx'
    whole = image_file(model).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EngineError, match=r'half\.image\.onnx: expected'):
        load_engine(path)


@pytest.mark.parametrize('backend', ['onnxruntime-cpu', 'openvino'])
def test_file_without_spec_is_somebody_elses(tmp_path: Path, backend: str) -> None:
    path = save_model(image_graph(tiny_spec()), None, tmp_path / 'mute.image.onnx')
    engine = load_engine(path, backend=backend)
    assert engine.spec.branch == 'foreign'
    engine.close()
    save_model(lifting_graph(tiny_spec(), 0.9), None, tmp_path / 'mute.lifting.onnx')
    with pytest.raises(EngineError, match=r'mute\.image: expected metadata unihpe_model_spec'):
        load_pair(tmp_path / 'mute', backend=backend)


@pytest.mark.parametrize(
    ('claim', 'message'),
    [
        ({'input_size': (128, 96)}, r'expected image \(\*, 3, 96, 128\).*got \(\*, 3, 128, 96\)'),
        ({'simcc_ratio': 1.5}, r'expected simcc_x \(\*, 26, 144\).*got \(\*, 26, 192\)'),
        ({'skeleton': 'coco17'}, r'expected simcc_x \(\*, 17, 192\).*got \(\*, 26, 192\)'),
        ({'embedding': 128}, r'expected embedding \(\*, 128\).*got \(\*, 256\)'),
        ({'branch': 'lifting'}, r"expected inputs keypoints, image_feature; got \['image'\]"),
    ],
)
def test_graph_that_belies_its_spec(
    tmp_path: Path, claim: dict[str, object], message: str
) -> None:
    spec = tiny_spec()
    path = save_model(image_graph(spec), replace(spec, **claim), tmp_path / 'liar.image.onnx')
    with pytest.raises(EngineError, match=rf'liar\.image\.onnx: {message}'):
        load_engine(path)


@pytest.mark.parametrize('name', ['tiny', 'tiny.image.onnx', 'tiny.lifting.onnx'])
def test_model_is_found_by_prefix_and_by_either_file(model: Path, name: str) -> None:
    pair = find_model(model.with_name(name))
    assert [pair[branch].name for branch in ('image', 'lifting')] == [
        'tiny.image.onnx',
        'tiny.lifting.onnx',
    ]


def test_shipped_model_is_found_by_name() -> None:
    assert find_model('unihpe_rt')['lifting'] == find_resource(
        'resource/models/unihpe_rt.lifting.onnx'
    )


@pytest.mark.parametrize('name', ['', 'nosuch', 'nosuch.image.onnx'])
def test_unknown_model_names_where_it_was_looked_for(name: str) -> None:
    with pytest.raises(
        EngineError, match=rf"model '{name}': expected two files; missing .*\.onnx"
    ):
        find_model(name)


def test_incomplete_pair_names_what_is_missing(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, 'half')
    (tmp_path / 'half.lifting.onnx').unlink()
    with pytest.raises(EngineError, match=r'missing \S*half\.lifting\.onnx$'):
        find_model(tmp_path / 'half.image.onnx')


def write_lifting(directory: Path, spec: ModelSpec) -> None:
    save_model(lifting_graph(spec, 0.9), spec, directory / 'pair.lifting.onnx')


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        ({'weights': 'another'}, "expected one weights in both.*'tiny-weights' and 'another'"),
        ({'model': 'cousin'}, "expected one model in both.*'pair' and 'cousin'"),
        ({'embedding': 128}, 'expected one embedding in both.*256 and 128'),
        ({'skeleton': 'coco17'}, 'expected skeleton union26; got coco17'),
    ],
)
def test_branches_of_different_trainings_are_refused(
    tmp_path: Path, other: dict[str, object], message: str
) -> None:
    write_tiny_model(tmp_path, 'pair')
    write_lifting(tmp_path, replace(tiny_spec('pair', branch='lifting'), **other))
    with pytest.raises(EngineError, match=message):
        load_pair(tmp_path / 'pair')


def test_exchanged_files_are_refused(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, 'pair')
    (tmp_path / 'pair.lifting.onnx').write_bytes((tmp_path / 'pair.image.onnx').read_bytes())
    with pytest.raises(EngineError, match="expected its lifting branch; got 'image'"):
        load_pair(tmp_path / 'pair')


def test_feature_widths_must_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny_model(tmp_path, 'pair')
    monkeypatch.setattr('tiny_model.FEATURE', 64)
    write_lifting(tmp_path, tiny_spec('pair', branch='lifting'))
    with pytest.raises(EngineError, match=r'as wide as feature; got \(512, 64\)'):
        load_pair(tmp_path / 'pair')
