"""Graphs that read or write other types than float32 answer the same behind casts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, TensorProto
import onnxruntime
from tiny_networks_2d import write_movenet
from unihpe_ros.engines.foreign_graph import with_float_tensors


def answer(model: onnx.ModelProto, tensor: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    return session.run(None, {session.get_inputs()[0].name: tensor})[0]


def test_whole_numbers_are_taken_as_floats(tmp_path: Path) -> None:
    model = onnx.load(write_movenet(tmp_path / 'any.onnx'))
    changed = with_float_tensors(model)
    onnx.checker.check_model(changed)
    picture = np.random.default_rng(2).integers(0, 255, (1, 64, 64, 3))
    wanted = answer(model, picture.astype(np.int32))
    np.testing.assert_array_equal(answer(changed, picture.astype(np.float32)), wanted)
    # What was given is as it was.
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.INT32


def test_outputs_of_half_precision_become_floats() -> None:
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT16, [2])] for name in 'xy'
    )
    nodes = [helper.make_node('Add', ['x', 'x'], ['y'])]
    graph = helper.make_graph(nodes, 'double', inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)
    found = answer(with_float_tensors(model), np.array([1.5, 3], np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == [3, 6]


def test_floats_are_left_alone() -> None:
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])] for name in 'xy'
    )
    graph = helper.make_graph([helper.make_node('Relu', ['x'], ['y'])], 'g', inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)
    assert with_float_tensors(model) == model
