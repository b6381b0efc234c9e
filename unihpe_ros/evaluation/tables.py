"""Tables of figures, printed and written as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import json
from pathlib import Path

import numpy as np
from unihpe_ros.core.files import write_whole


@dataclass(frozen=True)
class Table:
    """
    Figures with named rows and columns.

    Parameters
    ----------
    title : str
        What is measured, with the unit.
    columns : Sequence[str]
        Names of the columns.
    rows : Mapping[str, Sequence[float]]
        Figures by the row's name; NaN where there is none.
    spreads : Mapping[str, Sequence[float]]
        Half widths of the figures of some rows, likewise; a NaN is left out.

    """

    title: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[float]]
    spreads: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return the table in Markdown, its columns aligned."""
        cells = [['', *self.columns], ['---', *['---:'] * len(self.columns)]]
        for name, values in self.rows.items():
            spreads = self.spreads.get(name, [np.nan] * len(values))
            cells.append([name, *map(_cell, values, spreads)])
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        lines = [
            '| '
            + ' | '.join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            + ' |'
            for row in cells
        ]
        return '\n'.join([f'**{self.title}**', '', *lines])


def difference(one: Table, other: Table, title: str) -> Table:
    """Return by how much the figures of a table are above those of another of the same columns."""
    rows = {
        name: [above - below for above, below in zip(values, other.rows[name], strict=True)]
        for name, values in one.rows.items()
        if name in other.rows
    }
    return Table(title, one.columns, rows)


def _cell(value: float, spread: float) -> str:
    text = f'{value:.2f}' if np.isfinite(value) else '-'
    return f'{text} ± {spread:.2f}' if np.isfinite(spread) else text


@dataclass(frozen=True)
class EvaluationReport:
    """
    The figures of an evaluation: notes and tables.

    Parameters
    ----------
    title : str
        The protocol.
    notes : Sequence[str]
        What a reader must know to compare the figures.
    tables : Sequence[Table]
        The headline first.

    """

    title: str
    notes: Sequence[str]
    tables: Sequence[Table] = field(default_factory=tuple)

    def markdown(self) -> str:
        """Return the report in Markdown."""
        notes = [f'- {note}' for note in self.notes]
        parts = [f'# {self.title}', '\n'.join(notes), *(table.markdown() for table in self.tables)]
        return '\n\n'.join(parts) + '\n'

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write NAME.md and NAME.json, never half of one; returns the two paths."""
        tables = {table.title: _named(table.columns, table.rows) for table in self.tables}
        tables |= {
            f'{table.title}: spread': _named(table.columns, table.spreads)
            for table in self.tables
            if table.spreads
        }
        stored = {'title': self.title, 'notes': list(self.notes), 'tables': tables}
        paths = [folder / f'{name}.md', folder / f'{name}.json']
        texts = [self.markdown(), json.dumps(stored, indent=1) + '\n']
        for path, text in zip(paths, texts, strict=True):
            write_whole(path, text)
        return paths


def _named(
    columns: Sequence[str], rows: Mapping[str, Sequence[float]]
) -> dict[str, dict[str, float | None]]:
    """Return figures by row and column; None where there is none, as JSON has it."""
    return {
        row: {
            column: float(value) if np.isfinite(value) else None
            for column, value in zip(columns, values, strict=True)
        }
        for row, values in rows.items()
    }
