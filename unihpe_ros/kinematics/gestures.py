"""Recognition of gestures: poses of the arms that are held, and movements of the last second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.kinematics.arm_directions import arm_directions, FEATURES
from unihpe_ros.kinematics.gesture_gallery import Gallery, KnownGesture, RATE, REST, STEPS
from unihpe_ros.kinematics.starter_gestures import resting_arms, starter_gestures
from unihpe_ros.kinematics.time_warping import warped_distances

Float64 = NDArray[np.float64]

# An arm of an example counts as hanging from this mean cosine of its bones against the vertical;
# its weight is then this share.
_HANGING, _FREE = 0.8, 0.3
# Weight of a difference in speed, rad for 1 rad/s, so that a still arm on the path of a movement
# does not match it.
_VELOCITY = 0.15
# Speed, rad/s, root mean square over the bones that count, above which a person holds no pose.
_STILL = 0.9
# Least extent of a movement as a share of the example's.
_LEAST_MOTION = 0.65
# Time, s, that a pose and a movement must last before they are reported, the longest gap in it,
# and the time that a gesture stays after it was last seen.
_DWELL, _MOVEMENT_DWELL, _GAP, _LINGERS = 0.35, 0.9, 0.25, 0.4
# Pause after which the state is dropped, s.
_PAUSE = 1.0
# Length of a movement's window, and how much of it must have been seen, s.
_SPAN = (STEPS - 1) / RATE
_WHOLE = 0.9 * _SPAN
_TIMES = np.arange(1 - STEPS, 1) / RATE
# Number of the last moments from which the present speed is computed.
_RECENT = 4


@dataclass(frozen=True)
class SeenGesture:
    """
    A recognised gesture of one person.

    Parameters
    ----------
    name : str
        The gesture; empty for none.
    distance : float
        Distance from the nearest example as a share of its limit; NaN without a gesture.
    since : float
        When it began, s.

    """

    name: str = ''
    distance: float = math.nan
    since: float = math.nan


NO_GESTURE = SeenGesture()


@dataclass
class _Person:
    """Arms of one person over the last second, and their gestures."""

    stamps: list[float] = field(default_factory=list)
    arms: list[Float64] = field(default_factory=list)
    # When each candidate began and was seen last, and whether it is a movement.
    candidates: dict[str, tuple[float, float, bool]] = field(default_factory=dict)
    shown: SeenGesture = NO_GESTURE
    seen: float = -math.inf


class GestureRecogniser:
    """
    Recogniser that compares the arms of people with a gallery ten times a second.

    Parameters
    ----------
    gallery : Gallery
        The gestures to recognise.

    """

    def __init__(self, gallery: Gallery) -> None:
        starter = starter_gestures()
        known = [*(starter[name] for name in gallery.starter), *gallery.recorded, resting_arms()]
        # Of equally near examples the first is taken.
        known.sort(key=lambda one: one.name != REST)
        self._poses = _Examples([one for one in known if not one.is_movement])
        self._movements = _Examples([one for one in known if one.is_movement])
        self._people: dict[int, _Person] = {}
        self._stamp = -math.inf

    def update(
        self, ids: Sequence[int], points: NDArray[np.floating], stamp: float
    ) -> list[SeenGesture]:
        """
        Return the gesture of each person.

        Parameters
        ----------
        ids : Sequence[int]
            N people; all others are forgotten.
        points : NDArray
            ``(N, 26, 3)`` keypoints of UNION in any frame, m; NaN where unknown.
        stamp : float
            Time, s; one before the last, or long after it, drops the state.

        """
        if not 0 <= stamp - self._stamp <= _PAUSE:
            self._people = {}
        self._people = {i: self._people.get(i) or _Person() for i in ids}
        people = [self._people[i] for i in ids]
        # An image half a step early is nearer to the rate than the one after it.
        due = [
            row
            for row, person in enumerate(people)
            if not person.stamps or stamp - person.stamps[-1] >= 0.8 / RATE
        ]
        self._stamp = stamp
        if due:
            arms = arm_directions(points[due])
            for row, now in zip(due, arms, strict=True):
                _append(people[row], stamp, now)
            self._compare([people[row] for row in due], stamp)
        return [person.shown for person in people]

    def _compare(self, people: Sequence[_Person], stamp: float) -> None:
        """Compare the arms of people with all examples."""
        windows = _calmed(np.array([_window(person, stamp) for person in people]))
        velocities = np.gradient(windows, 1 / RATE, axis=1)
        poses = self._poses.nearest_poses(windows[:, -2], velocities)
        found = [(name, distance, False) for name, distance in poses]
        # No movement of people who are known for less than a window.
        whole = [row for row, one in enumerate(people) if one.stamps[0] <= stamp - _WHOLE]
        if whole and len(self._movements):
            moves = self._movements.nearest_movements(windows[whole], velocities[whole])
            for row, (name, distance) in zip(whole, moves, strict=True):
                # A moving person passes through poses.
                if name:
                    found[row] = name, distance, True
        for person, (name, distance, is_movement) in zip(people, found, strict=True):
            _follow(person, name, distance, is_movement, stamp)


class _Examples:
    """Examples of all poses, or of all movements, as arrays to compare with."""

    def __init__(self, known: Sequence[KnownGesture]) -> None:
        shape = known[0].examples.shape[1:] if known else (FEATURES,)
        examples = np.concatenate([one.examples for one in known] or [np.zeros((0, *shape))])
        counts = [len(one.examples) for one in known]
        names = ['' if one.name == REST else one.name for one in known]
        self._names = np.repeat(names, counts)
        self._limits = np.repeat([one.limit for one in known], counts)
        # (M, BONES): an arm that hangs all the time is free.
        down = -examples.reshape(len(examples), math.prod(shape) // FEATURES, 2, 2, 3)[..., 2]
        hangs = down.mean((1, 3)) > _HANGING
        weights = np.where(hangs, _FREE, 1.0)
        # If both arms hang, both have full weight.
        weights[hangs.all(-1)] = 1.0
        weights = np.repeat(weights / (2 * weights.sum(-1, keepdims=True)), 2, axis=-1)
        self._weights = np.repeat(weights, 3, axis=-1)  # (M, 12)
        self._examples = examples
        self._speeds = np.zeros(len(examples))
        if examples.ndim == 3:
            examples = _calmed(examples)
            velocities = np.gradient(examples, 1 / RATE, axis=1)
            self._speeds = np.sqrt(((velocities**2).mean(1) * self._weights).sum(-1))
            self._examples = np.concatenate([examples, _VELOCITY * velocities], -1)
            self._weights = np.tile(self._weights, 2)

    def __len__(self) -> int:
        return len(self._names)

    def nearest_poses(self, arms: Float64, velocities: Float64) -> list[tuple[str, float]]:
        """Return name and distance of each person's pose; '' for none, or while arms move."""
        if not len(self):
            return [('', math.nan)] * len(arms)
        weighted = self._weights * self._examples
        squares = (
            arms**2 @ self._weights.T - 2 * arms @ weighted.T + (weighted * self._examples).sum(-1)
        )
        distances = np.sqrt(np.maximum(squares, 0)) / self._limits
        speeds = np.sqrt((velocities[:, -_RECENT:] ** 2).mean(1) @ self._weights.T)
        return self._named(np.where(speeds > _STILL, np.nan, distances))

    def nearest_movements(self, windows: Float64, velocities: Float64) -> list[tuple[str, float]]:
        """Return name and distance of the movement of each person; '' for none, or at rest."""
        speeds = np.sqrt((velocities**2).mean(1) @ self._weights[:, :FEATURES].T)
        moves = speeds > _LEAST_MOTION * self._speeds
        moving = np.flatnonzero(moves.any(-1))
        distances = np.full(speeds.shape, np.nan)
        if len(moving):
            features = np.concatenate([windows, _VELOCITY * velocities], -1)[moving]
            distances[moving] = warped_distances(features, self._examples, self._weights)
        return self._named(np.where(moves, distances / self._limits, np.nan))

    def _named(self, distances: Float64) -> list[tuple[str, float]]:
        """Return the nearest within its limit, from ``(N, M)`` distances in limits."""
        distances = np.where(distances <= 1, distances, np.inf)
        nearest = distances.argmin(-1)
        least = distances[np.arange(len(distances)), nearest].tolist()
        return [
            (str(self._names[index]), value) if value <= 1 else ('', math.nan)
            for index, value in zip(nearest.tolist(), least, strict=True)
        ]


