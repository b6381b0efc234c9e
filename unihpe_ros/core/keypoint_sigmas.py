"""How exactly each keypoint can be placed: standard deviations relative to a person's size."""

from __future__ import annotations

import numpy as np
from unihpe_ros.core.skeleton import COCO_17, UNION

# Of COCO's keypoints: the standard deviation of annotators, relative to the square root of the
# person's area (cocodataset.org, keypoints-eval).
COCO_SIGMAS = np.array(
    [
        0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107,
        0.087, 0.087, 0.089, 0.089,
    ]
)  # fmt: skip
# Of the others: head and neck as in CrowdPose (Li et al., CVPR 2019), the trunk like COCO's hips,
# joint centres like the keypoint on the skin beside them.
_OTHERS = {
    'pelvis': 0.107,
    'spine': 0.107,
    'neck': 0.079,
    'head': 0.079,
    'head_top': 0.079,
    'left_hip_joint': 0.107,
    'right_hip_joint': 0.107,
    'left_shoulder_joint': 0.079,
    'right_shoulder_joint': 0.079,
}
_ALL = dict(zip(COCO_17.keypoints, COCO_SIGMAS.tolist(), strict=True)) | _OTHERS
# Of what the network predicts, in its order.
UNION_SIGMAS = np.array([_ALL[name] for name in UNION.keypoints])
