"""Reader of BVH motion capture files with any joint hierarchy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# BVH has Y up and faces +Z; the bodies have Z up and face -Y.
WORLD_FROM_BVH = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float64)

_ROTATIONS = ('Xrotation', 'Yrotation', 'Zrotation')
_POSITIONS = ('Xposition', 'Yposition', 'Zposition')


class MotionError(ValueError):
    """A motion file that can't be used; the message names the file and the line or the joint."""


@dataclass(frozen=True)
class Motion:
    """
    J joints over F frames, in world axes (Z up).

    Parameters
    ----------
    source : str
        The file, for messages.
    joints : tuple[str, ...]
        Joint names, parents first; an end site is called ``End_<parent>``.
    parents : NDArray[np.intp]
        ``(J,)`` Index of the parent, -1 for the root.
    offsets : NDArray[np.float64]
        ``(J, 3)`` Rest offset from the parent, unit of the file.
    rotations : NDArray[np.float64]
        ``(F, J, 3, 3)`` World rotation of each joint.
    root : NDArray[np.float64]
        ``(F, 3)`` Position of the root, unit of the file.
    frames : NDArray[np.int32]
        ``(F,)`` Frame numbers in the file, counted from 0.
    frame_time : float
        Time between two of the frames kept, s.

    """

    source: str
    joints: tuple[str, ...]
    parents: NDArray[np.intp]
    offsets: NDArray[np.float64]
    rotations: NDArray[np.float64]
    root: NDArray[np.float64]
    frames: NDArray[np.int32]
    frame_time: float

    def rest_positions(self) -> NDArray[np.float64]:
        """``(J, 3)`` Joint positions in the rest pose, root at the origin."""
        positions = self.offsets.copy()
        for joint, parent in enumerate(self.parents):
            positions[joint] = self.offsets[joint] + positions[parent] if parent >= 0 else 0
        return positions

    def positions(self) -> NDArray[np.float64]:
        """``(F, J, 3)`` Joint positions in every frame, unit of the file."""
        positions = np.empty((*self.rotations.shape[:2], 3))
        for joint, parent in enumerate(self.parents):
            moved = self.rotations[:, parent] @ self.offsets[joint]
            positions[:, joint] = positions[:, parent] + moved if parent >= 0 else self.root
        return positions


@dataclass
class _Hierarchy:
    joints: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    channels: list[list[str]] = field(default_factory=list)


def read_bvh(path: Path | str, rate: float = 10.0, skip: int = 1) -> Motion:
    """
    Read a BVH file, keeping about `rate` frames a second.

    Parameters
    ----------
    path : Path | str
        The file.
    rate : float
        Frames wanted per second; never more than the file has.
    skip : int
        Frames to leave out at the beginning (the first is a rest pose in many databases).

    Returns
    -------
    Motion
        The clip in world axes.

    Raises
    ------
    MotionError
        If the file is malformed; the message names the file and the line.

    """
    path = Path(path)
    lines = _Lines(path)
    hierarchy = _read_hierarchy(lines)
    count = int(lines.number_after('Frames:'))
    frame_time = lines.number_after('Frame Time:')
    if frame_time <= 0:
        raise lines.error('expected a frame time above 0 s')
    step = max(1, round(1.0 / (rate * frame_time)))
    columns = sum(len(names) for names in hierarchy.channels)
    rows, frames = _read_rows(lines, columns, count, step, skip)
    rotations, root = _forward(hierarchy, rows)
    return Motion(
        source=str(path),
        joints=tuple(hierarchy.joints),
        parents=np.array(hierarchy.parents, np.intp),
        offsets=np.array(hierarchy.offsets) @ WORLD_FROM_BVH.T,
        rotations=WORLD_FROM_BVH @ rotations @ WORLD_FROM_BVH.T,
        root=root @ WORLD_FROM_BVH.T,
        frames=frames,
        frame_time=frame_time * step,
    )


