"""Standing height of people, estimated from bone lengths."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import Skeleton

# Height of the ankle joint over the floor as a share of the stature
# (Drillis and Contini 1966, in Winter: Biomechanics and Motor Control of Human Movement).
_ANKLE_HEIGHT = 0.039
LEG = ('hip_joint', 'knee', 'ankle')
TRUNK = ('pelvis', 'spine', 'neck', 'head', 'head_top')


def stature(points: Array, skeleton: Skeleton) -> NDArray[np.float64]:
    """
    Standing height of each person, estimated from bone lengths.

    Parameters
    ----------
    points : NDArray
        ``(..., K, 3)`` m, any frame.
    skeleton : Skeleton
        The set of `points`; it must have the legs' and the trunk's joints.

    Returns
    -------
    NDArray[np.float64]
        ``(...)`` m: from the ankles to the top of the head along the bones, plus the height of the
        ankles.

    """
    joints = points.take(_chains(skeleton), -2).astype(np.float64)
    steps = joints[..., 1:, :] - joints[..., :-1, :]
    lengths = np.sqrt(np.square(steps).sum(-1))
    # The left leg, the right leg and the trunk; between these chains there is no bone.
    legs, leg = len(LEG), len(LEG) - 1
    left, right = lengths[..., :leg].sum(-1), lengths[..., legs : legs + leg].sum(-1)
    chain = 0.5 * (left + right) + lengths[..., 2 * legs :].sum(-1)
    return np.asarray(chain / (1 - _ANKLE_HEIGHT))


@lru_cache(maxsize=8)
def _chains(skeleton: Skeleton) -> NDArray[np.intp]:
    """Return the keypoints of the left leg, the right one and the trunk."""
    legs = [f'{side}_{name}' for side in ('left', 'right') for name in LEG]
    return np.array(skeleton.indices(*legs, *TRUNK))
