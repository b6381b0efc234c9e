"""Runs of the command unihpe bench bag."""

import json
from pathlib import Path

from bench_bags import write_bag
from tiny_detector import write_tiny_detector
from tiny_model import write_tiny_model
from unihpe_ros.cli.main import main

FRAMES = 8


def write_folder(folder: Path) -> Path:
    """Write three recordings into bags/, and tiny models beside it; return the folder."""
    (folder / 'bags').mkdir()
    write_bag(folder / 'bags' / 'one', FRAMES)
    write_bag(folder / 'bags' / 'two', FRAMES - 3, kind='sqlite3')
    write_bag(folder / 'bags' / 'old', 4, kind='ros1 lz4')
    write_tiny_model(folder)
    write_tiny_detector(folder)
    write_tiny_model(folder, 'other', agreement=0.4)
    return folder


def bench(*arguments: object) -> int:
    return main(['bench', *map(str, arguments)])


def tiny_models(folder: Path) -> tuple[object, ...]:
    return ('--model', folder / 'tiny', '--detector', folder / 'tiny_det')


def run_bag(path: Path, folder: Path, out: Path, *more: object) -> dict:
    assert (
        bench(
            'bag',
            path,
            *tiny_models(folder),
            '--out',
            out,
            *more,
        )
        == 0
    )
    return json.loads((out / 'report.json').read_text())
