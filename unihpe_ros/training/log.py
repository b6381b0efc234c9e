"""CSV logs of a run."""

from __future__ import annotations

from collections.abc import Mapping
import csv
from pathlib import Path
from typing import Any

from torch import Tensor
from unihpe_ros.core.files import write_whole


class Log:
    """
    Means of the terms since the last row, as CSV.

    Parameters
    ----------
    path : Path
        The file.
    step : int
        Step the run starts from: later rows of an interrupted run are dropped.

    """

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        self.sums: dict[str, float] = {}
        self.count = 0
        drop_rows_after(path, step)

    def add(self, terms: Mapping[str, float | Tensor]) -> None:
        """Take in one step's terms."""
        for name, term in terms.items():
            value = term.detach() if isinstance(term, Tensor) else term
            self.sums[name] = self.sums.get(name, 0.0) + float(value)
        self.count += 1

    def write(self, step: int, learning_rate: float) -> dict[str, float]:
        """Append the means as a row, and start anew."""
        row = {name: value / self.count for name, value in self.sums.items()}
        append_row(self.path, {'step': step, 'learning_rate': learning_rate, **row})
        self.sums, self.count = {}, 0
        return row


def drop_rows_after(path: Path, step: int) -> None:
    """Drop the rows of later steps from a CSV file, and what a kill has left of a row."""
    if not path.exists():
        return
    lines = _whole_lines(path)
    if not lines:
        path.unlink()
        return
    kept = [line for line in lines[1:] if int(line.split(b',')[0]) <= step]
    write_whole(path, b''.join([lines[0], *kept]))


def last_step(path: Path) -> int:
    """Return the step of the last row of a CSV file; 0 where there is none."""
    lines = _whole_lines(path)[1:] if path.exists() else []
    return int(lines[-1].split(b',')[0]) if lines else 0


def _whole_lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(True) if line.endswith(b'\n')]


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Append a row to a CSV file; the first row brings the header."""
    new = not path.exists()
    with path.open('a', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(
            {
                key: f'{value:.6g}' if isinstance(value, float) else value
                for key, value in row.items()
            }
        )
