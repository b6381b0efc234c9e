"""Keypoint sets: names and parents, from which indices, bones and flips are derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Skeleton:
    """
    An ordered set of named keypoints and the bones between them.

    Parameters
    ----------
    name : str
        Name of the set, as used in parameters and in a ModelSpec.
    parents : Mapping[str, str]
        Keypoint name to the name of its parent, in keypoint order; a root has the parent ''.

    Raises
    ------
    ValueError
        If a parent is not a keypoint of the set.

    """

    name: str
    parents: Mapping[str, str]

    def __post_init__(self) -> None:
        for child, parent in self.parents.items():
            if parent and parent not in self.parents:
                raise ValueError(f'skeleton {self.name}: {child} has unknown parent {parent!r}')

    @cached_property
    def keypoints(self) -> tuple[str, ...]:
        """Keypoint names in order."""
        return tuple(self.parents)

    def __len__(self) -> int:
        return len(self.parents)

    def __hash__(self) -> int:
        return hash((self.name, self.keypoints))

    def index(self, keypoint: str) -> int:
        """Return the index of a keypoint; ValueError names the set if it lacks it."""
        if keypoint not in self.parents:
            raise ValueError(f'skeleton {self.name} has no keypoint {keypoint!r}')
        return self.keypoints.index(keypoint)

    def indices(self, *keypoints: str) -> list[int]:
        """Return the indices of several keypoints."""
        return [self.index(name) for name in keypoints]

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """Pairs (parent index, child index)."""
        return tuple(
            (self.index(parent), self.index(child))
            for child, parent in self.parents.items()
            if parent
        )

    @cached_property
    def flip_indices(self) -> NDArray[np.intp]:
        """``(K,)`` Index of each keypoint's left/right counterpart (itself on the midline)."""
        return np.array([self.index(mirrored_name(name)) for name in self.keypoints], np.intp)

    def side(self, keypoint: int) -> str:
        """Return 'left', 'right' or 'middle' for a keypoint index."""
        head = self.keypoints[keypoint].split('_')[0]
        return head if head in ('left', 'right') else 'middle'

    def indices_in(self, source: Skeleton) -> NDArray[np.intp]:
        """
        Find this set's keypoints in another set, by name.

        Parameters
        ----------
        source : Skeleton
            The set to read from.

        Returns
        -------
        NDArray[np.intp]
            ``(K,)`` Index into `source`; -1 where it has no keypoint of that name.

        """
        return _indices(self, source)


# The same keypoint under different names in different sets. COCO's hips and shoulders are points
# that annotators click on the surface; Human3.6M's are joint centres.
_FALLBACKS: Mapping[str, tuple[str, ...]] = {
    'left_hip_joint': ('left_hip',),
    'right_hip_joint': ('right_hip',),
    'left_shoulder_joint': ('left_shoulder',),
    'right_shoulder_joint': ('right_shoulder',),
    'left_hip': ('left_hip_joint',),
    'right_hip': ('right_hip_joint',),
    'left_shoulder': ('left_shoulder_joint',),
    'right_shoulder': ('right_shoulder_joint',),
}


@lru_cache(maxsize=64)
def _indices(target: Skeleton, source: Skeleton) -> NDArray[np.intp]:
    found = np.array([_find(name, source) for name in target.keypoints], np.intp)
    found.flags.writeable = False  # All callers have the same one.
    return found


def _find(name: str, source: Skeleton) -> int:
    for candidate in (name, *_FALLBACKS.get(name, ())):
        if candidate in source.parents:
            return source.index(candidate)
    return -1


def mirrored_name(keypoint: str) -> str:
    """Return the name of the keypoint on the other side of the body."""
    head, _, tail = keypoint.partition('_')
    return {'left': f'right_{tail}', 'right': f'left_{tail}'}.get(head, keypoint)


