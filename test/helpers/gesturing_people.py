"""People whose arms have given directions, as keypoints, from any side."""

import numpy as np
from posed_people import angles_of, keypoints
from scipy.spatial.transform import Rotation
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.gesture_gallery import RATE


def with_arms(directions, yaw=0.0):
    """Return ``(N, 26, 3)`` keypoints of people whose arms are ``(N, 12)`` features."""
    points = np.repeat(keypoints(angles_of()), len(directions), axis=0)
    bones = directions.reshape(-1, 2, 2, 3)
    for arm, side in enumerate(('left', 'right')):
        place = points[:, UNION.index(f'{side}_shoulder_joint')]
        for bone, (joint, size) in enumerate((('elbow', 0.29), ('wrist', 0.25))):
            place = place + size * bones[:, arm, bone]
            points[:, UNION.index(f'{side}_{joint}')] = place
    return points @ Rotation.from_euler('z', yaw).as_matrix().T


def follow(recogniser, points, person=7, rate=RATE, start=0.0):
    """Return the name that is seen at each moment of ``(F, 26, 3)`` keypoints of one person."""
    return [
        recogniser.update([person], points[frame, None], start + frame / rate)[0].name
        for frame in range(len(points))
    ]
