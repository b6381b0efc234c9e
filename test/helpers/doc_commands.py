"""Finds the command lines in the documentation: in code blocks whole ones, in spans mentions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import re
import shlex

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / 'README.md',
    ROOT / 'CONTRIBUTING.md',
    *sorted((ROOT / 'docs').rglob('*.md')),
    *sorted((ROOT / 'docker').rglob('*.md')),
    *sorted((ROOT / 'resource').rglob('*.md')),
]
# Fenced blocks with their language, indented ones, and spans.
CODE = re.compile(
    r'^```(\w*)\n(.*?)^```|((?:^ {4}[^\n]*\n)+)|`([^`\n]+)`', re.DOTALL | re.MULTILINE
)
# Languages of blocks that hold no command lines.
_OTHER_LANGUAGES = ('python', 'cpp', 'json', 'xml', 'mermaid', 'ini', 'text')
# Pages whose spans are typed as well.
_TO_BE_TYPED = ('docs/first_hour.md',)
_PROGRAMS = ('unihpe', 'make', 'ros2', 'python', 'python3', 'pip', 'docker')
# What stands before a command, and what separates two.
_BEFORE = re.compile(r'\w+=|sudo$|srun$|time$|nice$|exec$|-$|\$$')
_ENDS = {'|', '||', '&&', ';', '&', '>', '>>', '<', '2>'}
# How a line of a block says that it cannot be tried on any machine.
MARK = re.compile(r'#.*\bneeds hardware: ([\w ]+)')


@dataclass(frozen=True)
class Command:
    """
    A command of a page.

    Parameters
    ----------
    place : str
        Its page and line, as ``README.md:12``.
    words : tuple[str, ...]
        Program and arguments, shell variables replaced by 1.
    in_block : bool
        Whether it is a line of a block of code, not a span.
    mark : str
        The hardware that the line says it needs; '' if none.

    """

    place: str
    words: tuple[str, ...]
    in_block: bool
    mark: str = ''

    @property
    def is_whole(self) -> bool:
        """Whether it is meant to be typed; a span may only name a command."""
        return self.in_block or self.place.rpartition(':')[0] in _TO_BE_TYPED

    def __str__(self) -> str:
        return f'{self.place}: {shlex.join(self.words)}'


def commands_of(page: Path) -> Iterator[Command]:
    """Yield the commands of a page in order."""
    name = page.relative_to(ROOT).as_posix()
    for line, text, in_block in lines_of(page.read_text(encoding='utf-8')):
        yield from commands_in(text, f'{name}:{line}', in_block)


def lines_of(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield number, text and whether it is of a block, of each line of code; joined at ``\\``."""
    for found in CODE.finditer(text):
        language, fenced, indented, span = found.groups()
        if fenced is not None and language in _OTHER_LANGUAGES:
            continue
        is_span = span is not None
        content = next(part for part in (fenced, indented, span) if part is not None)
        first = text.count('\n', 0, found.start()) + 1 + (fenced is not None)
        # Options that YAML folds onto the next line belong to the command before them.
        joined = re.sub(r'\\\n|\n +(?=--\w)', lambda cut: ' ' + '\0' * ('\n' in cut[0]), content)
        for line in joined.split('\n'):
            yield first, line.replace('\0', ''), not is_span
            first += 1 + line.count('\0')


def commands_in(line: str, place: str, in_block: bool) -> Iterator[Command]:
    """Yield the commands of our programs in one line of shell."""
    mark = found[1].strip() if (found := MARK.search(line)) else ''
    # What the shell would put in is some text without blanks.
    plain = re.sub(r'\$\(\([^)]*\)\)|\$\([^)]*\)|\$\{\w+\}|\$\w+', '1', line)
    try:
        words = shlex.split(re.sub(r'(?<=\S);(?=\s|$)', ' ;', plain), comments=True)
    except ValueError:  # Prose in an indented block, with an apostrophe.
        return
    command: list[str] = []
    for word in [*words, ';']:
        if word not in _ENDS:
            command.append(word)
            continue
        while command and _BEFORE.match(command[0]):
            del command[0]
        if command and command[0].rpartition('/')[2] in _PROGRAMS:
            program = command[0].rpartition('/')[2]
            yield Command(place, (program, *command[1:]), in_block, mark)
        command = []