def convert(
    values: NDArray[np.floating], source: Skeleton, target: Skeleton, missing: float = np.nan
) -> NDArray[np.floating]:
    """
    Reorder keypoints from one set into another, by name.

    Parameters
    ----------
    values : NDArray
        ``(..., K_source, D)`` positions, any unit.
    source, target : Skeleton
        The set of `values` and the set wanted.
    missing : float
        Value for keypoints that `source` lacks.

    Returns
    -------
    NDArray
        ``(..., K_target, D)`` positions in the order of `target`.

    Raises
    ------
    ValueError
        If `values` does not hold K_source keypoints.

    """
    if values.ndim < 2 or values.shape[-2] != len(source):
        raise ValueError(
            f'{source.name} keypoints: expected (..., {len(source)}, D), got {values.shape}'
        )
    index = target.indices_in(source)
    converted = values[..., index, :]
    converted[..., index < 0, :] = missing
    return converted


_COCO_PARENTS = {
    'nose': '',
    'left_eye': 'nose',
    'right_eye': 'nose',
    'left_ear': 'left_eye',
    'right_ear': 'right_eye',
    'left_shoulder': 'left_ear',
    'right_shoulder': 'right_ear',
    'left_elbow': 'left_shoulder',
    'right_elbow': 'right_shoulder',
    'left_wrist': 'left_elbow',
    'right_wrist': 'right_elbow',
    'left_hip': 'left_shoulder',
    'right_hip': 'right_shoulder',
    'left_knee': 'left_hip',
    'right_knee': 'right_hip',
    'left_ankle': 'left_knee',
    'right_ankle': 'right_knee',
}

COCO_17 = Skeleton('coco17', _COCO_PARENTS)

H36M_17 = Skeleton(
    'h36m17',
    {
        'pelvis': '',
        'right_hip_joint': 'pelvis',
        'right_knee': 'right_hip_joint',
        'right_ankle': 'right_knee',
        'left_hip_joint': 'pelvis',
        'left_knee': 'left_hip_joint',
        'left_ankle': 'left_knee',
        'spine': 'pelvis',
        'neck': 'spine',
        'head': 'neck',
        'head_top': 'head',
        'left_shoulder_joint': 'neck',
        'left_elbow': 'left_shoulder_joint',
        'left_wrist': 'left_elbow',
        'right_shoulder_joint': 'neck',
        'right_elbow': 'right_shoulder_joint',
        'right_wrist': 'right_elbow',
    },
)

# What the network predicts: COCO's keypoints first, then what only Human3.6M has.
UNION = Skeleton(
    'union26',
    {
        **_COCO_PARENTS,
        'nose': 'head',
        'left_shoulder': 'left_shoulder_joint',
        'right_shoulder': 'right_shoulder_joint',
        'left_hip': 'left_hip_joint',
        'right_hip': 'right_hip_joint',
        'left_elbow': 'left_shoulder_joint',
        'right_elbow': 'right_shoulder_joint',
        'left_knee': 'left_hip_joint',
        'right_knee': 'right_hip_joint',
        'pelvis': '',
        'spine': 'pelvis',
        'neck': 'spine',
        'head': 'neck',
        'head_top': 'head',
        'left_hip_joint': 'pelvis',
        'right_hip_joint': 'pelvis',
        'left_shoulder_joint': 'neck',
        'right_shoulder_joint': 'neck',
    },
)

# REP-155's body skeleton as hri_msgs numbers it, but for the eyes: read those by constant.
ROS4HRI_18 = Skeleton(
    'ros4hri18',
    {
        'nose': 'neck',
        'neck': '',
        'right_shoulder': 'neck',
        'right_elbow': 'right_shoulder',
        'right_wrist': 'right_elbow',
        'left_shoulder': 'neck',
        'left_elbow': 'left_shoulder',
        'left_wrist': 'left_elbow',
        'right_hip': 'neck',
        'right_knee': 'right_hip',
        'right_ankle': 'right_knee',
        'left_hip': 'neck',
        'left_knee': 'left_hip',
        'left_ankle': 'left_knee',
        'left_eye': 'nose',
        'right_eye': 'nose',
        'left_ear': 'left_eye',
        'right_ear': 'right_eye',
    },
)

SKELETONS: Mapping[str, Skeleton] = {
    skeleton.name: skeleton for skeleton in (COCO_17, H36M_17, UNION, ROS4HRI_18)
}
