"""Where people point: the ray of a stretched arm, its uncertainty, and its end on the ground."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION

Float64 = NDArray[np.float64]

# An arm that points is bent at the elbow by no more, and raised from the trunk by no less, rad.
_MOST_BENT, _LEAST_RAISED = math.radians(40), math.radians(35)
# How far a wrist or an eye is from where it is seen, m.
_KEYPOINT_SIGMA = 0.03
# A ray that falls less than this, as a sine, meets the ground too far away to say where.
_LEAST_FALL = 0.05


@dataclass(frozen=True)
class Ray:
    """
    Ray of a pointing arm.

    Parameters
    ----------
    person : int
        Row of the person.
    origin : NDArray[np.float64]
        ``(3,)`` the wrist, m.
    direction : NDArray[np.float64]
        ``(3,)`` unit vector, halfway between those from shoulder and eyes through the wrist.
    sigma : float
        Standard deviation of the direction, rad.

    """

    person: int
    origin: Float64
    direction: Float64
    sigma: float

    def on_ground(self, up: NDArray[np.floating], height: float = 0.0) -> tuple[Float64, float]:
        """
        Return the point where the ray meets the ground.

        Parameters
        ----------
        up : NDArray
            ``(3,)`` unit vector against gravity.
        height : float
            Where the ground is along `up`, m.

        Returns
        -------
        point : NDArray[np.float64]
            ``(3,)`` m; NaN if it does not.
        sigma : float
            Standard deviation along the ground in the worse direction, m.

        """
        falls, above = -float(self.direction @ up), float(self.origin @ up) - height
        if falls < _LEAST_FALL or above <= 0:
            return np.full(3, np.nan), math.nan
        distance = above / falls
        return self.origin + distance * self.direction, self.sigma * distance / falls


def pointing_rays(points: NDArray[np.floating]) -> list[Ray]:
    """
    Return the rays of all arms that point.

    Parameters
    ----------
    points : NDArray
        ``(N, 26, 3)`` keypoints of UNION, m; NaN where unknown.

    """
    rays = []
    for row, person in enumerate(points.astype(np.float64)):
        at = dict(zip(UNION.keypoints, person, strict=True))
        rays += [ray for side in ('left', 'right') if (ray := _ray(row, at, side)) is not None]
    return rays


def _ray(row: int, at: dict[str, Float64], side: str) -> Ray | None:
    shoulder, elbow, wrist = (
        at[f'{side}_{name}'] for name in ('shoulder_joint', 'elbow', 'wrist')
    )
    trunk = at['pelvis'] - 0.5 * (at['left_shoulder_joint'] + at['right_shoulder_joint'])
    reach, upper, lower = wrist - shoulder, elbow - shoulder, wrist - elbow
    if not (_angle(upper, lower) < _MOST_BENT and _angle(reach, trunk) > _LEAST_RAISED):
        return None
    eyes = 0.5 * (at['left_eye'] + at['right_eye'])
    looks = [shoulder] if np.isnan(eyes).any() else [shoulder, eyes]
    lines = [wrist - start for start in looks]
    units = [line / np.linalg.norm(line) for line in lines]
    direction = np.sum(units, axis=0)
    length = float(np.linalg.norm(direction))
    if not length > 0:
        return None
    # Neither line is known to be the one that is meant, and both ends of it are a little off.
    apart = 0.5 * _angle(units[0], units[-1])
    off = math.sqrt(2) * _KEYPOINT_SIGMA / float(np.linalg.norm(reach))
    return Ray(row, wrist, direction / length, math.hypot(apart, off / math.sqrt(len(units))))


def _angle(a: Float64, b: Float64) -> float:
    """Return the angle between vectors, rad; NaN if one is unknown or has no length."""
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return math.acos(float(np.clip(a @ b / length, -1, 1))) if length > 0 else math.nan
