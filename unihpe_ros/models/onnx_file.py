"""Writing of ONNX files: tracing, removal of source paths, weights in half precision."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TypeVar
import warnings

import numpy as np
import onnx
import torch
from torch import nn, Tensor
from unihpe_ros.core.files import replacing
from unihpe_ros.core.model_spec import METADATA_KEY, ModelSpec

OPSET = 18
_Network = TypeVar('_Network', bound=nn.Module)
# Below this many elements an initialiser stays float32: small ones save nothing.
_SMALL = 1024


def with_half_weights(model: _Network) -> _Network:
    """Return a copy on the CPU whose large weights are rounded as the file stores them."""
    rounded = copy.deepcopy(model).eval().float().cpu()
    with torch.no_grad():
        for parameter in rounded.parameters():
            if parameter.numel() >= _SMALL:
                parameter.copy_(parameter.half().float())
    return rounded


def to_onnx(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    input_names: tuple[str, ...],
    output_names: tuple[str, ...],
) -> onnx.ModelProto:
    """Return the traced graph of a network; the first axis of its inputs is the batch."""
    batch = torch.export.Dim('batch', min=1, max=1024)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        program = torch.onnx.export(
            module,
            inputs,
            dynamo=True,
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            opset_version=OPSET,
            input_names=list(input_names),
            output_names=list(output_names),
            verbose=False,
        )
    if program is None:
        raise RuntimeError('torch.onnx.export returned no program')
    return program.model_proto


def strip_traces(proto: onnx.ModelProto) -> None:
    """Remove the exporter's metadata, in place: it holds source paths of the machine."""
    graph = proto.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ''
        del part.metadata_props[:]
    for function in proto.functions:
        for node in function.node:
            del node.metadata_props[:]


def store_weights_as_half(proto: onnx.ModelProto) -> None:
    """Replace large float32 initialisers by float16 ones followed by a cast, in place."""
    graph = proto.graph
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALL:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f'{name}.half'))
        casts.append(
            onnx.helper.make_node('Cast', [f'{name}.half'], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]


def write_onnx(proto: onnx.ModelProto, spec: ModelSpec, path: Path) -> None:
    """Write a graph with the spec in its metadata: to a temporary file, then renamed."""
    onnx.helper.set_model_props(proto, {METADATA_KEY: spec.to_json()})
    onnx.checker.check_model(proto)
    with replacing(path) as partial:
        onnx.save(proto, partial)
