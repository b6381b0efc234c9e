"""Types of command line options, with the check of their range."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
import math
import os
from pathlib import Path
import re


def whole(least: int) -> Callable[[str], int]:
    """Return a parser of whole numbers that are not below a minimum."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise ArgumentTypeError(f'expected a whole number of {least} or more; got {text!r}')
        return number

    return read


def above_zero(text: str) -> float:
    """Read a finite number above 0."""
    number = _finite(text)
    if not number > 0:
        raise ArgumentTypeError(f'expected a number above 0; got {text!r}')
    return number


def share(text: str) -> float:
    """Read a number from 0 to 1."""
    number = _finite(text)
    if not 0 <= number <= 1:
        raise ArgumentTypeError(f'expected a number from 0 to 1; got {text!r}')
    return number


def _finite(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def size(text: str) -> tuple[int, int]:
    """Read the width and height of a picture, px."""
    found = re.fullmatch(r'(\d{2,4})x(\d{2,4})', text)
    if found is None or min(int(found[1]), int(found[2])) < 32:
        raise ArgumentTypeError(
            f'expected WxH, px, each from 32 to 9999, such as 144x192; got {text!r}'
        )
    return int(found[1]), int(found[2])


def part_from_zero(text: str) -> tuple[int, int]:
    """Read a part and the number of parts, as 0/4."""
    found = re.fullmatch(r'(\d+)/(\d+)', text)
    if found is None or int(found[1]) >= int(found[2]):
        raise ArgumentTypeError(f'expected I/N with I from 0 to N - 1, such as 0/4; got {text!r}')
    return int(found[1]), int(found[2])


def check_folder(path: Path) -> Path:
    """Check that a folder is there or can be made; ValueError, before work is spent, if not."""
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    if not there.is_dir():
        raise ValueError(f'{path}: expected a folder to write to; {there} is a file')
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f'{path}: expected a folder to write to; {there}: Permission denied')
    return path
