"""
Labels from the same numbers as the picture: where the keypoints are and which can be seen.

"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.synthesis.body import Bodies

Float32 = NDArray[np.float32]

# Human3.6M's own keypoints are joint centres: the bone whose head each one is.
_JOINT_CENTRES = {
    'spine': 'spine03',
    'neck': 'neck01',
    'left_hip_joint': 'upperleg01.L',
    'right_hip_joint': 'upperleg01.R',
    'left_shoulder_joint': 'upperarm01.L',
    'right_shoulder_joint': 'upperarm01.R',
}


def union_keypoints(bodies: Bodies, support: Float32, crown: Float32, joints: Float32) -> Float32:
    """
    Read the 26 keypoints off a posed body.

    Parameters
    ----------
    bodies : Bodies
        The topology.
    support : Float32
        ``(U, 3)`` Posed vertices that the surface keypoints are regressed from.
    crown : Float32
        ``(20, 3)`` Posed vertices of the top of the head.
    joints : Float32
        ``(B, 3)`` Posed bone heads.

    Returns
    -------
    Float32
        ``(26, 3)`` Keypoints of the UNION set, in the frame and unit of the input.

    """
    keypoints = np.empty((len(UNION), 3), np.float32)
    keypoints[: len(COCO_17)] = bodies.keypoint_weights @ support
    for name, bone in _JOINT_CENTRES.items():
        keypoints[UNION.index(name)] = joints[bodies.rig.index[bone]]
    hips = UNION.indices('left_hip_joint', 'right_hip_joint')
    keypoints[UNION.index('pelvis')] = keypoints[hips].mean(0)
    # Human3.6M's 'head' lies behind the nose, at its height.
    nose = keypoints[UNION.index('nose')]
    keypoints[UNION.index('head')] = 0.5 * (nose + joints[bodies.rig.index['head']])
    keypoints[UNION.index('head_top')] = crown.mean(0)
    return keypoints
