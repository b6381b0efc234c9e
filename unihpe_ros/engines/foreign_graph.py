"""Conversion of other makers' graphs to float32 inputs and outputs, as all engines here have."""

from __future__ import annotations

import onnx
from onnx import helper

_FLOAT = onnx.TensorProto.FLOAT


def with_float_tensors(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a graph whose inputs and outputs are float32, with casts where they were not.

    Parameters
    ----------
    model : onnx.ModelProto
        A graph that may read whole numbers, such as MoveNet's, or write half precision.

    Returns
    -------
    onnx.ModelProto
        The same graph; the names of inputs and outputs are kept.

    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph, before, after = made.graph, [], []
    weights = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        kind = value.type.tensor_type
        if kind.elem_type != _FLOAT and value.name not in weights:
            inner = f'{value.name}.given'
            _rename(graph, value.name, inner, readers=True)
            before.append(helper.make_node('Cast', [value.name], [inner], to=kind.elem_type))
            kind.elem_type = _FLOAT
    for value in graph.output:
        kind = value.type.tensor_type
        if kind.elem_type != _FLOAT:
            inner = f'{value.name}.made'
            _rename(graph, value.name, inner, readers=False)
            after.append(helper.make_node('Cast', [inner], [value.name], to=_FLOAT))
            kind.elem_type = _FLOAT
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)
    return made


def _rename(graph: onnx.GraphProto, name: str, new: str, *, readers: bool) -> None:
    """Give a tensor another name where it is read, or everywhere."""
    for node in graph.node:
        for index, given in enumerate(node.input):
            if given == name:
                node.input[index] = new
        if not readers:
            for index, given in enumerate(node.output):
                if given == name:
                    node.output[index] = new
