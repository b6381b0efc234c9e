"""
2D networks of a few kilobytes with the inputs and outputs of each family of other makers.

Their weights are random: what they find is nonsense, but it hangs on every pixel of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
from tiny_model import image_graph, tiny_spec

# The picture is averaged over so many pixels before the random layer.
_POOL = 16


def _weights(name: str, *shape: int, seed: int = 5) -> onnx.TensorProto:
    values = np.random.default_rng(seed).normal(size=shape) / np.sqrt(shape[0])
    return numpy_helper.from_array(values.astype(np.float32), name)


def _ints(name: str, *values: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def _save(path: Path, nodes: Sequence[onnx.NodeProto], weights, inputs, outputs) -> Path:
    values = [
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in tensors]
        for tensors in (inputs, outputs)
    ]
    graph = helper.make_graph(list(nodes), 'tiny', *values, list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def _head(size: tuple[int, int], outputs: dict[str, list[int]], squash: str = ''):
    """Return nodes and weights from `planes` to outputs that hang on all of the picture."""
    w, h = size
    cells = 3 * (w // _POOL) * (h // _POOL)
    nodes = [
        helper.make_node(
            'AveragePool', ['planes'], ['pooled'], kernel_shape=[_POOL] * 2, strides=[_POOL] * 2
        ),
        helper.make_node('Flatten', ['pooled'], ['flat']),
    ]
    weights = []
    for seed, (name, shape) in enumerate(outputs.items()):
        weights += [
            _weights(f'{name}.w', cells, int(np.prod(shape[1:])), seed=seed + 5),
            _ints(f'{name}.shape', -1, *shape[1:]),
        ]
        product = f'{name}.sums' if squash else f'{name}.flat'
        nodes.append(helper.make_node('MatMul', ['flat', f'{name}.w'], [product]))
        if squash:
            nodes.append(helper.make_node(squash, [product], [f'{name}.flat']))
        nodes.append(helper.make_node('Reshape', [f'{name}.flat', f'{name}.shape'], [name]))
    return nodes, weights


def _planes(size: tuple[int, int], batch: str | int):
    w, h = size
    nodes = [helper.make_node('Identity', ['picture'], ['planes'])]
    return nodes, [('picture', TensorProto.FLOAT, [batch, 3, h, w])]


def write_simcc(path: Path, keypoints: int = 17, size: tuple[int, int] = (48, 64)) -> Path:
    """Write a network with RTMPose's outputs, for any batch."""
    w, h = size
    shapes = {'simcc_x': [0, keypoints, 2 * w], 'simcc_y': [0, keypoints, 2 * h]}
    first, inputs = _planes(size, 'batch')
    nodes, weights = _head(size, shapes)
    outputs = [(name, TensorProto.FLOAT, ['batch', *one[1:]]) for name, one in shapes.items()]
    return _save(path, [*first, *nodes], weights, inputs, outputs)


def write_heatmaps(path: Path, keypoints: int = 17, size: tuple[int, int] = (48, 64)) -> Path:
    """Write a network with HRNet's output, for one crop at a time."""
    w, h = size
    nodes, inputs = _planes(size, 1)
    nodes += [
        helper.make_node(
            'AveragePool', ['planes'], ['smooth'], kernel_shape=[9, 9], pads=[4, 4, 4, 4]
        ),
        helper.make_node(
            'Conv',
            ['smooth', 'weights'],
            ['sums'],
            kernel_shape=[4, 4],
            strides=[4, 4],
        ),
        helper.make_node('Sigmoid', ['sums'], ['heatmaps']),
    ]
    weights = [_weights('weights', keypoints, 3, 4, 4)]
    outputs = [('heatmaps', TensorProto.FLOAT, [1, keypoints, h // 4, w // 4])]
    return _save(path, nodes, weights, inputs, outputs)


def write_yolo(path: Path, *, rows: bool = False, size: tuple[int, int] = (64, 64)) -> Path:
    """Write a network with YOLO-pose's table, or its rows without repetitions."""
    shape = [1, 6, 57] if rows else [1, 56, 84]
    first, inputs = _planes(size, 1)
    nodes, weights = _head(size, {'output0': shape}, 'Sigmoid')
    return _save(path, [*first, *nodes], weights, inputs, [('output0', TensorProto.FLOAT, shape)])


def write_rtmo(path: Path, size: tuple[int, int] = (64, 64)) -> Path:
    """Write a network with RTMO's boxes and keypoints."""
    shapes = {'dets': [1, 7, 5], 'keypoints': [1, 7, 17, 3]}
    first, inputs = _planes(size, 1)
    nodes, weights = _head(size, shapes, 'Sigmoid')
    outputs = [(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    return _save(path, [*first, *nodes], weights, inputs, outputs)


def write_movenet(path: Path, *, multi: bool = False, side: int = 64) -> Path:
    """Write a network with MoveNet's input of whole numbers, for one person or for six."""
    shape = [1, 6, 56] if multi else [1, 1, 17, 3]
    first = [
        helper.make_node('Cast', ['picture'], ['floats'], to=TensorProto.FLOAT),
        helper.make_node('Mul', ['floats', 'unit'], ['scaled']),
        helper.make_node('Transpose', ['scaled'], ['planes'], perm=[0, 3, 1, 2]),
    ]
    nodes, weights = _head((side, side), {'output_0': shape}, 'Sigmoid')
    weights.append(numpy_helper.from_array(np.array(1 / 64, np.float32), 'unit'))
    inputs = [('picture', TensorProto.INT32, [1, side, side, 3])]
    return _save(path, [*first, *nodes], weights, inputs, [('output_0', TensorProto.FLOAT, shape)])


def write_rectangle_simcc(folder: Path) -> Path:
    """Write a network with SimCC outputs that finds the people of `paint_person`."""
    model = helper.make_model(
        image_graph(tiny_spec()), opset_imports=[helper.make_opsetid('', 18)], ir_version=9
    )
    kept = [value for value in model.graph.output if value.name.startswith('simcc')]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    for value in model.graph.output:
        # Its highest logit is 0, where RTMPose's highest is about 1.
        logits, value.name = value.name, value.name.replace('simcc', 'bins')
        model.graph.node.append(helper.make_node('Exp', [logits], [value.name]))
    path = folder / 'rectangle.onnx'
    onnx.save(model, path)
    # Its 26 keypoints are our own, and not Halpe's.
    path.with_suffix('.unihpe.json').write_text('{"keypoint_set": "union26"}', encoding='utf-8')
    return path


def write_constant_rtmo(
    path: Path, boxes: np.ndarray, keypoints: np.ndarray, size: tuple[int, int]
) -> Path:
    """Write a network with RTMO's outputs that finds the same people in any picture."""
    nodes, inputs = _planes(size, 1)
    given = {'dets': boxes[None], 'keypoints': keypoints[None]}
    weights = [numpy_helper.from_array(np.array(0, np.float32), 'zero')]
    nodes += [
        helper.make_node('ReduceMean', ['planes'], ['mean'], keepdims=0),
        helper.make_node('Mul', ['mean', 'zero'], ['nothing']),
    ]
    outputs = []
    for name, values in given.items():
        weights.append(numpy_helper.from_array(values.astype(np.float32), f'{name}.all'))
        nodes.append(helper.make_node('Add', [f'{name}.all', 'nothing'], [name]))
        outputs.append((name, TensorProto.FLOAT, list(values.shape)))
    return _save(path, nodes, weights, inputs, outputs)
