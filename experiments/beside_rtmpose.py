"""
Time the shipped image branch beside a network of RTMPose-t's size, on one CPU thread.

Both run in ONNX Runtime in one process and in turn, so that whatever else the machine does falls
on both alike; the yardstick has random weights, which its speed does not depend on. Read the
ratio, and the milliseconds only from an idle machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path
import tempfile
import time
import warnings

import numpy as np
import onnx
import onnxruntime as ort
from rtmpose import RtmPoseTiny
import torch
from unihpe_ros.core.resources import find_resource

WARM_UP = 3


def export_yardstick(path: Path) -> Path:
    """Write the yardstick as an ONNX file."""
    model = RtmPoseTiny().eval()
    image = torch.zeros(1, 3, 256, 192)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(model, (image,), str(path), dynamo=False, opset_version=17)
    return path


def size_of(path: Path) -> tuple[int, int]:
    """Count the parameters, and the multiplications of convolutions and matrices of one crop."""
    model = onnx.load(str(path))
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.input, *graph.output)
    }
    weights = {weight.name: list(weight.dims) for weight in graph.initializer}
    shapes |= weights
    macs = 0
    for node in graph.node:
        # Each output takes as many multiplications as there are inputs that it sums up.
        if node.op_type == 'Conv':
            macs += np.prod(shapes[node.output[0]]) * np.prod(shapes[node.input[1]][1:])
        elif node.op_type in ('MatMul', 'Gemm'):
            macs += np.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    return sum(int(np.prod(dims)) for dims in weights.values()), int(macs)


def one_thread() -> ort.SessionOptions:
    """Return what the engine sets, for one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    return options


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', type=Path, nargs='?', help='image branch (default: the shipped)')
    parser.add_argument('--rounds', type=int, default=30)
    parser.add_argument('--calls', type=int, default=10, help='per network and round')
    args = parser.parse_args()
    ours = args.model or find_resource('resource/models/unihpe_rt.image.onnx')
    with tempfile.TemporaryDirectory() as folder:
        yardstick = export_yardstick(Path(folder) / 'rtmpose_t.onnx')
        files = {ours.name.removesuffix('.image.onnx'): ours, "RTMPose-t's size": yardstick}
        sessions = {
            name: ort.InferenceSession(str(path), one_thread(), ['CPUExecutionProvider'])
            for name, path in files.items()
        }
        sizes = {name: size_of(path) for name, path in files.items()}
    rng = np.random.default_rng(0)
    inputs = {}
    for name, session in sessions.items():
        (image,) = session.get_inputs()
        inputs[name] = {image.name: rng.normal(size=(1, *image.shape[1:])).astype(np.float32)}
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(args.rounds):
        for name, session in sessions.items():
            for call in range(WARM_UP + args.calls):
                start = time.perf_counter()
                session.run(None, inputs[name])
                if call >= WARM_UP:
                    seconds[name].append(time.perf_counter() - start)
    base = np.median(seconds["RTMPose-t's size"])
    print('network | crop | parameters, M | GMAC | p10 ms | p50 ms | ratio of p50')
    print('---|---|---|---|---|---|---')
    for name, (parameters, macs) in sizes.items():
        p10, p50 = np.percentile(seconds[name], (10, 50))
        (image,) = inputs[name].values()
        print(
            f'{name} | {image.shape[3]}x{image.shape[2]} | {parameters / 1e6:.2f} | '
            f'{macs / 1e9:.3f} | {p10 * 1e3:.2f} | {p50 * 1e3:.2f} | {p50 / base:.2f}'
        )


if __name__ == '__main__':
    main()
