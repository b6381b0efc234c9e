"""
People of all frames as JSON lines, from which every other format is made.

The first line is a header; each line after it is one frame. Lines are appended while frames are
processed, so that a stopped run continues at the end of the file.

"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
import json
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.files import naming
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.skeleton import Skeleton, SKELETONS
from unihpe_ros.run.inputs.source import InputError

_FORMAT = 1
# Decimals that are stored: 0.01 px, 0.1 mm, and scores to 1/1000.
_PIXEL, _METRE, _SHARE = 2, 4, 3


@dataclass(frozen=True)
class Header:
    """
    Properties of an input that are the same in all frames.

    Parameters
    ----------
    input : str
        What was read.
    rate : float
        Frames per second.
    still : bool
        The frames do not follow each other: ids count the people of each one.
    skeleton : Skeleton
        The keypoint set.
    settings : dict[str, Any]
        Model, detector and all other settings that affect the result.

    """

    input: str
    rate: float
    still: bool
    skeleton: Skeleton
    settings: dict[str, Any]

    def line(self) -> str:
        """Return the first line of a file."""
        content = {
            'unihpe_people': _FORMAT,
            'input': self.input,
            'rate_hz': self.rate,
            'still': self.still,
            'skeleton': self.skeleton.name,
            'keypoints': list(self.skeleton.keypoints),
            'settings': self.settings,
        }
        return json.dumps(content) + '\n'


@dataclass(frozen=True)
class FramePeople:
    """
    People of one frame.

    Parameters
    ----------
    number : int
        Which frame, from 0.
    stamp : int
        When it was taken, ns.
    name : str
        Name of the picture's file; '' if it is no picture.
    size : tuple[int, int]
        (w, h) of the image, px.
    poses : Poses
        N people.

    """

    number: int
    stamp: int
    name: str
    size: tuple[int, int]
    poses: Poses

    def line(self, skeleton: Skeleton) -> str:
        """Return this frame as a line of a file in some keypoint set."""
        poses = self.poses.to(skeleton)
        people = zip(
            poses.track_ids.tolist(),
            _rows(poses.boxes, _PIXEL),
            _rows(poses.keypoints_2d, _PIXEL),
            _rows(poses.keypoints_3d, _METRE),
            _rows(poses.scores, _SHARE),
            poses.flags.tolist(),
            _rows(poses.agreement, _SHARE),
            strict=True,
        )
        names = ('id', 'box', 'keypoints_2d', 'keypoints_3d', 'scores', 'flags', 'agreement')
        content = {
            'frame': self.number,
            'time_s': round(1e-9 * self.stamp, 6),
            'stamp_ns': self.stamp,
            'name': self.name,
            'size': list(self.size),
            'root_mode': poses.root_mode.value,
            'people': [dict(zip(names, person, strict=True)) for person in people],
        }
        return json.dumps(content, allow_nan=False, separators=(',', ':')) + '\n'


def _rows(values: NDArray[np.floating], decimals: int) -> Any:
    """Return nested lists with None for unknown values, because JSON has no NaN."""
    rounded = np.round(values.astype(np.float64), decimals)
    if np.isfinite(rounded).all():
        return rounded.tolist()
    known = rounded.astype(object)
    known[~np.isfinite(rounded)] = None
    return known.tolist()


def has_header(path: Path) -> bool:
    """Whether a file is there and its first line is whole: it may have been cut off before."""
    if not path.is_file():
        return False
    with path.open('rb') as file:
        return file.readline().endswith(b'\n')


class PeopleFile:
    """
    A file of people, to be read again and again.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    header : Header
        Its first line.

    Raises
    ------
    InputError
        If it is no such file.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open(encoding='utf-8') as file:
            first = file.readline()
        try:
            content = json.loads(first)
            if content['unihpe_people'] != _FORMAT:
                raise ValueError
            self.header = Header(
                content['input'],
                float(content['rate_hz']),
                bool(content['still']),
                SKELETONS[content['skeleton']],
                content['settings'],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f'{path}: expected people as `unihpe run --out people.jsonl` writes them'
            ) from error

    def frames(self) -> Iterator[FramePeople]:
        """Read the frames in order; a last line that was cut off is no frame."""
        with self.path.open(encoding='utf-8') as file:
            file.readline()
            for number, line in enumerate(file, 2):
                if line.endswith('\n'):
                    try:
                        frame = _read_frame(line, self.header.skeleton)
                    except (ValueError, LookupError, TypeError) as error:
                        raise InputError(
                            f'{self.path}, line {number}: expected the people of a frame; the '
                            'line is damaged'
                        ) from error
                    yield frame


def _read_frame(line: str, skeleton: Skeleton) -> FramePeople:
    content = json.loads(line)
    people, k = content['people'], len(skeleton)

    def array(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> NDArray[Any]:
        return np.array([person[name] for person in people], dtype).reshape(len(people), *shape)

    poses = Poses(
        skeleton=skeleton,
        boxes=array('box', (4,)),
        keypoints_2d=array('keypoints_2d', (k, 2)),
        keypoints_3d=array('keypoints_3d', (k, 3)),
        scores=array('scores', (k,)),
        flags=array('flags', (k,), np.uint16),
        track_ids=array('id', (), np.uint32),
        agreement=array('agreement', ()),
        root_mode=RootMode(content['root_mode']),
    )
    size = (int(content['size'][0]), int(content['size'][1]))
    return FramePeople(content['frame'], content['stamp_ns'], content['name'], size, poses)


class PeopleWriter:
    """
    Appends frames to a file, each whole before the next begins.

    Parameters
    ----------
    path : Path
        The file; folders that are missing are made.
    header : Header
        Its first line, if it is new.
    append : bool
        Go on after the last whole line of what is there.

    """

    def __init__(self, path: Path, header: Header, append: bool = False) -> None:
        self._skeleton, self._path = header.skeleton, path
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if append:
                _cut_after_last_line(path)
            self._file = path.open('a' if append else 'w', encoding='utf-8')
            if not append:
                self._file.write(header.line())

    def __enter__(self) -> PeopleWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After a full disk, unwritten data is still in the buffer, so that closing fails again.
        with suppress(OSError) if error is not None else naming(self._path):
            self._file.close()

    def write(self, frame: FramePeople) -> None:
        """Add a frame; it is flushed at once, so that a kill loses nothing."""
        with naming(self._path):
            self._file.write(frame.line(self._skeleton))
            self._file.flush()


def _cut_after_last_line(path: Path) -> None:
    with path.open('rb+') as file:
        end = file.seek(0, 2)
        while end > 0:
            start = max(0, end - (1 << 16))
            file.seek(start)
            found = file.read(end - start).rfind(b'\n')
            if found >= 0:
                file.truncate(start + found + 1)
                return
            end = start
        file.truncate(0)


def write_jsonl(path: Path, people: PeopleFile, skeleton: Skeleton) -> None:
    """Write JSON lines, in some keypoint set."""
    with path.open('w', encoding='utf-8') as file:
        file.write(replace(people.header, skeleton=skeleton).line())
        for frame in people.frames():
            file.write(frame.line(skeleton))
