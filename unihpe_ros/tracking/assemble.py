"""Assembles `Poses` of one frame from people who were observed and people who are predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.tracking.ego_motion import EgoMotion
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.refinement import RefinedPoses
from unihpe_ros.tracking.track import Track

# Plain integers: NumPy takes ten times as long with members of an enumeration.
_OBSERVED, _PREDICTED = KeypointFlag.OBSERVED.value, KeypointFlag.PREDICTED.value
_LIFTED, _LOW_AGREEMENT = KeypointFlag.LIFTED.value, KeypointFlag.LOW_AGREEMENT.value
_METRIC_ROOT, _DEPTH_ROOT = KeypointFlag.METRIC_ROOT.value, KeypointFlag.DEPTH_ROOT.value
_ASSUMED_VIEW = KeypointFlag.ASSUMED_VIEW.value


def assemble_poses(
    ids: NDArray[np.uint32],
    observations: Observations,
    placed: RefinedPoses,
    skeleton: Skeleton,
    root_mode: RootMode,
    settings: EstimatorSettings,
    *,
    lifted: bool = False,
    assumed_view: bool = False,
) -> Poses:
    """
    Build the poses of the people who were observed, ordered by id.

    Parameters
    ----------
    ids : NDArray[np.uint32]
        ``(N,)`` who they are.
    observations : Observations
        N observations of them.
    placed : RefinedPoses
        Where they are.
    skeleton : Skeleton
        The keypoint set.
    root_mode : RootMode
        How the roots were placed.
    settings : EstimatorSettings
        Thresholds of the flags.
    lifted : bool
        Whether all 3D is from 2D keypoints alone.
    assumed_view : bool
        Whether the camera is not calibrated.

    """
    order = np.argsort(ids)
    scores, agreement = observations.scores[order], observations.agreement[order]
    keypoints_2d, keypoints_3d = placed.keypoints_2d[order], placed.keypoints_3d[order]
    in_room = np.isfinite(keypoints_3d).all(-1)
    known = in_room | np.isfinite(keypoints_2d).all(-1)
    flags = np.where(scores >= settings.score_threshold, _OBSERVED, _PREDICTED)
    if root_mode is not RootMode.RELATIVE:
        flags |= in_room * _METRIC_ROOT
        if placed.measured.any():
            flags |= (in_room & placed.measured[order, None]) * _DEPTH_ROOT
        if assumed_view:
            flags |= in_room * _ASSUMED_VIEW
    if lifted:
        flags |= _LIFTED
    doubtful = agreement < settings.agreement_threshold
    flags[doubtful] |= _LOW_AGREEMENT
    # Scores are reduced by low agreement of the two branches.
    belief = np.where(doubtful, agreement / max(settings.agreement_threshold, 1e-6), 1.0)
    return Poses(
        skeleton=skeleton,
        boxes=observations.boxes[order],
        keypoints_2d=keypoints_2d,
        keypoints_3d=keypoints_3d,
        scores=np.where(known, scores * belief[:, None], 0).astype(np.float32),
        flags=np.where(known, flags, 0).astype(np.uint16),
        track_ids=ids[order],
        agreement=agreement,
        root_mode=root_mode,
    )


def coast(last: Poses, tracks: Sequence[Track], fade: float, root_mode: RootMode) -> Poses:
    """
    Return the predicted poses of people who were not observed, with lower scores.

    Parameters
    ----------
    last : Poses
        What was reported for the last frame.
    tracks : Sequence[Track]
        Those who are predicted; `moved` is what they moved since the last frame.
    fade : float
        Factor on the scores.
    root_mode : RootMode
        How roots are placed now; predictions are dropped when it changes to or from RELATIVE.

    """
    relative = RootMode.RELATIVE
    if (last.root_mode is relative) != (root_mode is relative):
        return Poses.empty(last.skeleton, root_mode)
    by_id = {track.id: track for track in tracks}
    rows = [row for row, i in enumerate(last.track_ids.tolist()) if i in by_id]
    moved = [by_id[int(last.track_ids[row])] for row in rows]
    shift = np.array([track.moved for track in moved], np.float32).reshape(-1, 2)
    step = np.array([track.moved_root for track in moved], np.float32).reshape(-1, 3)
    if root_mode is relative:
        step[:] = 0
    flags = last.flags[rows]
    was_known = flags & (KeypointFlag.OBSERVED | KeypointFlag.PREDICTED) > 0
    flags = flags & ~np.uint16(KeypointFlag.OBSERVED | KeypointFlag.DEPTH_ROOT)
    flags |= np.where(was_known, KeypointFlag.PREDICTED, 0).astype(np.uint16)
    return replace(
        last,
        boxes=last.boxes[rows] + np.tile(shift, 2),
        keypoints_2d=last.keypoints_2d[rows] + shift[:, None],
        keypoints_3d=last.keypoints_3d[rows] + step[:, None],
        scores=last.scores[rows] * np.float32(fade),
        flags=flags,
        track_ids=last.track_ids[rows],
        agreement=last.agreement[rows],
        root_mode=root_mode,
    )


def carry_poses(poses: Poses, ego_motion: EgoMotion, roots: Mapping[int, Array]) -> Poses:
    """
    Return people in the frame, and in the image, of a camera that has moved.

    Parameters
    ----------
    poses : Poses
        N people, as they were reported for the last frame.
    ego_motion : EgoMotion
        How it moved since.
    roots : Mapping[int, NDArray]
        ``(3,)`` m by id, where they were in the camera's frame then.

    """
    if not len(poses):
        return poses
    unknown = np.full(3, np.nan)
    where = np.array([roots.get(i, unknown) for i in poses.track_ids.tolist()])
    is_relative = poses.root_mode is RootMode.RELATIVE
    move = ego_motion.turn if is_relative else ego_motion.carry
    return replace(
        poses,
        boxes=ego_motion.boxes(poses.boxes, where).astype(np.float32),
        keypoints_2d=ego_motion.pixels(poses.keypoints_2d, where).astype(np.float32),
        keypoints_3d=move(poses.keypoints_3d).astype(np.float32),
    )


def join_poses(one: Poses, other: Poses) -> Poses:
    """Return the people of both, by id; skeleton and root mode are the first's."""
    order = np.argsort(np.concatenate([one.track_ids, other.track_ids]), kind='stable')
    names = ('boxes', 'keypoints_2d', 'keypoints_3d', 'scores', 'flags', 'track_ids', 'agreement')
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])[order] for name in names
    }
    return replace(one, **joined)
