"""SVG drawing of cards, arrows and text, for the pictures of docs/draw_architecture.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
import textwrap

INK, SOFT, LINE = '#1f2933', '#52606d', '#7b8794'
# Fill and border of what belongs together.
PALETTE = {
    'offline': ('#fff4e0', '#e0a84b'),
    'measure': ('#e8f5ec', '#6fb384'),
    'runtime': ('#e6f0fb', '#6a9fd4'),
    'spine': ('#eef1f4', '#9aa5b1'),
    'plain': ('#ffffff', '#cbd2d9'),
    'lane': ('#fafbfc', '#d9dfe5'),
}
SANS = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
# Width of a character over its font's size, on average; generous, as readers' fonts differ.
_CHARACTER = 0.57


@dataclass(frozen=True)
class Box:
    """A rectangle: left, top, width and height, px."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """The right edge, px."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """The lower edge, px."""
        return self.y + self.h

    @property
    def middle(self) -> float:
        """The x of the centre, px."""
        return self.x + self.w / 2


class Picture:
    """An SVG that grows by its methods, `text` when it is done."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'font-family="{SANS}" role="img">',
            f'<title>{escape(title)}</title>',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
            'markerHeight="8" orient="auto">'
            f'<path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>',
            f'<rect width="{width}" height="{height}" rx="14" fill="#ffffff"/>',
        ]

    @property
    def text(self) -> str:
        """The file's text."""
        return '\n'.join([*self._parts, '</svg>', ''])

    def panel(self, box: Box, kind: str, *, radius: int = 10, width: float = 1.5) -> None:
        """Draw a filled rectangle in the colours of `PALETTE`."""
        fill, border = PALETTE[kind]
        self._parts.append(
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.w:g}" height="{box.h:g}" '
            f'rx="{radius}" fill="{fill}" stroke="{border}" stroke-width="{width:g}"/>'
        )

    def write(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 15,
        colour: str = INK,
        bold: bool = False,
        mono: bool = False,
        anchor: str = 'start',
    ) -> None:
        """Write one line, its baseline at y."""
        style = f' font-family="{MONO}"' if mono else ''
        style += ' font-weight="600"' if bold else ''
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" '
            f'text-anchor="{anchor}"{style}>{escape(words)}</text>'
        )

    def paragraph(
        self, x: float, y: float, width: float, words: str, *, size: float = 13.5
    ) -> float:
        """Write lines of at most `width`, the first baseline at y; return the next baseline."""
        characters = int(width / (size * _CHARACTER))
        for line in textwrap.wrap(words, characters, break_long_words=False):
            self.write(x, y, line, size=size, colour=SOFT)
            y += size * 1.32
        return y

    def card(self, box: Box, kind: str, name: str, words: str, *, mono: bool = True) -> None:
        """Draw a panel with a name and what it is about."""
        self.panel(box, kind)
        self.write(box.x + 12, box.y + 24, name, size=16, bold=True, mono=mono)
        self.paragraph(box.x + 12, box.y + 44, box.w - 18, words)

    def arrow(self, points: Sequence[tuple[float, float]]) -> None:
        """Draw a line through points with a tip at its end."""
        path = 'M' + ' L'.join(f'{x:g} {y:g}' for x, y in points)
        self._parts.append(
            f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.6" '
            f'stroke-linejoin="round" marker-end="url(#tip)"/>'
        )

    def ribbon(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        """Draw a broad line through points, for a file that is handed over."""
        path = 'M' + ' L'.join(f'{x:g} {y:g}' for x, y in points)
        self._parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="5" '
            'stroke-linejoin="round" stroke-linecap="round" stroke-dasharray="1 9"/>'
        )
