"""The names that motion capture software gives to joints, and which of them plays which role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from unihpe_ros.synthesis.motion.bvh_reader import Motion, MotionError


def _sides(template: Mapping[str, str], left: str, right: str) -> dict[str, str]:
    return {
        f'{side}_{role}': name.format(letter)
        for side, letter in (('left', left), ('right', right))
        for role, name in template.items()
    }


_MOTIONBUILDER_SIDE = {
    'collar': '{}Shoulder',
    'upper_arm': '{}Arm',
    'forearm': '{}ForeArm',
    'hand': '{}Hand',
    'thigh': '{}UpLeg',
    'shin': '{}Leg',
    'foot': '{}Foot',
}
_DAZ_SIDE = {
    'collar': '{}Collar',
    'upper_arm': '{}Shldr',
    'forearm': '{}ForeArm',
    'hand': '{}Hand',
    'thigh': '{}Thigh',
    'shin': '{}Shin',
    'foot': '{}Foot',
}
_MOTIONBUILDER = {
    'hips': 'Hips',
    'spine': 'Spine',
    'chest': 'Spine1',
    'neck': 'Neck',
    'head': 'Head',
    **_sides(_MOTIONBUILDER_SIDE, 'Left', 'Right'),
}

# Joint names per convention: role to name in the file.
CONVENTIONS: Mapping[str, Mapping[str, str]] = {
    'daz': {
        'hips': 'hip',
        'spine': 'abdomen',
        'chest': 'chest',
        'neck': 'neck',
        'head': 'head',
        **_sides(_DAZ_SIDE, 'l', 'r'),
    },
    'mixamo': {
        role: f'mixamorig:{name}' for role, name in {**_MOTIONBUILDER, 'chest': 'Spine2'}.items()
    },
    'motionbuilder': _MOTIONBUILDER,
}

# Where a hand and a foot point: the first of these that the file has, by convention-free suffix.
_TIPS = {
    'hand': ('Mid1', 'HandMiddle1', 'FingerBase', 'HandIndex1'),
    'foot': ('ToeBase', 'Toe'),
}


# Conventions whose rest pose bends elbows and knees although straight limbs were mapped onto it.
# In the Daz-friendly CMU clips the forearms point 17 and the shins 8 degrees away from upper arm
# and thigh; takes that exist as CMU's original AMC too have their elbows that much straighter.
BENT_REST = frozenset({'daz'})


def find_convention(motion: Motion) -> str:
    """
    Return the key of CONVENTIONS whose joint names a clip has.

    Raises
    ------
    MotionError
        If no convention fits; the message lists what is missing and the names not known.

    """
    index = set(motion.joints)
    missing = {
        convention: [name for name in names.values() if name not in index]
        for convention, names in CONVENTIONS.items()
    }
    nearest = min(missing, key=lambda convention: len(missing[convention]))
    if not missing[nearest]:
        return nearest
    known = set(CONVENTIONS[nearest].values())
    unknown = [n for n in motion.joints if n not in known and not n.startswith('End_')]
    raise MotionError(
        f'{motion.source}: joints follow none of {", ".join(CONVENTIONS)}; nearest is {nearest}, '
        f'missing {", ".join(missing[nearest])}; not known: {", ".join(unknown) or "none"}'
    )


def find_roles(motion: Motion) -> dict[str, int]:
    """
    Find which joint plays which role, by the convention that fits the names.

    Parameters
    ----------
    motion : Motion
        The clip.

    Returns
    -------
    dict[str, int]
        Role (``left_thigh`` ...; ``left_hand_tip`` for where a hand points) to joint index.

    Raises
    ------
    MotionError
        If no convention fits.

    """
    index = {name: joint for joint, name in enumerate(motion.joints)}
    names = CONVENTIONS[find_convention(motion)]
    roles = {role: index[name] for role, name in names.items()}
    for side in ('left', 'right'):
        for limb in _TIPS:
            joint = roles[f'{side}_{limb}']
            roles[f'{side}_{limb}_tip'] = _tip(motion, joint, _TIPS[limb])
    return roles


def _tip(motion: Motion, joint: int, suffixes: Sequence[str]) -> int:
    children = np.flatnonzero(motion.parents == joint)
    if not len(children):
        raise MotionError(
            f'{motion.source}: {motion.joints[joint]} has no child that shows where it points'
        )
    for suffix in suffixes:
        for child in children:
            if motion.joints[child].endswith(suffix):
                return int(child)
    return int(children[0])
