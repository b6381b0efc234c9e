"""Poses: the people found in one image, as all rooms exchange them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, IntFlag

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import convert, Skeleton


class RootMode(str, Enum):
    """Method by which the position of the root in space was found."""

    RELATIVE = 'relative'  # The origin is the pelvis: positions in the room are unknown.
    PROJECTIVE = 'projective'  # Least squares of 3D, 2D and intrinsics.
    DEPTH = 'depth'  # Measured by a depth image.


class KeypointFlag(IntFlag):
    """Bits of ``Poses.flags``; the values are part of the ROS interface."""

    OBSERVED = 1  # Seen in this image with a score above the threshold.
    PREDICTED = 2  # Not seen: where the rest of the body, or the last image, puts it.
    LIFTED = 4  # 3D from 2D keypoints alone, without an image.
    METRIC_ROOT = 8  # The person has a place in the room.
    LOW_AGREEMENT = 16  # Image and lifting contradict each other: do not trust the 3D.
    DEPTH_ROOT = 32  # The place was measured by the depth image of this moment.
    ASSUMED_VIEW = 64  # The camera is not calibrated: the place is as right as its assumed view.


@dataclass(frozen=True)
class Poses:
    """
    Skeletons of N people in one image.

    Parameters
    ----------
    skeleton : Skeleton
        The keypoint set, K keypoints.
    boxes : NDArray[np.float32]
        ``(N, 4)`` x0 y0 x1 y1 in the image, px.
    keypoints_2d : NDArray[np.float32]
        ``(N, K, 2)`` pixel positions in the image; NaN where unknown.
    keypoints_3d : NDArray[np.float32]
        ``(N, K, 3)`` m, camera optical frame (root-relative in mode RELATIVE); NaN where unknown.
    scores : NDArray[np.float32]
        ``(N, K)`` confidence in [0, 1]; 0 where unknown.
    flags : NDArray[np.uint16]
        ``(N, K)`` bits of KeypointFlag.
    track_ids : NDArray[np.uint32]
        ``(N,)`` Stable ids.
    agreement : NDArray[np.float32]
        ``(N,)`` agreement of the image branch and the lifting branch in [0, 1]; NaN where unknown.
    root_mode : RootMode
        How the roots were placed.

    Raises
    ------
    ValueError
        If an array's shape does not fit; the message names the field, the expected and the
        given shape.

    """

    skeleton: Skeleton
    boxes: NDArray[np.float32]
    keypoints_2d: NDArray[np.float32]
    keypoints_3d: NDArray[np.float32]
    scores: NDArray[np.float32]
    flags: NDArray[np.uint16]
    track_ids: NDArray[np.uint32]
    agreement: NDArray[np.float32]
    root_mode: RootMode

    def __post_init__(self) -> None:
        n, k = len(self.boxes), len(self.skeleton)
        expected = {
            'boxes': (n, 4),
            'keypoints_2d': (n, k, 2),
            'keypoints_3d': (n, k, 3),
            'scores': (n, k),
            'flags': (n, k),
            'track_ids': (n,),
            'agreement': (n,),
        }
        for field, shape in expected.items():
            given = getattr(self, field).shape
            if given != shape:
                raise ValueError(f'Poses.{field}: expected {shape}, got {given}')

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def is_view_assumed(self) -> bool:
        """Whether people are placed by an assumed field of view, for lack of a calibration."""
        return bool((self.flags & KeypointFlag.ASSUMED_VIEW).any())

    @property
    def observed(self) -> NDArray[np.bool_]:
        """``(N, K)`` whether keypoints are flagged OBSERVED."""
        return np.asarray((self.flags & KeypointFlag.OBSERVED) > 0)

    @classmethod
    def empty(cls, skeleton: Skeleton, root_mode: RootMode = RootMode.RELATIVE) -> Poses:
        """Return poses of no people."""
        k = len(skeleton)
        return cls(
            skeleton=skeleton,
            boxes=np.zeros((0, 4), np.float32),
            keypoints_2d=np.zeros((0, k, 2), np.float32),
            keypoints_3d=np.zeros((0, k, 3), np.float32),
            scores=np.zeros((0, k), np.float32),
            flags=np.zeros((0, k), np.uint16),
            track_ids=np.zeros(0, np.uint32),
            agreement=np.zeros(0, np.float32),
            root_mode=root_mode,
        )

    def to(self, skeleton: Skeleton) -> Poses:
        """Return the same people in another keypoint set; what it lacks is NaN with score 0."""
        if skeleton == self.skeleton:
            return self
        index = skeleton.indices_in(self.skeleton)
        found = index >= 0
        return replace(
            self,
            skeleton=skeleton,
            keypoints_2d=convert(self.keypoints_2d, self.skeleton, skeleton),
            keypoints_3d=convert(self.keypoints_3d, self.skeleton, skeleton),
            scores=np.where(found, self.scores[:, index], 0).astype(np.float32),
            flags=np.where(found, self.flags[:, index], 0).astype(np.uint16),
        )


def person_scores(scores: Array) -> NDArray[np.float32]:
    """
    Return the score of each person, from those of the keypoints.

    Parameters
    ----------
    scores : NDArray
        ``(..., K)`` keypoint scores.

    Returns
    -------
    NDArray[np.float32]
        ``(...)`` mean of the better half, so that a person who is cut off by the image still
        counts.

    """
    half = scores.shape[-1] // 2
    return np.partition(scores, half, axis=-1)[..., half:].mean(-1, dtype=np.float32)
