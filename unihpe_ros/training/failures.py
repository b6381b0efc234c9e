"""Failures of a run: records that can't be read, and losses that are not finite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import math
from pathlib import Path
from typing import NoReturn, Protocol

from unihpe_ros.core.files import write_whole
from unihpe_ros.training import ranks

# Number of samples in a message; the others are in the file.
_NAMED = 3


class NonFiniteLossError(RuntimeError):
    """The loss is NaN or infinite; the message names step, term and the samples of the batch."""


class Batch(Protocol):
    """A batch of crops or of scenes."""

    sources: tuple[str, ...]

    def invalid_rows(self) -> set[int]:
        """Return the rows whose targets are infinite, or NaN with a weight."""


class Skipped:
    """
    List of the records and shards that could not be read, each once in a file.

    Parameters
    ----------
    path : Path
        The file, a line for each; what a run that is resumed wrote there counts.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known = set(self._lines())

    def add(self, messages: Iterable[str]) -> None:
        """Add messages about records; known ones are ignored."""
        new = dict.fromkeys(' '.join(message.split()) for message in messages)
        lines = [message for message in new if message not in self.known]
        if lines:
            with self.path.open('a', encoding='utf-8') as file:
                file.write(''.join(f'{line}\n' for line in lines))
            self.known |= set(lines)

    def summary(self) -> str:
        """Return a line on how many were left out, by all ranks; empty if none was."""
        count = len(set(self._lines()))
        return f'{count} records or shards could not be read: {self.path}' if count else ''

    def _lines(self) -> list[str]:
        return self.path.read_text(encoding='utf-8').splitlines() if self.path.exists() else []


def check_finite(step: int, values: Mapping[str, float], batch: Batch | None, path: Path) -> None:
    """
    Stop the run if a term of a step is not finite.

    Parameters
    ----------
    step : int
        The step.
    values : Mapping[str, float]
        The loss, its terms, or the norm of the gradient.
    batch : Batch, optional
        This rank's crops or scenes of the step.
    path : Path
        File for the names of all the samples.

    Raises
    ------
    NonFiniteLossError
        If a value is NaN or infinite.

    """
    wrong = [name for name, value in values.items() if not math.isfinite(value)]
    if wrong:
        _complain(step, [name for name in wrong if name != 'loss'] or wrong, batch, path)


def _complain(step: int, terms: list[str], batch: Batch | None, path: Path) -> NoReturn:
    text = f'step {step}: the loss is not finite; terms: {", ".join(terms)}'
    if batch is not None:
        odd = batch.invalid_rows()
        order = sorted(range(len(batch.sources)), key=lambda row: row not in odd)
        lines = [f'{batch.sources[row]}{" (odd labels)" * (row in odd)}' for row in order]
        path = path.with_name(f'{path.stem}_rank{ranks.rank()}{path.suffix}')
        write_whole(path, f'{text}\n' + '\n'.join(lines) + '\n')
        more = max(len(lines) - _NAMED, 0)
        text += f'; samples: {"; ".join(lines[:_NAMED])} and {more} more in {path}'
    raise NonFiniteLossError(
        f'{text}. Lower learning_rate, or look at the batch: it is drawn from seed and step'
    )
