"""State of one tracked person: position, velocity and appearance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.geometry import Array
from unihpe_ros.tracking.observations import Observations

_VELOCITY_TIME = 0.048  # s; time constant of that in the image: a half at 30 images a second.
_ROOT_TIME = 0.3  # s; time constant of that in the room, where depth is not.
_VELOCITY_FADE = 0.8  # s in which an unseen person's velocity falls to 1/e.
_SHRINK_TIME = 0.2  # s in which a box may shrink to 1/e: one bad frame must not collapse it.
_LEAST_STEP = 1e-3  # s; no velocity is read from a shorter step.
_FASTEST = 3.0  # m/s; what moves faster is an error of depth.
_MEMORY_GAIN = 0.05  # Least weight of a new observation in the mean of the colours.
_CLOTHES_GAIN = 0.003  # As above, for clothes, which show other sides as people turn.
# IoU from which two successive observations are the same person, who may have walked on at this
# pace, heights/s: at 5 images a second the boxes of a walking person do not overlap.
_AGREEING_IOU, _PACE = 0.6, 1.2


class State(Enum):
    """Stage in the life of a track: whether its person is confirmed, seen, predicted or lost."""

    TENTATIVE = 'tentative'  # Observed, but not often enough to get an id.
    CONFIRMED = 'confirmed'  # Seen in this frame.
    PREDICTED = 'predicted'  # Not observed for a moment: searched for at the predicted position.
    LOST = 'lost'  # Not searched for any more, but kept for re-identification.


@dataclass
class Track:
    """
    A tracked person. The id is 0 while tentative; `stamp` is the last observation's.

    `colours` is the mean over the `unoccluded_looks` observations that were not occluded; until
    there is one, it is the first observation's. `id_assigned_while_occluded` is true if the id
    was assigned before there was one, and so may be wrong. `has_new_id` is true if the id is
    nobody's who was seen before.

    """

    box: Array
    keypoints: Array
    scores: Array
    root: Array
    embedding: Array
    colours: Array
    stamp: float
    first: float
    id: int = 0
    looks: int = 0
    unoccluded_looks: int = 0
    id_assigned_while_occluded: bool = False
    state: State = State.TENTATIVE
    velocity: Array = field(default_factory=lambda: np.zeros(2))
    root_velocity: Array = field(default_factory=lambda: np.zeros(3))
    moved: Array = field(default_factory=lambda: np.zeros(2))
    moved_root: Array = field(default_factory=lambda: np.zeros(3))
    has_new_id: bool = False
    clothes: Array = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    clothes_looks: Array = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def start(cls, row: int, observations: Observations, root: int, stamp: float) -> Track:
        """Return a new track of an observation; `root` is the index of the root keypoint."""
        return cls(
            box=observations.boxes[row],
            keypoints=observations.keypoints_2d[row],
            scores=observations.scores[row],
            root=observations.keypoints_3d[row, root].astype(np.float64),
            embedding=observations.embeddings[row],
            colours=observations.colours[row],
            stamp=stamp,
            first=stamp,
        )

    def move(self, seconds: float) -> None:
        """Predict the position; `moved` and `moved_root` are the displacement."""
        self.moved, self.moved_root = self.velocity * seconds, self.root_velocity * seconds
        self.keypoints = self.keypoints + self.moved
        self.box = self.box + np.concatenate([self.moved, self.moved])
        self.root = self.root + self.moved_root
        if self.state is State.PREDICTED:
            fade = math.exp(-seconds / _VELOCITY_FADE)
            self.velocity, self.root_velocity = self.velocity * fade, self.root_velocity * fade

    def agrees(self, box: Array, stamp: float) -> bool:
        """Whether the second observation of a newcomer confirms the first, walking allowed for."""
        moved = 0.5 * (box[:2] + box[2:] - self.box[:2] - self.box[2:])
        walked = _PACE * float(self.box[3] - self.box[1]) * (stamp - self.stamp)
        back = moved * min(walked / max(math.hypot(*moved.tolist()), 1e-9), 1.0)
        there = box - np.concatenate([back, back])
        return bool(boxes.iou(there[None], self.box[None])[0, 0] > _AGREEING_IOU)

    def learn_colours(self, seen: Array) -> None:
        """Update the colours with an observation that was not occluded."""
        self.unoccluded_looks += 1
        if self.unoccluded_looks == 1:
            # The colours until now may be those of a person in front.
            self.colours = seen
        gain = max(1 / self.unoccluded_looks, _MEMORY_GAIN)
        self.colours = self.colours + gain * (seen - self.colours)

    def learn_clothes(self, seen: Array) -> None:
        """Update the mean ``(4, C)`` of the clothes, each part where it is seen."""
        if not len(self.clothes):
            self.clothes, self.clothes_looks = np.full_like(seen, np.nan), np.zeros(len(seen))
        shown = np.asarray(np.isfinite(seen).all(-1))
        self.clothes_looks = self.clothes_looks + shown
        before = np.where(np.isnan(self.clothes), seen, self.clothes)
        gain = np.maximum(1 / np.maximum(self.clothes_looks, 1), _CLOTHES_GAIN)[:, None]
        learnt = before + gain * (seen - before)
        self.clothes = np.where(shown[:, None], learnt, self.clothes).astype(np.float32)

    def follow(self, root: Array, step: float) -> None:
        """Update root position and velocity by a measurement, some seconds after the last."""
        surprise = root - self.root
        if not self.id or not all(map(math.isfinite, surprise.tolist())):
            self.root = root if np.isfinite(root).all() else self.root
            return
        # Critically damped: a double pole at `keep`.
        keep = math.exp(-max(step, _LEAST_STEP) / _ROOT_TIME)
        self.root = self.root + (1 - keep**2) * surprise
        velocity = self.root_velocity + (1 - keep) ** 2 * surprise / max(step, _LEAST_STEP)
        speed = math.hypot(*velocity.tolist())
        self.root_velocity = velocity * min(1.0, _FASTEST / max(speed, 1e-9))


def see_together(
    seen: Mapping[int, Track],
    observations: Observations,
    root: int,
    stamp: float,
    threshold: float,
    unoccluded: NDArray[np.bool_],
) -> None:
    """
    Update several people by one observation of each.

    Parameters
    ----------
    seen : Mapping[int, Track]
        M people, none twice, by the row of their observation.
    observations : Observations
        G observations.
    root : int
        Index of the root keypoint.
    stamp : float
        Now, s.
    threshold : float
        Score from which a keypoint counts.
    unoccluded : NDArray[np.bool_]
        ``(G,)`` whether the appearance may be updated.

    """
    if not seen:
        return
    rows, tracks = list(seen), list(seen.values())
    keypoints, scores = observations.keypoints_2d[rows], observations.scores[rows]
    steps = [stamp - track.stamp for track in tracks]
    velocities = _velocities(tracks, keypoints, scores >= threshold, steps, threshold)
    places = _held(tracks, observations.boxes[rows], steps)
    roots = observations.keypoints_3d[rows, root].astype(np.float64)
    for number, (row, track) in enumerate(seen.items()):
        track.velocity, track.box = velocities[number], places[number]
        track.follow(roots[number], steps[number])
        track.keypoints, track.scores, track.stamp = keypoints[number], scores[number], stamp
        track.embedding = observations.embeddings[row]
    learnt = unoccluded & np.isfinite(observations.colours).all(-1)
    for row in np.flatnonzero(learnt).tolist():
        if row in seen:
            seen[row].learn_colours(observations.colours[row])
            if observations.clothes.shape[1]:
                seen[row].learn_clothes(observations.clothes[row])


def _velocities(
    tracks: Sequence[Track],
    keypoints: Array,
    shown: NDArray[np.bool_],
    steps: Sequence[float],
    threshold: float,
) -> Array:
    """``(M, 2)`` px/s, from the (upper) median of the displacements of common keypoints."""
    moved = keypoints - np.array([track.keypoints for track in tracks])
    both = shown & (np.array([track.scores for track in tracks]) >= threshold)
    both &= np.isfinite(moved).all(-1)
    ordered = np.sort(np.where(both[..., None], moved, np.inf), axis=1)
    counts = np.count_nonzero(both, axis=-1)
    middles = ordered[np.arange(len(tracks)), counts // 2]
    return np.array(
        [
            track.velocity + (1 - math.exp(-step / _VELOCITY_TIME)) * middle / step
            if count and track.id and step > _LEAST_STEP
            else track.velocity
            for track, step, middle, count in zip(
                tracks, steps, middles, counts.tolist(), strict=True
            )
        ]
    )


def _held(tracks: Sequence[Track], places: Array, steps: Sequence[float]) -> Array:
    """``(M, 4)`` boxes, of known people not smaller than the last one may have shrunk to."""
    known = np.array([track.box for track in tracks])
    shrunk = np.array([math.exp(-max(step, 0.0) / _SHRINK_TIME) for step in steps])
    least = (known[:, 2:] - known[:, :2]) * shrunk[:, None]
    middle = 0.5 * (places[:, :2] + places[:, 2:])
    half = 0.5 * np.maximum(places[:, 2:] - places[:, :2], least)
    held = np.concatenate([middle - half, middle + half], -1)
    new = np.array([[not track.id] for track in tracks])
    return np.where(new, places, held)
