"""Shared parts of `unihpe bench`: options, progress bar, table and report."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unihpe_ros.bench.recordings.bench_report import BenchReport


def add_out(parser: argparse.ArgumentParser) -> None:
    """Declare where a benchmark writes to."""
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('out/bench'),
        help='folder to write to (default: out/bench)',
    )


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[int], object]]:
    """Show a bar of images; gives what takes how many more are done."""
    from tqdm import tqdm

    with tqdm(desc=title, total=total, unit='image', leave=False) as bar:
        yield bar.update


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with their columns below each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print('  '.join(cells).rstrip())


def write_report(report: BenchReport, out: Path) -> None:
    """Write report.json, report.md and report.html whole, and say so."""
    from unihpe_ros.bench.recordings.bench_report import write_json
    from unihpe_ros.bench.recordings.html import to_html
    from unihpe_ros.bench.recordings.markdown import to_markdown
    from unihpe_ros.core.files import write_whole

    write_json(report, out)
    write_whole(out / 'report.md', to_markdown(report))
    page = out / 'report.html'
    write_whole(page, to_html(report))
    print(f'Made {page}, report.md and report.json beside it.')
