"""`unihpe bench compare` and `unihpe bench merge`: reports side by side, or as one."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from unihpe_ros.cli.bench_output import add_out, print_table, write_report
from unihpe_ros.cli.values import check_folder


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare both commands."""
    parser = commands.add_parser(
        'compare',
        help='compare reports, as ratios to the first',
        description='Compare reports: figures side by side, ratios to the first, and their noise.',
    )
    parser.add_argument('reports', nargs='+', type=Path, help='report.json, or its folder')
    parser.add_argument(
        '--fail-if',
        action='append',
        default=[],
        metavar='METRIC>RATIO',
        help="exit with 1 if a figure's ratio is beyond a limit, such as latency_ms.p95>1.1 or "
        'throughput.overall_fps<0.9; may be given several times',
    )
    parser = commands.add_parser(
        'merge',
        help='merge the reports of several shards into one',
        description='Merge the reports of shards into the report that one machine would write.',
    )
    parser.add_argument('reports', nargs='+', type=Path, help='report.json, or its folder')
    add_out(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command that was given; return the exit status."""
    return _merge(args) if args.bench_command == 'merge' else _compare(args)


def _compare(args: argparse.Namespace) -> int:
    from unihpe_ros.bench.recordings import compare
    from unihpe_ros.bench.recordings.bench_report import read_report

    rules = [compare.parse_rule(text) for text in args.fail_if]
    reports = [read_report(path) for path in args.reports]
    sides = compare.sides_of(reports, [str(path) for path in args.reports])
    if len(sides) < 2:
        raise ValueError('compare: expected two reports, or one of several models')
    print_table(compare.comparison_table(sides))
    lines = compare.breaches(rules, sides)
    for line in lines:
        print(f'unihpe bench: error: {line}', file=sys.stderr)
    if not lines:
        print(f'Compared {len(sides)} results: no limit of {len(rules)} is breached.')
    return 1 if lines else 0


def _merge(args: argparse.Namespace) -> int:
    # Without it nothing can be drawn.
    import matplotlib  # noqa: F401
    from unihpe_ros.bench.recordings.bench_report import merge, read_report

    reports = [read_report(path) for path in args.reports]
    check_folder(args.out)
    write_report(merge(reports, [str(path) for path in args.reports]), args.out)
    return 0
