"""
Multi-person tracker: follows people from frame to frame.

Each person's keypoints say where to crop the next frame. Observations are assigned to tracks by
the Hungarian method. A new track is tentative until two observations agree; only then it gets an
id, see `unihpe_ros.tracking.identities`. A track that is not observed is predicted for
`track_timeout`, then lost.

"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.tracking.association import (
    LEAST_MATCH_SCORE,
    match_scores,
    overlaps,
    pairs,
    unoccluded,
    without_duplicates,
)
from unihpe_ros.tracking.ego_motion import EgoMotion
from unihpe_ros.tracking.identities import Identities
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.prediction import boxes_in_view, carry_tracks
from unihpe_ros.tracking.track import see_together, State, Track

_TENTATIVE_LOOKS = 5  # Observations after which a still tentative person is dropped.
# To decide between tracks that match alike: bonus of the track whose crop it is, and factor on the
# scores of a tentative track.
_OWN_CROP, _TENTATIVE_FACTOR = 0.02, 0.8


class Tracker:
    """
    Tracks people by prediction, association and re-identification.

    Parameters
    ----------
    skeleton : Skeleton
        The keypoint set.
    confirm_at_once : bool
        Whether a new person gets an id with the first observation, rather than when two agree.

    Attributes
    ----------
    tracks : list[Track]
        Those whose place is predicted, in the order of `predict`.

    """

    def __init__(self, skeleton: Skeleton, *, confirm_at_once: bool = False) -> None:
        self.tracks: list[Track] = []
        self._skeleton = skeleton
        self._first_state = State.CONFIRMED if confirm_at_once else State.TENTATIVE
        self._root = skeleton.index('pelvis')
        self._stamp = -np.inf
        self._identities = Identities()

    @property
    def lost(self) -> list[Track]:
        """Those kept for re-identification, the last lost at the end."""
        return self._identities.lost

    def reset(self) -> None:
        """Drop all tracks; their ids are not used again."""
        self.tracks, self._stamp = [], -np.inf
        self._identities.forget()

    def forget_places(self) -> None:
        """Forget the positions of people in the room, but keep their ids."""
        for track in (*self.tracks, *self.lost):
            track.root, track.root_velocity = np.full(3, np.nan), np.zeros(3)

    def roots(self) -> dict[int, Array]:
        """Return where in the camera's frame everybody with an id is, ``(3,)`` m, by id."""
        return {track.id: track.root for track in (*self.tracks, *self.lost) if track.id}

    def predict(
        self,
        stamp: float,
        size: tuple[int, int],
        settings: EstimatorSettings,
        ego_motion: EgoMotion | None = None,
    ) -> NDArray[np.float32]:
        """
        Predict where the known people are at a time.

        Parameters
        ----------
        stamp : float
            Time of the frame, s.
        size : tuple[int, int]
            (w, h) of the image, px.
        settings : EstimatorSettings
            Predictions end after `track_timeout`.
        ego_motion : EgoMotion, optional
            How the camera moved since the last frame; without it, as if it stood still.

        Returns
        -------
        NDArray[np.float32]
            ``(T, 4)`` boxes cut to the image, px.

        """
        seconds = min(stamp - self._stamp, settings.track_timeout)
        places, staying = boxes_in_view(self.tracks, seconds, size, ego_motion)
        if ego_motion is not None:
            carry_tracks((*self.tracks, *self.lost), ego_motion)
        for track in self.tracks:
            track.move(seconds)
        self._stamp = stamp
        left = [track for track in self.tracks if not any(track is one for one in staying)]
        self.tracks = staying
        self._identities.lose(left, stamp, settings)
        return places

    def foresee(
        self,
        stamp: float,
        size: tuple[int, int],
        settings: EstimatorSettings,
        ego_motion: EgoMotion | None = None,
    ) -> tuple[NDArray[np.float32], bool]:
        """
        Return what `predict` would, without moving anybody, and whether somebody is missing.

        Parameters
        ----------
        stamp, size, settings, ego_motion
            See `predict`.

        Returns
        -------
        places : NDArray[np.float32]
            ``(T, 4)`` px, see `predict`.
        missing : bool
            See `is_anybody_missing`, then.

        """
        seconds = min(stamp - self._stamp, settings.track_timeout)
        places, staying = boxes_in_view(self.tracks, seconds, size, ego_motion)
        return places, _anybody_missing(staying)

    def update(
        self, observations: Observations, settings: EstimatorSettings
    ) -> NDArray[np.uint32]:
        """
        Update the tracks by the observations of a frame.

        Parameters
        ----------
        observations : Observations
            Only those that show somebody.
        settings : EstimatorSettings
            How many people there may be, what counts as observed and when a track ends.

        Returns
        -------
        NDArray[np.uint32]
            ``(G,)`` id of each observation; 0 for tentative people and duplicates.

        """
        threshold, known = settings.score_threshold, len(self.tracks)
        alike, shared = overlaps(self.tracks, observations, self._skeleton, threshold)
        fit = match_scores(
            self.tracks, observations, self._skeleton, self._stamp, alike[:known], shared[:known]
        )
        rows = without_duplicates(observations, fit, alike[known:], shared[known:])
        seen = self._see(observations, fit, rows, threshold)
        for row in rows:
            if row not in seen and len(self.tracks) < settings.max_people:
                seen[row] = Track.start(row, observations, self._root, self._stamp)
                seen[row].state = self._first_state
                self.tracks.append(seen[row])
        confirmed = [track for track in seen.values() if self._gets_id(track, settings)]
        self.tracks = self._identities.assign(self.tracks, seen.values(), confirmed, self._stamp)
        self._retire({id(track) for track in seen.values()}, settings)
        ids = np.zeros(len(observations), np.uint32)
        for row, track in seen.items():
            ids[row] = track.id
        return ids

    @property
    def is_anybody_missing(self) -> bool:
        """Whether nobody is confirmed, or somebody who is was not seen in the last frame."""
        return _anybody_missing(self.tracks)

    @property
    def knows_nobody(self) -> bool:
        """Whether nobody is followed, and nobody is remembered."""
        return not self.tracks and not self.lost

    def predicted(self) -> list[Track]:
        """Return the people with an id who were not seen in the last frame."""
        return [track for track in self.tracks if track.state is State.PREDICTED]

    def remembered(self) -> set[int]:
        """Return all ids that may be seen again."""
        return {track.id for track in (*self.tracks, *self.lost)}

    def _see(
        self,
        observations: Observations,
        fit: NDArray[np.float64],
        rows: list[int],
        threshold: float,
    ) -> dict[int, Track]:
        """Assign observations to tracks; return the track of each row."""
        new = np.array([[not track.id] for track in self.tracks], np.bool_).reshape(-1, 1)
        own = np.arange(len(self.tracks))[:, None] == observations.sources[rows]
        chance = fit[:, rows] * np.where(new, _TENTATIVE_FACTOR, 1.0)
        chance += np.where(chance > 0, _OWN_CROP * own, 0)
        # A newcomer who has moved is not confirmed, but is not a second newcomer either.
        chance = np.where(own & new, np.maximum(chance, LEAST_MATCH_SCORE), chance)
        seen = {}
        for t, column in pairs(chance):
            track, row = self.tracks[t], rows[column]
            track.looks += 1
            box, cut = observations.boxes[row], observations.cut[row]
            if track.id or (not cut and track.agrees(box, self._stamp)):
                track.state = State.CONFIRMED
            seen[row] = track
        alone = unoccluded(observations, self._skeleton)
        see_together(seen, observations, self._root, self._stamp, threshold, alone)
        return seen

    def _gets_id(self, track: Track, settings: EstimatorSettings) -> bool:
        """Whether a newcomer gets an id: two observations agree, and enough time has passed."""
        old = self._stamp - track.first >= settings.confirm_time
        return not track.id and track.state is State.CONFIRMED and old

    def _retire(self, seen: set[int], settings: EstimatorSettings) -> None:
        """End the tracks that are not seen any more."""
        living, gone = [], []
        for track in self.tracks:
            if id(track) in seen:
                if track.state is State.CONFIRMED or track.looks < _TENTATIVE_LOOKS:
                    living.append(track)
            elif track.id and self._stamp - track.stamp <= settings.track_timeout:
                track.state = State.PREDICTED
                living.append(track)
            else:
                gone.append(track)
        self.tracks = living[: settings.max_people]
        gone += living[settings.max_people :]
        self._identities.lose(gone, self._stamp, settings)


def _anybody_missing(tracks: Iterable[Track]) -> bool:
    states = {track.state for track in tracks if track.id}
    return not states or State.PREDICTED in states
