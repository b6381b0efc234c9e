"""
Motion capture joints to the bones of the body, by bone direction.

A joint's world rotation is copied to the bones it drives. Before that, each limb of the body's
rest pose is turned so that it points the way the clip's rest pose does; that is what makes an
A-pose body follow a T-pose skeleton. Twist is shared out over the two halves of a limb.

"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.directions import smallest_rotation
from unihpe_ros.synthesis.motion.bvh_reader import Motion, MotionError
from unihpe_ros.synthesis.motion.joint_names import BENT_REST, find_convention, find_roles

Float32 = NDArray[np.float32]


def _drive_table() -> dict[str, tuple[str, str, float]]:
    table = {
        'root': ('hips', 'hips', 0.0),
        'spine05': ('hips', 'spine', 0.5),
        'spine04': ('spine', 'spine', 0.0),
        'spine03': ('spine', 'chest', 0.5),
        'spine02': ('chest', 'chest', 0.0),
        'spine01': ('chest', 'chest', 0.0),
        'neck01': ('chest', 'neck', 0.5),
        'neck02': ('neck', 'neck', 0.0),
        'neck03': ('neck', 'head', 0.5),
        'head': ('head', 'head', 0.0),
    }
    limbs = {
        'pelvis': ('hips', 'hips', 0.0),
        'upperleg01': ('thigh', 'thigh', 0.0),
        'upperleg02': ('thigh', 'thigh', 0.0),
        'lowerleg01': ('shin', 'shin', 0.0),
        'lowerleg02': ('shin', 'shin', 0.0),
        'foot': ('foot', 'foot', 0.0),
        'clavicle': ('collar', 'collar', 0.0),
        'shoulder01': ('collar', 'upper_arm', 0.35),
        'upperarm01': ('upper_arm', 'upper_arm', 0.0),
        'upperarm02': ('upper_arm', 'upper_arm', 0.0),
        'lowerarm01': ('forearm', 'forearm', 0.0),
        'lowerarm02': ('forearm', 'hand', 0.5),
        'wrist': ('hand', 'hand', 0.0),
    }
    for letter, side in (('L', 'left'), ('R', 'right')):
        for bone, (first, second, share) in limbs.items():
            first, second = (
                role if role == 'hips' else f'{side}_{role}' for role in (first, second)
            )
            table[f'{bone}.{letter}'] = (first, second, share)
    return table


# Bone of the body: driven by the first role, blended towards the second by the share.
DRIVES: Mapping[str, tuple[str, str, float]] = _drive_table()

# Limbs whose rest direction is aligned: role, bone at its end, bones that it turns.
_LIMBS = (
    ('thigh', 'shin', 'upperleg01', 'lowerleg01', ('upperleg01', 'upperleg02')),
    ('shin', 'foot', 'lowerleg01', 'foot', ('lowerleg01', 'lowerleg02')),
    ('foot', '', 'foot', 'toe2-1', ('foot',)),
    ('upper_arm', 'forearm', 'upperarm01', 'lowerarm01', ('upperarm01', 'upperarm02')),
    ('forearm', 'hand', 'lowerarm01', 'wrist', ('lowerarm01', 'lowerarm02')),
    ('hand', '', 'wrist', 'finger3-1', ('wrist',)),
)


@dataclass(frozen=True)
class DrivenMotion:
    """
    A clip in terms of the body's bones.

    Parameters
    ----------
    rotations : Float32
        ``(F, D, 3, 3)`` World rotation per driving bone, in the order of `DRIVES`.
    limb_directions : Float32
        ``(12, 3)`` Unit rest directions of the clip's limbs, left then right.
    root : Float32
        ``(F, 3)`` Position of the hips in leg lengths.
    frames : NDArray[np.int32]
        ``(F,)`` Frame numbers in the file.
    frame_time : float
        Time between frames, s.

    """

    rotations: Float32
    limb_directions: Float32
    root: Float32
    frames: NDArray[np.int32]
    frame_time: float


def retarget(motion: Motion) -> DrivenMotion:
    """
    Express a clip by the bones that it drives.

    Parameters
    ----------
    motion : Motion
        A clip whose joint names follow one of joint_names.CONVENTIONS.

    Returns
    -------
    DrivenMotion
        The clip, independent of any body shape.

    Raises
    ------
    MotionError
        If no convention fits; the message lists what is missing and the names not known.

    """
    roles = find_roles(motion)
    turned = {role: motion.rotations[:, joint] for role, joint in roles.items() if joint >= 0}
    rotations = np.stack([_blend(turned, *drive) for drive in DRIVES.values()], 1)
    rest = motion.rest_positions()
    directions, leg = [], 0.0
    for side in ('left', 'right'):
        for role, tip, *_ in _LIMBS:
            start = roles[f'{side}_{role}']
            end = roles[f'{side}_{tip}'] if tip else roles[f'{side}_{role}_tip']
            directions.append(rest[end] - rest[start])
            leg += 0.5 * float(np.linalg.norm(directions[-1])) * (role in ('thigh', 'shin'))
    if find_convention(motion) in BENT_REST:
        _straighten(directions)
    lengths = np.linalg.norm(directions, axis=1)
    if lengths.min() < 1e-9:
        raise MotionError(f'{motion.source}: a limb has no length in the rest pose')
    return DrivenMotion(
        rotations=rotations.astype(np.float32),
        limb_directions=(np.array(directions) / lengths[:, None]).astype(np.float32),
        root=(motion.root / leg).astype(np.float32),
        frames=motion.frames,
        frame_time=motion.frame_time,
    )


def _straighten(directions: list[NDArray[np.float64]]) -> None:
    """Let each side's shin point along the thigh and each forearm along the upper arm."""
    roles = [role for role, *_ in _LIMBS]
    for first in range(0, len(directions), len(roles)):
        for child, parent in (('shin', 'thigh'), ('forearm', 'upper_arm')):
            directions[first + roles.index(child)] = directions[first + roles.index(parent)]


