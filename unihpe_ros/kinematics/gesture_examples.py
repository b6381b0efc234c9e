"""Makes examples of a gesture from a recording of one person's arms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.kinematics.arm_directions import BONES, mirrored_arms
from unihpe_ros.kinematics.gesture_gallery import GalleryError, RATE, STEPS

Float64 = NDArray[np.float64]

GESTURE_KINDS = ('auto', 'pose', 'movement')
# Both arms hang where their bones point down by these cosines: before and after a gesture.
_HANGING = 0.85
# Speed of the arms, rad/s, as the root mean square over the bones in the middle of the recording,
# above which it is a movement; of a pose only slower moments are used.
_MOVES = 0.8
# Poses that are nearer to each other are one example, as the distance of galleries.
_DISTINCT = 0.12
_MOST_EXAMPLES = 32
_LEAST_MOMENTS = 3
# Steps from one example of a movement to the next.
_HOP = 2


def make_examples(
    stamps: Sequence[float],
    arms: Sequence[Float64],
    kind: str,
    *,
    one_sided: bool,
    still: bool = False,
) -> Float64:
    """
    Return the examples of a gesture from a recording of one person.

    Parameters
    ----------
    stamps : Sequence[float]
        F moments, s, rising.
    arms : Sequence[NDArray[np.float64]]
        ``(12,)`` at each, see `unihpe_ros.kinematics.arm_directions`; NaN where unknown.
    kind : str
        'pose', 'movement', or 'auto' for what it looks like.
    one_sided : bool
        Leave out the mirror images.
    still : bool
        Whether each moment is a separate picture, and so an example.

    Returns
    -------
    NDArray[np.float64]
        ``(M, 12)`` of a pose, ``(M, STEPS, 12)`` of a movement.

    Raises
    ------
    GalleryError
        If the recording is too short; the message says how long it must be.

    """
    if still:
        examples = distinct_poses(np.stack(_known(arms)))
    else:
        track = _without_rest(_even(stamps, arms))
        speeds = _speeds(track)
        if kind == 'auto':
            moves = len(track) >= STEPS and float(np.median(speeds)) > _MOVES
            kind = 'movement' if moves else 'pose'
        examples = _windows(track) if kind == 'movement' else _poses(track[speeds <= _MOVES])
    return examples if one_sided else np.concatenate([examples, mirrored_arms(examples)])


def distinct_poses(arms: Float64) -> Float64:
    """Return those of ``(F, 12)`` poses that differ from all before, 32 at most."""
    chosen = arms[:1]
    for pose in arms[1:]:
        apart = np.sqrt(np.square(chosen - pose).sum(-1) / BONES)
        if apart.min() > _DISTINCT and len(chosen) < _MOST_EXAMPLES:
            chosen = np.concatenate([chosen, pose[None]])
    return chosen


def _known(arms: Sequence[Float64]) -> list[Float64]:
    found = [pose for pose in arms if np.isfinite(pose).all()]
    if not found:
        raise GalleryError('expected somebody whose arms can be seen; got nobody')
    return found


def _even(stamps: Sequence[float], arms: Sequence[Float64]) -> Float64:
    """``(T, 12)`` Arms at RATE; what is unknown in between is interpolated."""
    poses, is_known = np.stack(_known(arms)), np.isfinite(np.stack(arms)).all(-1)
    given = np.asarray(stamps)[is_known]
    times = np.arange(given[0], given[-1] + 1e-6, 1 / RATE)
    return np.stack([np.interp(times, given, column) for column in poses.T], -1)


def _without_rest(track: Float64) -> Float64:
    """Return a track without the moments at both ends at which both arms hang."""
    down = -track.reshape(len(track), BONES, 3)[..., 2]
    busy = np.flatnonzero(down.min(-1) < _HANGING)
    return track[busy[0] : busy[-1] + 1] if len(busy) else track


def _speeds(track: Float64) -> Float64:
    """``(T,)`` Speed of the faster arm at each moment, rad/s."""
    if len(track) < 2:
        return np.zeros(len(track))
    turns = np.gradient(track, 1 / RATE, axis=0).reshape(len(track), 2, -1)
    return np.asarray(np.sqrt(np.square(turns).sum(-1) / 2).max(-1))


def _poses(track: Float64) -> Float64:
    if len(track) < _LEAST_MOMENTS:
        raise GalleryError(
            f'expected a pose that is held for {_LEAST_MOMENTS / RATE:.1f} s or longer; it was '
            f'for {len(track) / RATE:.1f} s: hold it still, or record it with --kind movement'
        )
    return distinct_poses(track)


def _windows(track: Float64) -> Float64:
    if len(track) < STEPS:
        raise GalleryError(
            f'expected a movement of {STEPS / RATE:.1f} s or longer; it took '
            f'{len(track) / RATE:.1f} s: repeat it for a few seconds'
        )
    starts = np.arange(0, len(track) - STEPS + 1, _HOP)
    if len(starts) > _MOST_EXAMPLES:
        starts = starts[np.linspace(0, len(starts) - 1, _MOST_EXAMPLES).round().astype(int)]
    return np.stack([track[start : start + STEPS] for start in starts])
