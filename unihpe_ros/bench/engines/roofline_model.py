"""Count the operations and bytes that one inference of an ONNX graph needs at least."""

from __future__ import annotations

from dataclasses import dataclass
import math
from pathlib import Path

import onnx

_WEIGHTED = ('Conv', 'Gemm', 'MatMul')


@dataclass(frozen=True)
class Workload:
    """
    The work of one inference.

    Parameters
    ----------
    flops : float
        Floating-point operations of convolutions and matrix products for one person, two for
        each multiplication with its addition.
    weights : int
        Number of weights, read once whatever the batch.
    values : int
        Number of inputs and outputs for one person.

    """

    flops: float
    weights: int
    values: int

    def __add__(self, other: Workload) -> Workload:
        return Workload(
            self.flops + other.flops, self.weights + other.weights, self.values + other.values
        )

    def limit_s(self, batch: int, flops: float, bytes_s: float, weight_bytes: int) -> float:
        """
        Return the least time that a chip needs, s.

        Parameters
        ----------
        batch : int
            Number of people.
        flops, bytes_s : float
            What the chip does in a second.
        weight_bytes : int
            Size of a weight; inputs and outputs have four bytes.

        """
        moved = self.weights * weight_bytes + 4 * batch * self.values
        return max(batch * self.flops / flops, moved / bytes_s)


def count_work(path: Path) -> Workload:
    """Count the work of a model file; its convolutions and products must have known shapes."""
    model = onnx.load(path)
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    typed = (*graph.input, *graph.value_info, *graph.output)
    shapes = {one.name: [dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in typed}
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    flops = sum(_flops(node, shapes) for node in graph.node if node.op_type in _WEIGHTED)
    values = sum(math.prod(shapes[one.name]) for one in (*graph.input, *graph.output))
    weights = sum(math.prod(tensor.dims) for tensor in graph.initializer)
    return Workload(flops, weights, values)


def _flops(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> float:
    """Return two operations for each output element and each element it is summed over."""
    made = math.prod(shapes[node.output[0]])
    if node.op_type == 'Conv':
        return 2.0 * made * math.prod(shapes[node.input[1]][1:])
    first = shapes[node.input[0]]
    turned = any(one.name == 'transA' and one.i for one in node.attribute)
    return 2.0 * made * (first[0] if turned else first[-1])
