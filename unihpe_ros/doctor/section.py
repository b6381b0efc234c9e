"""One part of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Section:
    """
    Findings about one subject, and the faults among them.

    Parameters
    ----------
    title : str
        What it is about.

    Attributes
    ----------
    lines : list[str]
        Facts.
    notes : list[str]
        Things that work, but could work better, with the cure.
    faults : list[str]
        Reasons why no poses are published, with the cure; the most likely cause first.

    """

    title: str
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return the section as it is printed."""
        lines = [f'  {line}' for line in self.lines]
        lines += [f'  note: {note}' for note in self.notes]
        lines += [f'  FAULT: {fault}' for fault in self.faults]
        return '\n'.join([self.title, *lines])
