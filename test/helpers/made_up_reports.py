"""Made-up reports of recordings, for tests of what is done with them."""

from dataclasses import replace

import numpy as np
from tiny_bag import truth_at, walker
from unihpe_ros.bench.recordings.bench_report import (
    BenchReport,
    ModelResult,
)
from unihpe_ros.bench.recordings.frame_table import (
    ANSWERED,
    BagResult,
    COLUMNS,
    FrameTable,
)
from unihpe_ros.bench.recordings.worst_frames import WorstFrames
from unihpe_ros.metrics.ground_truth import TruthMeter

SETTINGS = {'source': 'people <&> "dogs"', 'through': 'direct', 'rate': 'max', 'topic': ''}


MACHINE = {'processor': 'abacus', 'cores': 2, 'memory_gb': 4.0, 'system': 'wood',
           'python': '3.10', 'versions': {'numpy': '1'}, 'environment': {}}  # fmt: skip


def bag_result(name: str, frames: int = 60, latency: float = 10.0, seed: int = 0) -> BagResult:
    """Make up a recording; without randomness it could hide an order of summation."""
    rng = np.random.default_rng([seed, *name.encode()])
    rows, worst, meter = FrameTable(), WorstFrames(), TruthMeter()
    truth, _ = truth_at(walker(0.1))
    for number in range(frames):
        lift = rng.normal(0, 0.01, (2, 26, 3)).astype(np.float32)
        meter.add(replace(truth, keypoints_3d=truth.keypoints_3d + lift), truth)
        values = {column: float(rng.uniform(1, 2)) for column in COLUMNS}
        values['latency_ms'] = float(rng.normal(latency, 0.1 * latency))
        values |= {'number': number, 'state': ANSWERED, 'time_s': number / 30, 'people': 2}
        values |= {'score': 0.9, 'agreement': float(rng.uniform(0.8, 0.9)), 'bytes': 1000}
        rows.add({**values, 'image_bytes': 30_000, 'missed': 0, 'extra': 0, 'doubtful': 0})
        worst.offer(
            (number, number / 30), float(rng.uniform()), '30 mm',
            lambda: np.full((48, 64, 3), 90, np.uint8),
        )  # fmt: skip
    return BagResult(
        name, '/camera/image', [64, 48], frames, 2.5, True, 2, '', rows.columns, {},
        meter.result(), worst.result(),
    )  # fmt: skip


def report_of(bags: list[BagResult], shard: str = '1/1', **fields: object) -> BenchReport:
    about = {'backend': 'beads', 'weights': 'w1', 'input_size': [96, 128], 'training': 'none'}
    models = [ModelResult('tiny', about, bags)]
    return replace(BenchReport(SETTINGS, [shard], [MACHINE], models), **fields)
