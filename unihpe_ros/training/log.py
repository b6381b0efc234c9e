"""CSV logs of a run."""

from __future__ import annotations

from collections.abc import Mapping
import csv
from pathlib import Path
from typing import Any

from torch import Tensor


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
        if path.exists():
            with path.open(newline='', encoding='utf-8') as file:
                rows = [row for row in csv.DictReader(file) if int(row['step']) <= step]
            path.unlink()
            for row in rows:
                append_row(path, dict(row))

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