class _Lines:
    """The lines of a file that are not blank, and the current line number for messages."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        try:
            self._lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
        except OSError as error:
            raise MotionError(f'{path}: cannot be read: {error.strerror}') from error

    def __iter__(self) -> Iterator[str]:
        while self.number < len(self._lines):
            self.number += 1
            line = self._lines[self.number - 1]
            if line and not line.isspace():
                yield line

    def error(self, message: str) -> MotionError:
        return MotionError(f'{self.path}, line {self.number}: {message}')

    def number_after(self, label: str) -> float:
        line = next(iter(self), '')
        if not line.strip().startswith(label):
            raise self.error(f'expected {label!r}, got {line.strip()[:40]!r}')
        return self.numbers(line.split(':', 1)[1].split(), 1)[0]

    def numbers(self, words: list[str], count: int) -> list[float]:
        try:
            values = [float(word) for word in words]
        except ValueError as error:
            raise self.error(f'expected {count} numbers: {error}') from error
        if len(values) != count:
            raise self.error(f'expected {count} numbers, got {len(values)}')
        if not np.isfinite(values).all():
            raise self.error('expected finite numbers')
        return values


def _read_hierarchy(lines: _Lines) -> _Hierarchy:
    tree = _Hierarchy()
    stack: list[int] = []
    for line in lines:
        word, *rest = line.split()
        if word in ('ROOT', 'JOINT', 'End'):
            _add_joint(tree, lines, word, rest, stack)
        elif word == '{':
            stack.append(len(tree.joints) - 1)
        elif word == '}' and stack:
            stack.pop()
        elif word in ('OFFSET', 'CHANNELS') and stack:
            _describe_joint(tree, lines, word, rest, stack[-1])
        elif word == 'MOTION' and tree.joints and not stack:
            return tree
        elif word != 'HIERARCHY':
            raise lines.error(f'unexpected {word!r} in the hierarchy')
    raise lines.error('the file ends before MOTION')


def _add_joint(
    tree: _Hierarchy, lines: _Lines, word: str, rest: list[str], stack: list[int]
) -> None:
    if not rest or (word != 'ROOT' and not stack) or (word == 'ROOT' and tree.joints):
        raise lines.error(f'{word} is out of place or has no name')
    parent = stack[-1] if stack else -1
    tree.joints.append(f'End_{tree.joints[parent]}' if word == 'End' else rest[0])
    tree.parents.append(parent)
    tree.offsets.append([0.0, 0.0, 0.0])
    tree.channels.append([])


def _describe_joint(
    tree: _Hierarchy, lines: _Lines, word: str, rest: list[str], joint: int
) -> None:
    if word == 'OFFSET':
        tree.offsets[joint] = lines.numbers(rest, 3)
        return
    names = rest[1:]
    if rest[:1] != [str(len(names))] or not set(names) <= {*_ROTATIONS, *_POSITIONS}:
        raise lines.error(f'expected CHANNELS, their number and their names, got {rest}')
    tree.channels[joint] = names


def _read_rows(
    lines: _Lines, columns: int, count: int, step: int, skip: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    rows, frames = [], []
    frame = -1
    for frame, line in enumerate(lines):
        if frame >= skip and (frame - skip) % step == 0:
            rows.append(lines.numbers(line.split(), columns))
            frames.append(frame)
    if frame + 1 != count or not rows:
        raise lines.error(f'expected {count} frames (more than {skip}), got {frame + 1}')
    return np.array(rows), np.array(frames, np.int32)


def _forward(
    tree: _Hierarchy, rows: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return world rotations and root positions, in BVH axes."""
    rotations = np.empty((len(rows), len(tree.joints), 3, 3))
    root = np.tile(np.array(tree.offsets[0]), (len(rows), 1))
    column = 0
    for joint, parent in enumerate(tree.parents):
        turned = rotations[:, parent] if parent >= 0 else np.broadcast_to(np.eye(3), (1, 3, 3))
        for name in tree.channels[joint]:
            values = rows[:, column]
            column += 1
            if name in _ROTATIONS:
                turned = turned @ axis_rotations('XYZ'.index(name[0]), np.deg2rad(values))
            elif joint == 0:
                root[:, 'XYZ'.index(name[0])] = values
        rotations[:, joint] = turned
    return rotations, root


def axis_rotations(axis: int, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(F, 3, 3)`` Rotations by `angles` (rad) about a coordinate axis."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turned = np.tile(np.eye(3), (len(angles), 1, 1))
    turned[:, first, first] = turned[:, second, second] = np.cos(angles)
    turned[:, second, first] = np.sin(angles)
    turned[:, first, second] = -np.sin(angles)
    return turned
