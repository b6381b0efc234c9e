"""
Position and velocity of people with their standard deviations, by a constant-velocity filter.

A Kalman filter for each person takes the place of the pelvis. Its noise grows with the distance
from the camera and is larger along the ray than across it. Two errors are no noise, and are added
to what the filter says: a person's size that is not known moves them along the ray for as long as
they are seen, and the smoothing of keypoints lets them lag behind. The constants are set so that
`experiments/person_states.py` finds as many errors within one standard deviation as it should.

"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# Noise of one image as a share of the distance: along the ray, across it; by projection and by
# a depth image.
_ALONG, _ACROSS = np.array([0.02, 0.006]), 0.004
# Lasting errors as a share of the distance, along the ray and across it.
_BIAS_ALONG, _BIAS_ACROSS = np.array([0.036, 0.01]), 0.0035
_LAG = 0.045  # s; lag of smoothed positions.
_BOB = 0.18  # m/s; of the up and down in a walk, which the filter removes.
# Spectral density of the acceleration of people, m^2/s^3, and the standard deviation of their
# velocity when they are first seen, m/s.
_AGILITY, _FIRST_SPEED = 0.2, 1.0
_GAP = 1.0  # s; gap after which a filter begins anew.
_EYE, _DIAGONAL = np.eye(3), np.arange(3)


class PeopleMotion:
    """Filter of the positions and velocities of people in one frame."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._stamp = -np.inf
        self._states: Float64 = np.zeros((0, 6))
        self._covariances: Float64 = np.zeros((0, 6, 6))
        self._frame: Float64 | None = None

    def update(
        self,
        ids: Sequence[int],
        places: NDArray[np.floating],
        stamp: float,
        camera: NDArray[np.floating],
        up: NDArray[np.floating],
        measured: NDArray[np.bool_] | None = None,
        frame_from_world: Float64 | None = None,
    ) -> tuple[Float64, Float64]:
        """
        Update the filter by the people of one image.

        Parameters
        ----------
        ids : Sequence[int]
            N people; all others are forgotten.
        places : NDArray
            ``(N, 3)`` m, in a frame that stays still, or of which `frame_from_world` says how it
            moves; NaN for people who are not seen now.
        stamp : float
            s; a time before the last one, or long after it, forgets everybody.
        camera : NDArray
            ``(3,)`` where the camera is in that frame, m.
        up : NDArray
            ``(3,)`` unit vector against gravity.
        measured : NDArray[np.bool_], optional
            ``(N,)`` whether a depth image said how far they are; nobody if not given.
        frame_from_world : NDArray[np.float64], optional
            ``(4, 4)`` from a frame that stays still into that of the places, now.

        Returns
        -------
        states : NDArray[np.float64]
            ``(N, 6)`` x y z, m, and their velocities against the world, m/s, along the axes of
            the frame now; NaN for those never seen.
        sigmas : NDArray[np.float64]
            ``(N, 6)`` their standard deviations.

        """
        kind = np.zeros(len(ids), np.intp) if measured is None else measured.astype(np.intp)
        self._follow_frame(frame_from_world)
        self._carry(ids, stamp)
        found: Float64 = places.astype(np.float64)
        is_seen = np.isfinite(found).all(-1)
        noise = _spread(found - camera, _ALONG[kind], _ACROSS)
        is_new = is_seen & ~np.isfinite(self._states[:, 0])
        self._begin(is_new, found, noise)
        rows = np.flatnonzero(is_seen & ~is_new)
        if len(rows):
            covariance = self._covariances[rows]
            inverse = np.linalg.inv(covariance[:, :3, :3] + noise[rows])
            gain = covariance[:, :, :3] @ inverse
            surprise = (found[rows] - self._states[rows, :3])[..., None]
            self._states[rows] += (gain @ surprise)[..., 0]
            left = covariance - gain @ covariance[:, :3]
            # Symmetric, whatever the rounding.
            self._covariances[rows] = 0.5 * (left + left.swapaxes(1, 2))
        return self._states.copy(), self._sigmas(camera, up, kind)

    def _follow_frame(self, frame_from_world: Float64 | None) -> None:
        """Bring what is known into the frame as it is now, if it has moved in the world."""
        before, self._frame = self._frame, frame_from_world
        if before is None or frame_from_world is None:
            return
        moved = frame_from_world @ np.linalg.inv(before)
        turn = np.kron(np.eye(2), moved[:3, :3])
        self._states = self._states @ turn.T
        self._states[:, :3] += moved[:3, 3]
        self._covariances = turn @ self._covariances @ turn.T

    def _carry(self, ids: Sequence[int], stamp: float) -> None:
        """Predict known people to a time; new ones are NaN."""
        step = stamp - self._stamp
        kept = {i: row for row, i in enumerate(self._ids)} if 0 <= step <= _GAP else {}
        states, covariances = np.full((len(ids), 6), np.nan), np.zeros((len(ids), 6, 6))
        rows = [row for row, i in enumerate(ids) if i in kept]
        before = [kept[ids[row]] for row in rows]
        if rows:
            move = np.eye(6)
            move[_DIAGONAL, _DIAGONAL + 3] = step
            # Of a velocity that wanders.
            grown = np.diag(np.repeat((_AGILITY * step**3 / 3, _AGILITY * step), 3))
            half = _AGILITY * step**2 / 2
            grown[_DIAGONAL, _DIAGONAL + 3] = grown[_DIAGONAL + 3, _DIAGONAL] = half
            states[rows] = self._states[before] @ move.T
            covariances[rows] = move @ self._covariances[before] @ move.T + grown
        self._ids, self._stamp = list(ids), stamp
        self._states, self._covariances = states, covariances

    def _begin(self, is_new: NDArray[np.bool_], places: Float64, noise: Float64) -> None:
        self._states[is_new, :3], self._states[is_new, 3:] = places[is_new], 0.0
        self._covariances[is_new, :3, :3] = noise[is_new]
        self._covariances[is_new, 3:, 3:] = _FIRST_SPEED**2 * _EYE

    def _sigmas(
        self, camera: NDArray[np.floating], up: NDArray[np.floating], kind: NDArray[np.intp]
    ) -> Float64:
        """``(N, 6)`` Reported deviations: the filter's, and those that the filter cannot know."""
        velocity = self._states[:, 3:]
        bias = _BIAS_ALONG[kind]
        lasting = _spread(self._states[:, :3] - camera, bias, _BIAS_ACROSS)
        variance = self._covariances.diagonal(axis1=1, axis2=2).copy()
        variance[:, :3] += lasting.diagonal(axis1=1, axis2=2) + (_LAG * velocity) ** 2
        variance[:, 3:] += (bias[:, None] * velocity) ** 2 + (_BOB * up) ** 2
        variance[~np.isfinite(self._states)] = np.nan
        return np.asarray(np.sqrt(variance))


def _spread(rays: Float64, along: Float64, across: float) -> Float64:
    """``(N, 3, 3)`` Covariances of places at the end of rays, by shares of their lengths."""
    outer = rays[:, :, None] * rays[:, None]
    squared = np.add.reduce(rays * rays, -1)[:, None, None]
    share = along[:, None, None] ** 2 - across**2
    return np.asarray((across**2 * squared + 1e-8) * _EYE + share * outer)
