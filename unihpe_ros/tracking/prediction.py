"""Where tracked people are in the next image, and their tracks after the camera moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.tracking.ego_motion import EgoMotion
from unihpe_ros.tracking.track import Track

_LEAST_IN_VIEW = 0.1  # Share of the box inside the picture below which the person has left it.


def boxes_in_view(
    tracks: Sequence[Track], seconds: float, size: tuple[int, int], ego_motion: EgoMotion | None
) -> tuple[NDArray[np.float32], list[Track]]:
    """
    Return the people who will be in the picture, and their boxes; no track is changed.

    Parameters
    ----------
    tracks : Sequence[Track]
        The people as they were last seen or predicted.
    seconds : float
        Time since then, s.
    size : tuple[int, int]
        (w, h) of the image, px.
    ego_motion : EgoMotion, optional
        How the camera moved since then; without it, as if it stood still.

    Returns
    -------
    places : NDArray[np.float32]
        ``(T, 4)`` boxes cut to the image, px.
    staying : list[Track]
        The T people.

    """
    if not tracks:
        return np.zeros((0, 4), np.float32), []
    velocities = np.array([(*track.velocity, *track.velocity) for track in tracks])
    places = np.array([track.box for track in tracks])
    if ego_motion is not None:
        places = ego_motion.boxes(places, np.array([track.root for track in tracks]))
    predicted = (places + velocities * seconds).astype(np.float32)
    visible = boxes.clip(predicted, size)
    stays = boxes.area(visible) > _LEAST_IN_VIEW * boxes.area(predicted)
    return visible[stays], [tracks[row] for row in np.flatnonzero(stays).tolist()]


def carry_tracks(tracks: Sequence[Track], ego_motion: EgoMotion) -> None:
    """Transform positions and velocities of tracks into the frame of a camera that has moved."""
    if not tracks:
        return
    roots = np.array([track.root for track in tracks])
    places = ego_motion.boxes(np.array([track.box for track in tracks]), roots)
    keypoints = ego_motion.pixels(np.array([track.keypoints for track in tracks]), roots)
    velocities = ego_motion.turn(np.array([track.root_velocity for track in tracks]))
    carried = ego_motion.carry(roots)
    for row, track in enumerate(tracks):
        track.box, track.keypoints = places[row], keypoints[row]
        track.root, track.root_velocity = carried[row], velocities[row]
