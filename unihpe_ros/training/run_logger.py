"""Logs of a run: progress bar, log.csv, validation.csv and TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
import csv
from pathlib import Path
from typing import Any

from tqdm import tqdm
from unihpe_ros.core.files import write_whole
from unihpe_ros.training.board import Board
from unihpe_ros.training.run import Run


class RunLogger:
    """
    Writer of all logs of a run.

    Parameters
    ----------
    run : Run
        The run; rows of later steps, of an interrupted run, are dropped.
    out : Path
        Folder of the run.

    """

    def __init__(self, run: Run, out: Path) -> None:
        self.run, self.out = run, out
        self.sums: dict[str, float] = {}
        self.count = 0
        for name in ('log.csv', 'validation.csv'):
            drop_rows_after(out / name, run.step)
        self.board = Board(out / 'tensorboard', run.step)
        self.bar = tqdm(total=run.config.steps, initial=run.step, unit='step', smoothing=0.05)

    def add_step(self, values: Mapping[str, float]) -> None:
        """Add the loss terms of a step; every `log_steps` steps their means are written."""
        self.bar.update()
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        step, rate = self.run.step, self.run.learning_rate()
        if step % self.run.config.log_steps == 0:
            row = {name: total / self.count for name, total in self.sums.items()}
            self.sums, self.count = {}, 0
            append_row(self.out / 'log.csv', {'step': step, 'learning_rate': rate, **row})
            self.bar.set_postfix_str(' '.join(f'{name} {row[name]:.3f}' for name in values))
            self.board.scalars('train', {**row, 'learning_rate': rate}, step)

    def add_validation(self, scores: Mapping[str, float], batch: Any) -> None:
        """Write the scores of the held-out sets, and a picture of predictions for a batch."""
        step = self.run.step
        if scores:
            append_row(self.out / 'validation.csv', {'step': step, **scores})
            tqdm.write(f'step {step}: ' + ', '.join(f'{k} {v:.1f}' for k, v in scores.items()))
        self.board.scalars('validation', scores, step)
        if batch is not None and self.board.writer is not None:
            self.board.show(*self.run.picture(batch), step)

    def close(self) -> None:
        """End the progress bar and write what is buffered."""
        self.bar.close()
        self.board.close()


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
