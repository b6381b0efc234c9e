"""What one frame's crops showed, and how it is reported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import Skeleton


@dataclass(frozen=True)
class Sightings:
    """
    People as the network saw them, before anybody knows who they are.

    Parameters
    ----------
    sources : NDArray[np.intp]
        ``(G,)`` row of `Tracker.predict` whose crop it is; -1 for a search window.
    boxes : NDArray[np.float32]
        ``(G, 4)`` box of the person, px.
    keypoints_2d : NDArray[np.float32]
        ``(G, K, 2)`` px.
    keypoints_3d : NDArray[np.float32]
        ``(G, K, 3)`` m, camera frame.
    scores : NDArray[np.float32]
        ``(G, K)`` in [0, 1].
    agreement : NDArray[np.float32]
        ``(G,)`` in [0, 1].
    cut : NDArray[np.bool_]
        ``(G,)`` whether the crop may not have held all of the person.

    """

    sources: NDArray[np.intp]
    boxes: NDArray[np.float32]
    keypoints_2d: NDArray[np.float32]
    keypoints_3d: NDArray[np.float32]
    scores: NDArray[np.float32]
    agreement: NDArray[np.float32]
    cut: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.sources)

    @classmethod
    def none(cls, skeleton: Skeleton) -> Sightings:
        """Return the sightings of nobody."""
        k = len(skeleton)
        return cls(
            np.zeros(0, np.intp),
            np.zeros((0, 4), np.float32),
            np.zeros((0, k, 2), np.float32),
            np.zeros((0, k, 3), np.float32),
            np.zeros((0, k), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.bool_),
        )

    def report(
        self,
        ids: NDArray[np.uint32],
        skeleton: Skeleton,
        root_mode: RootMode,
        settings: EstimatorSettings,
    ) -> Poses:
        """
        Return the people who have an id, by id.

        Parameters
        ----------
        ids : NDArray[np.uint32]
            ``(G,)`` id of each sighting; 0 hides it.
        skeleton : Skeleton
            The keypoint set.
        root_mode : RootMode
            How the roots were placed.
        settings : EstimatorSettings
            Thresholds of the flags.

        """
        shown = np.argsort(ids)[np.count_nonzero(ids == 0) :]
        scores, keypoints_3d = self.scores[shown], self.keypoints_3d[shown]
        agreement = self.agreement[shown]
        placed = np.isfinite(keypoints_3d).all(-1)
        known = placed | np.isfinite(self.keypoints_2d[shown]).all(-1)
        flags = np.where(
            scores >= settings.score_threshold, KeypointFlag.OBSERVED, KeypointFlag.PREDICTED
        )
        if root_mode is not RootMode.RELATIVE:
            flags |= np.where(placed, KeypointFlag.METRIC_ROOT, 0)
        flags[agreement < settings.agreement_threshold] |= KeypointFlag.LOW_AGREEMENT
        return Poses(
            skeleton=skeleton,
            boxes=self.boxes[shown],
            keypoints_2d=self.keypoints_2d[shown],
            keypoints_3d=keypoints_3d,
            scores=np.where(known, scores, 0).astype(np.float32),
            flags=np.where(known, flags, 0).astype(np.uint16),
            track_ids=ids[shown],
            agreement=agreement,
            root_mode=root_mode,
        )


def person_scores(scores: Array) -> NDArray[np.float32]:
    """
    Return how sure it is that there is a person.

    Parameters
    ----------
    scores : NDArray
        ``(..., K)`` keypoint scores.

    Returns
    -------
    NDArray[np.float32]
        ``(...)`` mean of the better half: who is cut off by the picture is still a person.

    """
    half = scores.shape[-1] // 2
    return np.partition(scores, half, axis=-1)[..., half:].mean(-1, dtype=np.float32)


def coast(poses: Poses, ids: list[int], fade: float) -> Poses:
    """
    Return people who were not seen as they were last, with lower scores.

    Parameters
    ----------
    poses : Poses
        What was reported for the last frame.
    ids : list[int]
        Who is still followed.
    fade : float
        Factor on the scores.

    """
    rows = np.flatnonzero(np.isin(poses.track_ids, ids))
    flags = poses.flags[rows]
    was_known = flags & (KeypointFlag.OBSERVED | KeypointFlag.PREDICTED) > 0
    flags = flags & ~np.uint16(KeypointFlag.OBSERVED)
    flags |= np.where(was_known, KeypointFlag.PREDICTED, 0).astype(np.uint16)
    return replace(
        poses,
        boxes=poses.boxes[rows],
        keypoints_2d=poses.keypoints_2d[rows],
        keypoints_3d=poses.keypoints_3d[rows],
        scores=poses.scores[rows] * np.float32(fade),
        flags=flags,
        track_ids=poses.track_ids[rows],
        agreement=poses.agreement[rows],
    )


def join(one: Poses, other: Poses) -> Poses:
    """Return the people of both, by id; skeleton and root mode are the first's."""
    order = np.argsort(np.concatenate([one.track_ids, other.track_ids]), kind='stable')
    names = ('boxes', 'keypoints_2d', 'keypoints_3d', 'scores', 'flags', 'track_ids', 'agreement')
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])[order] for name in names
    }
    return replace(one, **joined)
