"""Where people point: the ray of a stretched arm, its uncertainty, and its end on the ground."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION

Float64 = NDArray[np.float64]

# Largest bend of the elbow, and least angle to the trunk, of a pointing arm, rad.
_MOST_BENT, _LEAST_RAISED = math.radians(40), math.radians(35)
# Error of a wrist or an eye, m.
_KEYPOINT_SIGMA = 0.03
# Ends of both arms, and of the line from the pelvis to between the shoulders.
_SHOULDERS, _ELBOWS, _WRISTS = (
    np.array(UNION.indices(f'left_{name}', f'right_{name}'))
    for name in ('shoulder_joint', 'elbow', 'wrist')
)
_EYES, _PELVIS = np.array(UNION.indices('left_eye', 'right_eye')), UNION.index('pelvis')
# Least sine of the angle of a ray to the ground: below it the point on the ground is too
# uncertain.
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
    joints = points.astype(np.float64).swapaxes(0, 1)
    shoulders, elbows, wrists = (joints.take(ends, 0) for ends in (_SHOULDERS, _ELBOWS, _WRISTS))
    reaches = wrists - shoulders  # (2 arms, N, 3)
    trunks = joints[_PELVIS] - 0.5 * (shoulders[0] + shoulders[1])
    bend, raised = _cosines(
        np.array([elbows - shoulders, reaches]),
        np.array([wrists - elbows, np.broadcast_to(trunks, reaches.shape)]),
    )
    points_out = (bend > math.cos(_MOST_BENT)) & (raised < math.cos(_LEAST_RAISED))
    eyes = 0.5 * np.add.reduce(joints.take(_EYES, 0))
    return [
        ray
        for row, arm in np.argwhere(points_out.T).tolist()
        if (ray := _ray(row, shoulders[arm, row], eyes[row], wrists[arm, row])) is not None
    ]


def _ray(row: int, shoulder: Float64, eyes: Float64, wrist: Float64) -> Ray | None:
    """Return the ray of an arm that points; none if shoulder and eyes are opposite."""
    looks = [shoulder] if np.isnan(eyes).any() else [shoulder, eyes]
    lines = [wrist - start for start in looks]
    units = [line / math.sqrt(line @ line) for line in lines]
    direction = units[0] + units[-1]
    length = math.sqrt(direction @ direction)
    if not length > 0:
        return None
    # It is not known which of the two lines is meant, and both ends have errors.
    apart = 0.5 * math.acos(min(max(float(units[0] @ units[-1]), -1.0), 1.0))
    off = math.sqrt(2 / len(units)) * _KEYPOINT_SIGMA / math.sqrt(lines[0] @ lines[0])
    return Ray(row, wrist, direction / length, math.hypot(apart, off))


def _cosines(a: Float64, b: Float64) -> Float64:
    """``(...)`` Cosines of the angles between vectors; NaN if one is unknown or has no length."""
    lengths = np.sqrt(np.add.reduce(a * a, -1) * np.add.reduce(b * b, -1))
    lengths[~(lengths > 0)] = np.nan
    return np.asarray(np.add.reduce(a * b, -1) / lengths)
