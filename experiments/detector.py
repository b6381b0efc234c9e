"""
Time the person detector on one CPU thread: the whole call, and the network alone.

Calls of the two alternate, so that whatever else the machine does falls on both; read the figures
only from an idle machine.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from unihpe_ros.core.resources import DETECTOR
from unihpe_ros.detector import find_detector, PersonDetector
from unihpe_ros.engines.backend_choice import load_engine

WARM_UP = 10


def main() -> None:
    """Run the measurement and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', nargs='?', default=DETECTOR, help='a detector, by name or file')
    parser.add_argument('--size', default='640x480', help='size of the pictures, px')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--calls', type=int, default=300)
    args = parser.parse_args()
    width, height = map(int, args.size.split('x'))
    detector = PersonDetector(args.model, backend='onnxruntime-cpu', threads=args.threads)
    engine = load_engine(
        find_detector(args.model), backend='onnxruntime-cpu', threads=args.threads
    )
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    w, h = detector.spec.input_size
    tensor = {'image': rng.normal(size=(1, 3, h, w)).astype(np.float32)}
    calls = {
        f'picture of {args.size} to boxes': lambda: detector.detect(image),
        f'network alone, {w}x{h}': lambda: engine.infer(tensor),
    }
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(WARM_UP + args.calls):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if number >= WARM_UP:
                seconds[name].append(time.perf_counter() - start)
    print(f'ms, {args.threads} thread(s) | p10 | p50 | p95')
    print('---|---|---|---')
    for name, values in seconds.items():
        p10, p50, p95 = 1e3 * np.percentile(values, (10, 50, 95))
        print(f'{name} | {p10:.2f} | {p50:.2f} | {p95:.2f}')


if __name__ == '__main__':
    main()
