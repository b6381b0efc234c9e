"""The key of a built engine: it changes with any byte that makes the model."""

import onnx
import pytest
from unihpe_ros.engines.engine_key import external_files, model_digest


@pytest.fixture
def apart(model, tmp_path):
    """Write the model of constants with its weights in two files beside it."""
    path = tmp_path / 'apart.onnx'
    proto = onnx.load(f'{model}.image.onnx')
    onnx.save_model(
        proto,
        str(path),
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location='weights of it.data',
        size_threshold=0,
        convert_attribute=True,
    )
    return path


def test_weights_in_a_file_beside_count(apart):
    before = model_digest(apart)
    data = apart.with_name('weights of it.data')
    assert external_files(apart.read_bytes()) == [data.name]
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)
    after = model_digest(apart)
    assert after != before
    data.unlink()
    assert model_digest(apart) not in (before, after)


def test_a_model_of_one_file_names_no_other(model):
    assert external_files(model.with_name(f'{model.name}.image.onnx').read_bytes()) == []


def test_long_names_and_what_only_looks_like_one():
    name = 'w' * 300
    entry = onnx.StringStringEntryProto(key='location', value=name).SerializeToString()
    assert external_files(b'..' + entry + b'..') == [name]
    assert external_files(b'\n\x08location\x12') == []
    assert external_files(b'\n\x08location\x12\xff\xff\xff\xff\xff\xff') == []
