"""`unihpe bench engine`: every backend on the same people."""

from __future__ import annotations

import argparse
import json

from unihpe_ros.cli.bench_output import add_out
from unihpe_ros.cli.values import check_folder, whole
from unihpe_ros.core.resources import MODEL


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        'engine',
        help='compare backends: latency by stage, throughput, equal outputs',
        description='Time a model on every backend that works here, by number of people and '
        'stage, compare the outputs, and write a table and engine.json.',
    )
    parser.add_argument(
        '--model',
        default=MODEL,
        help=f'name of a shipped model, or a path (default: {MODEL})',
    )
    parser.add_argument(
        '--backend',
        action='append',
        metavar='B',
        help='backend to time; may be given several times (default: all)',
    )
    parser.add_argument(
        '--calls', type=whole(1), default=200, metavar='N', help='calls to time (default: 200)'
    )
    parser.add_argument(
        '--parity',
        type=whole(0),
        default=256,
        metavar='N',
        help='crops to compare outputs on; 0 compares none (default: 256)',
    )
    parser.add_argument(
        '--torch', action='store_true', help="time PyTorch's eager and compiled network as well"
    )
    add_out(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    import rosbags  # noqa: F401
    from tqdm import tqdm
    from unihpe_ros.bench.engines.engine_benchmark import EngineBench, MEASURED_BACKENDS
    from unihpe_ros.bench.engines.table import to_record, to_text
    from unihpe_ros.core.files import write_whole

    check_folder(args.out)
    bench = EngineBench(
        args.model,
        args.backend or MEASURED_BACKENDS,
        args.calls,
        args.parity,
        lambda title, calls: tqdm(calls, desc=title, leave=False),
    )
    bench.run()
    if args.torch:
        from unihpe_ros.bench.engines.pytorch import time_torch

        time_torch(bench)
    if not bench.rows:
        reasons = '; '.join(f'{name}: {reason}' for name, reason in bench.skipped.items())
        raise ValueError(f'no backend runs here: {reasons}')
    record = to_record(bench)
    text = to_text(record)
    print(text)
    write_whole(args.out / 'engine.json', json.dumps(record, indent=1) + '\n')
    write_whole(args.out / 'engine.md', text)
    print(f'Made {args.out / "engine.md"} and engine.json beside it.')
    return 0
