"""
Compare ONNX Runtime's session options on one model file.

Every round runs each variant in turn, so that whatever else the machine does falls on all alike;
read the ratios, and the milliseconds only from an idle machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
import time

import numpy as np
import onnxruntime as ort

LEVELS = ort.GraphOptimizationLevel
WARM_UP = 3


def options(
    threads: int = 2,
    *,
    spin: bool = False,
    arena: bool = True,
    pattern: bool = True,
    level: LEVELS = LEVELS.ORT_ENABLE_ALL,
) -> ort.SessionOptions:
    """Return what the engine sets, but for the arguments."""
    chosen = ort.SessionOptions()
    chosen.intra_op_num_threads = threads
    chosen.inter_op_num_threads = 1
    chosen.enable_cpu_mem_arena = arena
    chosen.enable_mem_pattern = pattern
    chosen.graph_optimization_level = level
    chosen.add_session_config_entry('session.intra_op.allow_spinning', str(int(spin)))
    return chosen


VARIANTS = {
    '2 threads': options(),
    '1 thread': options(1),
    '2 threads that spin': options(spin=True),
    'no arena': options(arena=False),
    'no memory pattern': options(pattern=False),
    'extended optimisation': options(level=LEVELS.ORT_ENABLE_EXTENDED),
    'no optimisation': options(level=LEVELS.ORT_DISABLE_ALL),
}


def bound(session: ort.InferenceSession, inputs: dict[str, np.ndarray]) -> Callable[[], None]:
    """Return a call that reads and writes arrays bound once."""
    binding = session.io_binding()
    for name, array in inputs.items():
        binding.bind_input(name, 'cpu', 0, np.float32, array.shape, array.ctypes.data)
    for name in (tensor.name for tensor in session.get_outputs()):
        binding.bind_output(name, 'cpu')
    return lambda: session.run_with_iobinding(binding)


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', type=Path, help='an .onnx file')
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--calls', type=int, default=10, help='per variant and round')
    args = parser.parse_args()
    sessions = {
        name: ort.InferenceSession(str(args.model), chosen, providers=['CPUExecutionProvider'])
        for name, chosen in VARIANTS.items()
    }
    first = next(iter(sessions.values()))
    rng = np.random.default_rng(0)
    inputs = {
        tensor.name: rng.normal(size=(args.batch, *tensor.shape[1:])).astype(np.float32)
        for tensor in first.get_inputs()
    }
    calls = {name: lambda s=s: s.run(None, inputs) for name, s in sessions.items()}
    calls['2 threads, bound arrays'] = bound(first, inputs)
    wall: dict[str, list[float]] = {name: [] for name in calls}
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(args.rounds):
        for name, call in calls.items():
            for _ in range(WARM_UP):
                call()
            busy = time.process_time()
            for _ in range(args.calls):
                start = time.perf_counter()
                call()
                wall[name].append(time.perf_counter() - start)
            cpu[name].append((time.process_time() - busy) / args.calls)
    base = np.median(wall['2 threads'])
    print('variant | p50 ms | p90 ms | CPU ms | ratio of p50')
    print('---|---|---|---|---')
    for name, seconds in wall.items():
        p50, p90 = np.percentile(seconds, (50, 90))
        print(
            f'{name} | {p50 * 1e3:.2f} | {p90 * 1e3:.2f} | {np.median(cpu[name]) * 1e3:.2f} | '
            f'{p50 / base:.2f}'
        )


if __name__ == '__main__':
    main()
