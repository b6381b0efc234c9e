"""
Memory of people who left: by the colours of their clothes they get their ids back.

Where somebody was says nothing after more than some seconds. The colours of torso, legs and hair
are the mean over all looks at a person whom nobody occluded. How often people are known again, and
how often a stranger is taken for one of them, is measured by `experiments/who_is_back.py`.

"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.tracking.appearance import clothes_likeness
from unihpe_ros.tracking.association import pairs
from unihpe_ros.tracking.observations import RECENT
from unihpe_ros.tracking.track import Track

# Likeness of clothes from which they are the same person's, and by how much it has to exceed that
# of all others.
SAME_CLOTHES, CLEAR = 0.86, 0.03
# For so long after somebody came it may still turn out who they are, s.
_RECALLED_WITHIN = 2.0


@dataclass(frozen=True)
class RememberedPerson:
    """
    A person who left.

    Parameters
    ----------
    id : int
        Their id.
    clothes : NDArray[np.float32]
        ``(4, C)`` see `unihpe_ros.tracking.appearance.clothes_colours`.
    stamp : float
        When they were seen last, s.

    """

    id: int
    clothes: NDArray[np.float32]
    stamp: float


class PeopleMemory:
    """Remembers people who left, the last to leave at the end."""

    def __init__(self) -> None:
        self._people: list[RememberedPerson] = []

    def __len__(self) -> int:
        return len(self._people)

    def keep(self, gone: Iterable[Track], stamp: float, seconds: float, most: int) -> None:
        """
        Take in people who are lost; forget who is away for longer, and who is one too many.

        Parameters
        ----------
        gone : Iterable[Track]
            Who was lost just now.
        stamp : float
            Now, s.
        seconds : float
            How long people are remembered; not at all if that is no longer than RECENT.
        most : int
            How many people are remembered at most.

        """
        if seconds <= RECENT:
            self._people = []
            return
        for track in gone:
            if track.id and np.isfinite(track.clothes).any():
                self._people = [one for one in self._people if one.id != track.id]
                self._people.append(RememberedPerson(track.id, track.clothes, track.stamp))
        fresh = [one for one in self._people if stamp - one.stamp <= seconds]
        self._people = fresh[-most:]

    def recall(
        self, tracks: Sequence[Track], present: set[int], stamp: float
    ) -> list[tuple[Track, int]]:
        """
        Return those of some people who were here before, and their old ids.

        Parameters
        ----------
        tracks : Sequence[Track]
            People in view who have no id yet, or a new one.
        present : set[int]
            Ids of people who are in view, or were until just now.
        stamp : float
            Now, s.

        """
        away = [one for one in self._people if one.id not in present]
        new = [
            track
            for track in tracks
            if track.unoccluded_looks and stamp - track.first <= _RECALLED_WITHIN
        ]
        if not away or not new:
            return []
        alike = np.array(
            [[clothes_likeness(one.clothes, track.clothes) for track in new] for one in away]
        )
        # Whoever resembles two people is neither.
        second = np.sort(alike, axis=0)[-2] if len(away) > 1 else np.zeros(len(new))
        is_same = (alike >= SAME_CLOTHES) & (alike >= second + CLEAR)
        found = pairs(np.where(is_same, alike, 0))
        return [(new[column], away[row].id) for row, column in found]
