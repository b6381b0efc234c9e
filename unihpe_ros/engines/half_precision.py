"""
Convert an ONNX graph to float16, as TensorRT 10 and later need it.

Convolutions and matrix products compute in float16; inputs, outputs, means, norms and softmax stay
float32, because sums over many elements overflow or lose digits in float16.

"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper

FLOAT_PRECISIONS = ('fp16', 'fp32')
_FLOAT, _HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
_NAMES = {_FLOAT: 'float', _HALF: 'half'}
# Always computed in float32.
_WIDE = {
    *('LayerNormalization', 'InstanceNormalization', 'GlobalAveragePool', 'Softmax', 'LogSoftmax'),
    *('ReduceMean', 'ReduceSum', 'ReduceL1', 'ReduceL2', 'Exp', 'Log', 'Pow', 'Sqrt'),
}
# The nodes from these to the output divide by them: the normalisation of an embedding.
_NORMS = {'ReduceL1', 'ReduceL2'}
# Read the extent of a tensor, not its values.
_BLIND = {'Shape', 'Size'}
# Inputs that are parameters and always float32.
_PARAMETERS = {'Resize': (1, 2), 'Upsample': (1,)}
_HALF_MAX = float(np.finfo(np.float16).max)


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a graph that computes in float16; its inputs and outputs stay float32.

    Parameters
    ----------
    model : onnx.ModelProto
        A graph in float32, its weights stored in either precision.

    Returns
    -------
    onnx.ModelProto
        The same graph, strongly typed; metadata is kept.

    Raises
    ------
    ValueError
        If a weight does not fit float16, or the graph has branches or loops.

    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    _Conversion(half.graph, _element_types(model)).run()
    onnx.checker.check_model(half)
    return half


def _element_types(model: onnx.ModelProto) -> dict[str, int]:
    """Return the element type of every tensor by name."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


@dataclass
class _Conversion:
    """Conversion of one graph; `made` maps (tensor, type) to the name in that type."""

    graph: onnx.GraphProto
    types: dict[str, int]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    made: dict[tuple[str, int], str] = field(default_factory=dict)
    norms: set[str] = field(default_factory=set)

    def run(self) -> None:
        self.weights = {tensor.name: tensor for tensor in self.graph.initializer}
        self.outputs = {value.name for value in self.graph.output}
        for value in self.graph.input:
            self.made[value.name, self.types[value.name]] = value.name
        for name, tensor in self.weights.items():
            self.made[name, tensor.data_type] = name
        for node in self.graph.node:
            self._convert(node)
        for name in self.outputs:
            self._get(name, self.types[name])
        used = {name for node in self.nodes for name in node.input}
        kept = [tensor for tensor in self.weights.values() if tensor.name in used]
        for items, replacement in ((self.graph.node, self.nodes), (self.graph.initializer, kept)):
            del items[:]
            items.extend(replacement)
        del self.graph.value_info[:]

    def _convert(self, node: onnx.NodeProto) -> None:
        if any(attribute.HasField('g') for attribute in node.attribute):
            raise ValueError(f'{node.name}: expected no branch or loop; got {node.op_type}')
        if node.op_type == 'Cast' and node.input[0] in self.weights:
            source = self.weights[node.input[0]]
            if {source.data_type, self.types[node.output[0]]} == {_FLOAT, _HALF}:
                # The stored type of the weight only.
                self.made[node.output[0], source.data_type] = source.name
                return
        wanted = self._type_of(node)
        fixed = _PARAMETERS.get(node.op_type, ())
        for index, name in enumerate(node.input):
            kind = self.types.get(name)
            if kind not in _NAMES or node.op_type in (*_BLIND, 'Cast'):
                node.input[index] = self._any(name)
            else:
                node.input[index] = self._get(name, _FLOAT if index in fixed else wanted)
        for index, name in enumerate(node.output):
            if self.types.get(name) in _NAMES:
                node.output[index] = self._name(name, wanted)
                self.made[name, wanted] = node.output[index]
        self.nodes.append(node)

    def _type_of(self, node: onnx.NodeProto) -> int:
        """Return what a node computes in, and follow norms to the output."""
        floats = [name for name in node.input if self.types.get(name) in _NAMES]
        if node.op_type in _NORMS or self.norms.intersection(floats):
            self.norms.update(node.output)
            return _FLOAT
        if node.op_type == 'Cast':
            return int(self.types[node.output[0]])
        return _FLOAT if node.op_type in _WIDE or not floats else _HALF

    def _any(self, name: str) -> str:
        """Return the name of a tensor in whichever type it is there."""
        kinds = (self.types.get(name, _FLOAT), _HALF, _FLOAT)
        return next((self.made[name, kind] for kind in kinds if (name, kind) in self.made), name)

    def _get(self, name: str, kind: int) -> str:
        """Return the name of a tensor in some type; cast it if it is not there yet."""
        if (name, kind) not in self.made:
            other = self.made[name, _HALF if kind == _FLOAT else _FLOAT]
            target = self._name(name, kind)
            if other in self.weights:
                self.weights[target] = _cast_weight(self.weights[other], target, kind)
            else:
                self.nodes.append(helper.make_node('Cast', [other], [target], to=kind))
            self.made[name, kind] = target
        return self.made[name, kind]

    def _name(self, name: str, kind: int) -> str:
        if name in self.outputs and kind == self.types[name]:
            return name
        return f'{name}.{_NAMES[kind]}'


def _cast_weight(tensor: onnx.TensorProto, name: str, kind: int) -> onnx.TensorProto:
    values = numpy_helper.to_array(tensor)
    if kind == _HALF and values.size and np.abs(values[np.isfinite(values)]).max() > _HALF_MAX:
        raise ValueError(f'{tensor.name}: expected weights up to {_HALF_MAX:g} for float16')
    dtype = np.float16 if kind == _HALF else np.float32
    return numpy_helper.from_array(values.astype(dtype), name)
