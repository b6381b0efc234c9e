"""Each person's 3D keypoints at a constant rate, as motion files need them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.rotation import upright_from_camera
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.run.inputs.source import InputError
from unihpe_ros.run.outputs.people_file import PeopleFile

# Frame of an upright camera (x right, y down, z ahead) to that of motion files (y up, people face
# +z).
Y_UP = np.array([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class PersonMotion:
    """
    Motion of one person from the first to the last frame in which they are seen.

    Parameters
    ----------
    track_id : int
        The person's id.
    first_frame : int
        Number of the frame in which they appear.
    start : float
        Time of that, s.
    rate : float
        Moments per second.
    points : NDArray[np.float64]
        ``(F, K, 3)`` m, y up; NaN where unknown.

    """

    track_id: int
    first_frame: int
    start: float
    rate: float
    points: NDArray[np.float64]


def person_motions(people: PeopleFile, skeleton: Skeleton) -> list[PersonMotion]:
    """
    Return the motion of each person, in order of id.

    Dropped frames, and gaps of a person, are interpolated.

    Raises
    ------
    InputError
        If the frames are pictures that do not follow each other.

    """
    header = people.header
    if header.still:
        raise InputError(
            f'{header.input}: expected a video for a motion file, or --fps for pictures that '
            'follow each other; these do not'
        )
    stamps: dict[int, list[int]] = {}
    points: dict[int, list[NDArray[np.float32]]] = {}
    first: dict[int, int] = {}
    for frame in people.frames():
        poses = frame.poses.to(skeleton)
        for track_id, keypoints in zip(poses.track_ids.tolist(), poses.keypoints_3d, strict=True):
            first.setdefault(track_id, frame.number)
            stamps.setdefault(track_id, []).append(frame.stamp)
            points.setdefault(track_id, []).append(keypoints)
    motions = []
    upright = upright_from_camera(header.settings.get('image_rotation', 0))
    for track_id in sorted(first):
        times = np.array(stamps[track_id], np.float64) * 1e-9
        even = _at_even_times(times, np.stack(points[track_id]), header.rate)
        turned = Y_UP * (even @ upright.T)
        motions.append(
            PersonMotion(track_id, first[track_id], float(times[0]), header.rate, turned)
        )
    return motions


def _at_even_times(
    times: NDArray[np.floating], points: NDArray[np.float32], rate: float
) -> NDArray[np.float64]:
    """Return ``(F, K, 3)`` points at a constant rate, interpolated where there is no frame."""
    count = 1 + round((times[-1] - times[0]) * rate)
    wanted = times[0] + np.arange(count) / rate
    flat = points.reshape(len(points), -1).astype(np.float64)
    even = np.full((count, flat.shape[1]), np.nan)
    for column, values in enumerate(flat.T):
        known = np.isfinite(values)
        if known.any():
            even[:, column] = np.interp(wanted, times[known], values[known])
    return even.reshape(count, *points.shape[1:])