def _append(person: _Person, stamp: float, arms: Float64) -> None:
    """Add the present arms, ``(12,)``, and drop those older than a window."""
    person.stamps.append(stamp)
    # Arms that are unknown for a moment keep their last directions.
    is_known = not math.isnan(arms[0])
    person.arms.append(arms if is_known or not person.arms else person.arms[-1])
    old = sum(when <= stamp - _SPAN for when in person.stamps[1:])
    del person.stamps[:old], person.arms[:old]


def _window(person: _Person, stamp: float) -> Float64:
    """Return ``(STEPS, 12)`` arms at even times up to now; before the first they were as then."""
    stamps, arms = np.array(person.stamps), np.array(person.arms)
    times = np.maximum(stamp + _TIMES, stamps[0])
    after = np.minimum(np.maximum(stamps.searchsorted(times), 1), len(arms) - 1)
    before = np.maximum(after - 1, 0)
    began, earlier = stamps[before], arms[before]
    span = np.maximum(stamps[after] - began, 1e-9)
    share = np.minimum(np.maximum((times - began) / span, 0), 1)[:, None]
    return np.asarray(earlier + share * (arms[after] - earlier))


def _calmed(windows: Float64) -> Float64:
    """Return ``(..., STEPS, 12)`` windows after a low-pass over three steps."""
    ends = np.concatenate([windows[..., :1, :], windows, windows[..., -1:, :]], -2)
    return np.asarray(0.25 * (ends[..., :-2, :] + ends[..., 2:, :]) + 0.5 * windows)


def _follow(person: _Person, name: str, distance: float, is_movement: bool, stamp: float) -> None:
    """Accept a gesture that lasts, and end one that is over."""
    known = {n: one for n, one in person.candidates.items() if stamp - one[1] <= _GAP}
    # A moving person passes through poses.
    is_passing = not is_movement and any(moves for _, _, moves in known.values())
    if name and not is_passing:
        since = known[name][0] if name in known else stamp
        known[name] = since, stamp, is_movement
        if stamp - since >= (_MOVEMENT_DWELL if is_movement else _DWELL):
            person.shown, person.seen = SeenGesture(name, distance, since), stamp
    if stamp - person.seen > _LINGERS:
        person.shown = NO_GESTURE
    person.candidates = known
