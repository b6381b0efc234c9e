"""
Static int8 copies of models, for CPUs.

Activations are unsigned, weights signed and of one scale for each channel, written as explicit
QuantizeLinear and DequantizeLinear nodes, which ONNX Runtime and OpenVINO fuse. Only convolutions
and what lies between them are quantised: the last ones, attention and the heads stay in fp32.

"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
import logging
from pathlib import Path
import tempfile

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    quantize_static,
    QuantType,
)
from unihpe_ros.core.files import replacing
from unihpe_ros.engines.int8 import has_vnni

_QUANTISED = ('Conv', 'Relu', 'Add', 'MaxPool', 'Resize')


def quantise(model: Path, inputs: Iterable[NDArray[np.float32]], out: Path) -> None:
    """
    Write an int8 copy of a model whose one input is a picture.

    Parameters
    ----------
    model : Path
        ONNX file with weights in either precision.
    inputs : Iterable[NDArray[np.float32]]
        ``(B, 3, h, w)`` what the network sees in use; ranges of values are read from them.
    out : Path
        File to write; its metadata are the model's.

    Raises
    ------
    ValueError
        If there is no input, or no convolution to quantise.

    """
    graph = onnx.load(model)
    fold_casts(graph)
    del graph.graph.value_info[:]
    excluded = _stays(graph.graph)
    batches = list(inputs)
    if not batches:
        raise ValueError(f'{model}: expected pictures to calibrate with; got none')
    with tempfile.TemporaryDirectory() as folder, replacing(out) as partial:
        plain = Path(folder) / 'plain.onnx'
        onnx.save(graph, plain)
        # Its warning recommends a step that is done here already.
        logging.disable(logging.WARNING)
        try:
            quantize_static(
                plain,
                partial,
                _Reader(graph.graph.input[0].name, batches),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_QUANTISED),
                nodes_to_exclude=excluded,
                per_channel=True,
                # Without VNNI, the sum of two products of 8 bits overflows its 16 bits.
                reduce_range=not has_vnni(),
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        finally:
            logging.disable(logging.NOTSET)
        made = onnx.load(partial)
        del made.metadata_props[:]
        made.metadata_props.extend(graph.metadata_props)
        onnx.save(made, partial)


def fold_casts(model: onnx.ModelProto) -> None:
    """Store weights in the precision of the computation, in place."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        source = weights.get(node.input[0]) if node.op_type == 'Cast' else None
        if source is None:
            kept.append(node)
            continue
        kind = onnx.helper.tensor_dtype_to_np_dtype(node.attribute[0].i)
        values = numpy_helper.to_array(source).astype(kind)
        graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in graph.node for name in node.input}
    initializers = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(initializers)


def _stays(graph: onnx.GraphProto) -> list[str]:
    """Return the nodes that stay in fp32: those from which no convolution follows."""
    before: set[str] = set()
    stays = []
    for number, node in reversed(list(enumerate(graph.node))):
        node.name = node.name or f'node_{number}'
        leads = any(name in before for name in node.output)
        if not leads:
            stays.append(node.name)
        if leads or node.op_type == 'Conv':
            before.update(node.input)
    convolutions = {node.name for node in graph.node if node.op_type == 'Conv'}
    if not convolutions - set(stays):
        raise ValueError('expected a network of convolutions; got none to quantise')
    return stays


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, name: str, batches: list[NDArray[np.float32]]) -> None:
        self._feeds: Iterator[dict[str, NDArray[np.float32]]] = (
            {name: batch} for batch in batches
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._feeds, None)
