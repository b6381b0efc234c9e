"""True velocities of people over the ground, seen from a camera that may move."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.skeleton import UNION

Float64 = NDArray[np.float64]

# Pictures before and after, between which a velocity is measured: at 15 a second a quarter of a
# second, in which the bob of a walk hardly counts.
_AROUND = 2


def ground_velocities(
    truth: Mapping[int, Poses], poses: Mapping[int, Float64]
) -> dict[int, dict[int, Float64]]:
    """
    Return the true velocities of people's pelvises.

    Parameters
    ----------
    truth : Mapping[int, Poses]
        The true people by stamp, ns, in the camera's frame.
    poses : Mapping[int, NDArray[np.float64]]
        ``(4, 4)`` world_from_camera by stamp; empty if the camera stands still.

    Returns
    -------
    dict[int, dict[int, NDArray[np.float64]]]
        ``(3,)`` m/s along the axes of the camera at that time, by stamp and person; none for the
        first and the last pictures.

    """
    stamps = sorted(truth)
    places = [_places(truth[stamp], poses.get(stamp, np.eye(4))) for stamp in stamps]
    velocities: dict[int, dict[int, Float64]] = {}
    for now in range(_AROUND, len(stamps) - _AROUND):
        before, after = places[now - _AROUND], places[now + _AROUND]
        seconds = 1e-9 * (stamps[now + _AROUND] - stamps[now - _AROUND])
        turn = poses.get(stamps[now], np.eye(4))[:3, :3]
        velocities[stamps[now]] = {
            person: (after[person] - before[person]) / seconds @ turn
            for person in before.keys() & after.keys()
        }
    return velocities


def velocity_errors(
    true: Mapping[int, Float64],
    told: Mapping[int, Float64],
    people: NDArray[np.integer],
    found: Mapping[int, int],
) -> list[float]:
    """
    Return the errors of the velocities of those who were found, m/s.

    Parameters
    ----------
    true, told : Mapping[int, Float64]
        ``(3,)`` m/s of true people, and of ids that a watcher gave.
    people : NDArray[np.integer]
        ``(M,)`` the true people.
    found : Mapping[int, int]
        Row of a true person to the id that they were found under.

    """
    pairs = [(int(people[row]), i) for row, i in found.items()]
    errors = [
        float(np.linalg.norm(told[i] - true[person]))
        for person, i in pairs
        if person in true and i in told
    ]
    return [error for error in errors if np.isfinite(error)]


def _places(people: Poses, world_from_camera: Float64) -> dict[int, Float64]:
    """``(3,)`` Where each person's pelvis is in the world, m."""
    roots = people.keypoints_3d[:, UNION.index('pelvis')].astype(np.float64)
    placed = roots @ world_from_camera[:3, :3].T + world_from_camera[:3, 3]
    return dict(zip(people.track_ids.tolist(), placed, strict=True))
