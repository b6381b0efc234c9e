"""People in given joint angles, as keypoints."""

import numpy as np
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.human_model import ANGLES, forward_kinematics, LINKS, SPINE_LEAN

FACE = {
    'nose': (0.105, 0.0, -0.012),
    'left_eye': (0.083, 0.030, 0.020),
    'right_eye': (0.083, -0.030, 0.020),
    'left_ear': (0.0, 0.074, 0.0),
    'right_ear': (0.0, -0.074, 0.0),
    'head_top': (0.001, 0.0, 0.124),
}
JOINTS = {
    'shoulder_joint': 'y_shoulder',
    'elbow': 'elbow',
    'wrist': 'wrist',
    'hip_joint': 'y_hip',
    'knee': 'knee',
    'ankle': 'ankle',
}


def keypoints(angles, sizes=None):
    """Put keypoints onto the links of people who stand upright at the origin."""
    rotations, places = forward_kinematics(angles, sizes)
    points = np.full((len(angles), len(UNION), 3), np.nan)
    for name, link in JOINTS.items():
        for side in ('left', 'right'):
            points[:, UNION.index(f'{side}_{name}')] = places[:, LINKS.index(f'{side[0]}_{link}')]
    head = LINKS.index('head')
    points[:, UNION.index('head')] = places[:, head]
    for name, place in FACE.items():
        points[:, UNION.index(name)] = places[:, head] + rotations[:, head] @ np.array(place)
    points[:, UNION.index('pelvis')] = 0
    # The line to the spine leans against the pelvis.
    points[:, UNION.index('spine')] = 0.25 * np.array([np.sin(SPINE_LEAN), 0, np.cos(SPINE_LEAN)])
    return points


def angles_of(**given):
    """Make the angles of one person who stands but for these."""
    return np.array([[given.get(name, 0.0) for name in ANGLES]])
