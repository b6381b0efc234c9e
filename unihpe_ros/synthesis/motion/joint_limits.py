"""Joint limits: random rotations are clamped to what bodies can do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from unihpe_ros.synthesis.motion.retarget import DRIVES

Float32 = NDArray[np.float32]

_DRIVES = list(DRIVES)
# Bone, the bones that go with it, the bone it hangs from, largest angle from the T-pose, rad.
_JOINTS = (
    ('neck01', ('neck02', 'neck03', 'head'), 'spine01', 0.7),
    ('head', (), 'spine01', 1.3),
    ('upperleg01', ('upperleg02', 'lowerleg01', 'lowerleg02', 'foot'), 'root', 2.2),
    ('lowerleg01', ('lowerleg02', 'foot'), 'upperleg01', 2.5),
    ('foot', (), 'lowerleg01', 0.9),
    ('upperarm01', ('upperarm02', 'lowerarm01', 'lowerarm02', 'wrist'), 'spine01', 2.6),
    ('lowerarm01', ('lowerarm02', 'wrist'), 'upperarm01', 2.6),
    ('wrist', (), 'lowerarm02', 1.4),
)
# A knee bends backwards about the side's axis; it gives this little the other way, rad.
_KNEE_BACK = 0.1


def _expanded() -> list[tuple[int, list[int], int, float]]:
    joints = []
    for bone, others, parent, limit in _JOINTS:
        for end in ('.L', '.R') if f'{bone}.L' in DRIVES else ('',):
            above = parent + end if parent + end in DRIVES else parent
            moved = [_DRIVES.index(name + end) for name in (bone, *others)]
            joints.append((moved[0], moved, _DRIVES.index(above), limit))
    return joints


JOINT_LIMITS = _expanded()
_KNEES = [_DRIVES.index(f'lowerleg01.{letter}') for letter in 'LR']


def bends(driven: Float32) -> NDArray[np.float64]:
    """``(J, 3)`` Rotation vector of each joint of LIMITS against the T-pose, rad."""
    above = driven[[parent for _, _, parent, _ in JOINT_LIMITS]]
    own = driven[[bone for bone, _, _, _ in JOINT_LIMITS]]
    return Rotation.from_matrix(np.swapaxes(above, 1, 2) @ own).as_rotvec()


def clamp_to_limits(driven: Float32) -> Float32:
    """Return ``(D, 3, 3)`` rotations clamped to the joint limits; limbs turn as a whole."""
    vectors = bends(driven)
    angles = np.linalg.norm(vectors, axis=1)
    allowed = (
        vectors
        * np.minimum(
            1, np.array([limit for *_, limit in JOINT_LIMITS]) / np.maximum(angles, 1e-9)
        )[:, None]
    )
    knees = np.isin([bone for bone, *_ in JOINT_LIMITS], _KNEES)
    allowed[knees, 0] = np.maximum(allowed[knees, 0], -_KNEE_BACK)
    beyond = np.flatnonzero(np.abs(allowed - vectors).max(1) > 1e-6)
    changed = driven.astype(np.float64)
    for joint in beyond:
        bone, moved, parent, _ = JOINT_LIMITS[joint]
        wanted = changed[parent] @ Rotation.from_rotvec(allowed[joint]).as_matrix()
        changed[moved] = wanted @ changed[bone].T @ changed[moved]
    return changed.astype(np.float32)