def _blend(
    turned: Mapping[str, NDArray[np.float64]], first: str, second: str, share: float
) -> NDArray[np.float64]:
    if share == 0:
        return turned[first]
    mixed = (1 - share) * turned[first] + share * turned[second]
    u, _, vt = np.linalg.svd(mixed)
    return u @ vt


class Rig:
    """
    Skeleton of a body: parents of its bones, and the driving bone of each.

    Parameters
    ----------
    bones : Sequence[str]
        Bone names, parents first.
    parents : NDArray[np.int32]
        ``(B,)`` Index of the parent, -1 for the root.

    """

    def __init__(self, bones: Sequence[str], parents: NDArray[np.int32]) -> None:
        self.bones = tuple(bones)
        self.parents = parents
        self.index = {name: bone for bone, name in enumerate(self.bones)}
        drives = list(DRIVES)
        # A bone without a drive of its own (toes, fingers, face) follows its nearest ancestor.
        self.drive = np.array([drives.index(self._driver(b)) for b in range(len(bones))], np.intp)
        limbs = [
            (f'{start}.{letter}', f'{end}.{letter}', [f'{b}.{letter}' for b in turned])
            for letter in 'LR'
            for _, _, start, end, turned in _LIMBS
        ]
        self._starts = np.array([self.index[start] for start, _, _ in limbs])
        self._ends = np.array([self.index[end] for _, end, _ in limbs])
        limb_of = {name: limb for limb, (_, _, turned) in enumerate(limbs) for name in turned}
        self._limb = np.array([limb_of.get(drives[d], len(limbs)) for d in self.drive])

    def _driver(self, bone: int) -> str:
        while self.bones[bone] not in DRIVES:
            bone = int(self.parents[bone])
        return self.bones[bone]

    def alignment(self, heads: Float32, limb_directions: Float32) -> Float32:
        """
        Turn a body's rest limbs onto a clip's.

        Parameters
        ----------
        heads : Float32
            ``(B, 3)`` Rest positions of the bones' heads.
        limb_directions : Float32
            ``(12, 3)`` Unit rest directions of the clip.

        Returns
        -------
        Float32
            ``(B, 3, 3)`` Rotation to apply before the clip's.

        """
        body = heads[self._ends] - heads[self._starts]
        body = body / np.linalg.norm(body, axis=1, keepdims=True)
        turns = np.concatenate([smallest_rotation(body, limb_directions), np.eye(3)[None]])
        return turns[self._limb].astype(np.float32)

    def leg_length(self, heads: Float32) -> float:
        """Length of thigh and shin, m."""
        chain = heads[[self.index[f'{name}.L'] for name in ('upperleg01', 'lowerleg01', 'foot')]]
        return float(np.linalg.norm(np.diff(chain, axis=0), axis=1).sum())
