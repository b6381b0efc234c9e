"""`unihpe bench`: the sub-commands that measure, compare and merge."""

from __future__ import annotations

import argparse

from unihpe_ros.cli import (
    bench_bag,
    bench_engine,
    bench_films,
    bench_growth,
    bench_node,
    bench_peers,
    bench_reports,
    bench_tracking,
)

_PARTS = {
    'bag': bench_bag,
    'tracking': bench_tracking,
    'films': bench_films,
    'engine': bench_engine,
    'node': bench_node,
    'peers': bench_peers,
    'growth': bench_growth,
    'compare': bench_reports,
    'merge': bench_reports,
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        'bench',
        help='measure models on recordings',
        description='Measure models on recordings; compare and merge the reports.',
    )
    parser.set_defaults(run=run)
    commands = parser.add_subparsers(dest='bench_command', metavar='COMMAND', required=True)
    for part in dict.fromkeys(_PARTS.values()):
        part.add_parser(commands)


def run(args: argparse.Namespace) -> int:
    """Run the sub-command; return the exit status."""
    return _PARTS[args.bench_command].run(args)
