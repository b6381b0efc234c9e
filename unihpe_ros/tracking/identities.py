"""
Ids of people: a confirmed newcomer gets that of a person who was lost, or else a new one.

A lost person is remembered for `lost_timeout`: by place and torso for some seconds, by all clothes
for longer.

"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.tracking.association import pairs, reid_scores
from unihpe_ros.tracking.observations import RECENT
from unihpe_ros.tracking.people_memory import PeopleMemory
from unihpe_ros.tracking.track import State, Track

_LEAST_RETURN = 0.05  # Re-identification score from which a newcomer is a lost person.
_DOUBTFUL_LOOKS = 10  # Unoccluded observations in which an id may be corrected.
# People remembered for each who may be followed.
_REMEMBERED = 2


class Identities:
    """
    Assigns ids to people, and remembers the people who left.

    Attributes
    ----------
    lost : list[Track]
        Those kept for re-identification, the last lost at the end.
    memory : PeopleMemory
        Those remembered by their clothes.

    """

    def __init__(self) -> None:
        self._last = 0
        self.forget()

    def forget(self) -> None:
        """Forget all who left; their ids are not used again."""
        self.lost: list[Track] = []
        self.memory = PeopleMemory()

    def assign(
        self,
        tracks: Sequence[Track],
        seen: Collection[Track],
        newcomers: Sequence[Track],
        stamp: float,
    ) -> list[Track]:
        """
        Assign ids to newcomers: that of a lost track if they match one, else a new one.

        A track that got its id while occluded is matched again once it is not occluded.

        Parameters
        ----------
        tracks : Sequence[Track]
            All who are followed.
        seen : Collection[Track]
            Those of them who were observed in this frame.
        newcomers : Sequence[Track]
            Those of `seen` who shall get an id.
        stamp : float
            Now, s.

        Returns
        -------
        list[Track]
            `tracks` without those whose id somebody else has got.

        """
        doubtful = [
            track
            for track in seen
            if track.id_assigned_while_occluded and 0 < track.unoccluded_looks <= _DOUBTFUL_LOOKS
        ]
        staying = self._give_back(tracks, seen, [*newcomers, *doubtful], stamp)
        new = [track for track in newcomers if not track.id]
        waiting = [*new, *(track for track in seen if track.has_new_id)]
        present = {track.id for track in (*staying, *self.lost)}
        for track, old in self.memory.recall(waiting, present, stamp):
            track.id, track.id_assigned_while_occluded, track.has_new_id = old, False, False
        for track in new:
            if not track.id:
                self._last += 1
                track.id, track.has_new_id = self._last, True
                track.id_assigned_while_occluded = not track.unoccluded_looks
        return staying

    def _give_back(
        self, tracks: Sequence[Track], seen: Collection[Track], back: list[Track], stamp: float
    ) -> list[Track]:
        """Assign the ids of people who are not seen to those who match; return who is left."""
        taken = {id(track) for track in seen}
        gone = [t for t in (*tracks, *self.lost) if t.id and id(t) not in taken]
        staying = list(tracks)
        for t, m in pairs(reid_scores(gone, back, stamp), _LEAST_RETURN):
            back[m].id, back[m].id_assigned_while_occluded = gone[t].id, False
            staying = [track for track in staying if track is not gone[t]]
            self.lost = [track for track in self.lost if track is not gone[t]]
        return staying

    def lose(self, tracks: Iterable[Track], stamp: float, settings: EstimatorSettings) -> None:
        """Keep tracks for re-identification, no more and no longer than the settings say."""
        gone = [track for track in tracks if track.id]
        for track in gone:
            track.state = State.LOST
        recent, most = min(settings.lost_timeout, RECENT), _REMEMBERED * settings.max_people
        self.lost = [t for t in (*self.lost, *gone) if stamp - t.stamp <= recent][-most:]
        self.memory.keep(gone, stamp, settings.lost_timeout, most)
