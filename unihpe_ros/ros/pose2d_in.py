"""Read 2D keypoints from another node, for lifting to 3D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2
from unihpe_ros.core.keypoint_sets import KEYPOINT_SETS
from unihpe_ros.core.skeleton import ROS4HRI_18, Skeleton
from unihpe_ros.ros.clouds import columns_2d, from_cloud
from unihpe_ros.ros.images import DecodeError
from unihpe_ros.ros.optional_packages import require


@dataclass(frozen=True)
class Keypoints2D:
    """
    People in one image.

    Parameters
    ----------
    points : NDArray[np.float32]
        ``(N, K, 2)`` px; NaN where unknown.
    scores : NDArray[np.float32]
        ``(N, K)`` in [0, 1]; 0 where unknown.
    skeleton : Skeleton
        The keypoint set.

    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    skeleton: Skeleton


def keypoints_type(kind: str) -> type:
    """
    Return the message type of pose2d_in.

    Parameters
    ----------
    kind : str
        'cloud' for our own pose2d, 'hri' for hri_msgs/Skeleton2D.

    Raises
    ------
    MissingPackageError
        If hri_msgs is asked for and can't be imported.

    """
    if kind == 'cloud':
        return PointCloud2
    skeleton: type = require('hri_msgs.msg', 'pose2d_type is hri').Skeleton2D
    return skeleton


def decode_keypoints(msg: Any, size: tuple[int, int], keypoints: str = 'auto') -> Keypoints2D:
    """
    Read a message of topic pose2d_in.

    Parameters
    ----------
    msg : PointCloud2 | hri_msgs.msg.Skeleton2D
        The people; hri_msgs holds one, in shares of the image.
    size : tuple[int, int]
        (w, h) of the image, px.
    keypoints : str
        Name of the keypoint set that the columns of a cloud are in the order of, or 'auto' to go
        by its joint_id.

    Raises
    ------
    DecodeError
        If the message does not hold 2D keypoints of a known set.

    """
    if not isinstance(msg, PointCloud2):
        return _hri_keypoints(msg, size)
    try:
        if keypoints != 'auto':
            skeleton = KEYPOINT_SETS[keypoints]
            return _checked(*columns_2d(msg, skeleton), skeleton)
        poses = from_cloud(msg)
    except ValueError as error:
        raise DecodeError(f'pose2d_in: {error}') from error
    return _checked(poses.keypoints_2d, poses.scores, poses.skeleton)


def hri_indices(message: Any) -> NDArray[np.intp]:
    """
    Return ``(18,)`` where hri_msgs keeps each keypoint of ROS4HRI_18.

    Parameters
    ----------
    message : type
        hri_msgs/Skeleton2D, whose constants tell: its eyes are not where they are expected.

    """
    names = (name.upper() for name in ROS4HRI_18.keypoints)
    return np.array([getattr(message, name) for name in names], np.intp)


def _hri_keypoints(msg: Any, size: tuple[int, int]) -> Keypoints2D:
    given = np.array([(point.x, point.y, point.c) for point in msg.skeleton], np.float32)
    indices = hri_indices(type(msg))
    if len(given) <= indices.max():
        raise DecodeError(
            f'pose2d_in: expected {indices.max() + 1} points in skeleton; got {len(given)}'
        )
    given = given[None, indices]
    # The centre of the first pixel is 0, its corner is the image's: share 0.
    return _checked(given[..., :2] * np.array(size, np.float32) - 0.5, given[..., 2], ROS4HRI_18)


def _checked(
    points: NDArray[np.float32], scores: NDArray[np.float32], skeleton: Skeleton
) -> Keypoints2D:
    """Limit scores to [0, 1], and make points far outside any image unknown."""
    points = np.where(np.abs(points) < 1e6, points, np.nan).astype(np.float32)
    scores = np.clip(np.nan_to_num(scores, posinf=0.0), 0, 1).astype(np.float32)
    return Keypoints2D(points, scores, skeleton)
