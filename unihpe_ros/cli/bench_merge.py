"""`unihpe bench merge`: one report of several shards."""

from __future__ import annotations

import argparse
from pathlib import Path

from unihpe_ros.cli.bench_output import add_out, write_report
from unihpe_ros.cli.values import check_folder


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        'merge',
        help='one report of those of several shards',
        description='Make the report that one machine would have made of those of its shards.',
    )
    parser.add_argument('reports', nargs='+', type=Path, help='report.json, or its folder')
    add_out(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    # Without it nothing can be drawn.
    import matplotlib  # noqa: F401
    from unihpe_ros.bench.recordings.bench_report import merge, read_report

    reports = [read_report(path) for path in args.reports]
    check_folder(args.out)
    write_report(merge(reports, [str(path) for path in args.reports]), args.out)
    return 0
