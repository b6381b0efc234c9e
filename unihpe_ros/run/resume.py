"""Resume an earlier run: its frames, and ids that continue."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from pathlib import Path

import numpy as np
from unihpe_ros.core.pose import Poses
from unihpe_ros.run.inputs.source import InputError
from unihpe_ros.run.outputs.people_file import FramePeople, Header, PeopleFile

# Number of frames that are processed again, so that people are matched with those of the earlier
# run.
OVERLAP_FRAMES = 30
# Largest distance of the keypoints of the same person, in sizes of the person in the image.
_NEAR = 0.25


class Earlier:
    """
    Frames that an earlier run has processed.

    Parameters
    ----------
    path : Path
        The file that it has left.
    header : Header
        What this run would write.

    Attributes
    ----------
    last : int
        Number of the last frame; -1 if there is none.
    begin : int
        Number of the first frame to be processed.
    people : dict[int, Poses]
        People from `begin` to `last`, by frame.
    ids : Ids
        Goes on with the numbers of that run.

    Raises
    ------
    InputError
        If it was of another input, or made with another model or other options.

    """

    def __init__(self, path: Path, header: Header) -> None:
        file = PeopleFile(path)
        if file.header != header:
            names = ('input', 'rate', 'still', 'settings')
            other = [name for name in names if getattr(file.header, name) != getattr(header, name)]
            raise InputError(
                f'{path}: expected the same {", ".join(other) or "keypoints"} as when it was '
                'begun; run without --resume to start anew'
            )
        tail: deque[FramePeople] = deque(maxlen=1 if header.still else OVERLAP_FRAMES)
        highest = 0
        for frame in file.frames():
            tail.append(frame)
            highest = max(highest, *frame.poses.track_ids.tolist(), 0)
        self.last = tail[-1].number if tail else -1
        self.begin = self.last + 1 if header.still or not tail else tail[0].number
        self.people = {frame.number: frame.poses for frame in tail}
        self.ids = Ids(highest)


class Ids:
    """
    Ids of people, counted from 1 on in one output.

    Parameters
    ----------
    highest : int
        The highest number that is taken.

    """

    def __init__(self, highest: int = 0) -> None:
        self._highest = highest
        self._votes: dict[int, Counter[int]] = {}
        self._ids: dict[int, int] = {}

    def compare(self, poses: Poses, known: Poses) -> None:
        """Match new people with those of the earlier run in a frame that both runs processed."""
        for person in range(len(poses)):
            found = _nearest(poses, person, known)
            if found is not None:
                votes = self._votes.setdefault(int(poses.track_ids[person]), Counter())
                votes[int(known.track_ids[found])] += 1

    def renamed(self, poses: Poses) -> Poses:
        """Return the people with the ids of the earlier run, and new ids for new people."""
        for track_id in poses.track_ids.tolist():
            if track_id not in self._ids:
                self._ids[track_id] = self._id_of(track_id)
        ids = [self._ids[track_id] for track_id in poses.track_ids.tolist()]
        return replace(poses, track_ids=np.array(ids, np.uint32))

    def _id_of(self, track_id: int) -> int:
        taken = set(self._ids.values())
        for known, _ in self._votes.get(track_id, Counter()).most_common():
            if known not in taken:
                return known
        self._highest += 1
        return self._highest


def _nearest(poses: Poses, person: int, known: Poses) -> int | None:
    """Return the known person at the position of a person, if there is one."""
    if not len(known):
        return None
    both = np.isfinite(known.keypoints_2d - poses.keypoints_2d[person]).all(-1)
    gaps = np.linalg.norm(known.keypoints_2d - poses.keypoints_2d[person], axis=-1)
    counts = np.maximum(both.sum(-1), 1)
    distances = np.where(both.any(-1), np.where(both, gaps, 0).sum(-1) / counts, np.inf)
    best = int(distances.argmin())
    box = poses.boxes[person]
    size = float(max(box[2] - box[0], box[3] - box[1]))
    return best if distances[best] < _NEAR * size else None
