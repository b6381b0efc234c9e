"""
The kinematic model of a person: joints, axes, limits, sizes and forward kinematics.

Names, axes and order of joints and links are those of ROS4HRI's human_description (REP-155), so
that joint states fit its URDF too; in front of each stands no id yet. Two joints are added where
it has one: `r_waist` and `y_waist` let a trunk bend sideways and twist. Limits are those of
people, wide enough to sit and to kneel.

A link's frame has x forward, y to the left and z up while the person stands upright with the arms
hanging down and all angles 0.

"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Axis = tuple[float, float, float]

ROOT_LINK = 'body'


@dataclass(frozen=True)
class Joint:
    """
    A joint between two links.

    Parameters
    ----------
    name : str
        Name of the joint.
    parent, link : str
        The links before and behind it.
    size : str
        Which of `BODY_SIZES` is the way from the parent's frame to this one; empty for none.
    way : tuple[float, float, float]
        Direction of that way in the parent's frame, and its share of the size.
    axis : tuple[float, float, float]
        Unit axis; zeros if the joint is fixed.
    limits : tuple[float, float]
        Least and greatest angle, rad.

    """

    name: str
    parent: str
    link: str
    size: str = ''
    way: Axis = (0.0, 0.0, 0.0)
    axis: Axis = (0.0, 0.0, 0.0)
    limits: tuple[float, float] = (0.0, 0.0)

    @property
    def is_fixed(self) -> bool:
        """Whether it can't be turned."""
        return not any(self.axis)

    def step(self, sizes: Mapping[str, float]) -> Axis:
        """Return the position of its frame in the parent's, m, for a person of such sizes."""
        length = sizes[self.size] if self.size else 0.0
        x, y, z = self.way
        return length * x, length * y, length * z


# Forward lean of two lines that begin between the hips, rad: the one to the spine, against the
# pelvis (median of rendered poses), and the one to between the shoulders, against the trunk.
SPINE_LEAN, TORSO_LEAN = 0.16, 0.044
_UP, _DOWN = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)
# Lengths that differ from person to person, m, and those of somebody of 1.7 m.
BODY_SIZES = {
    'torso': 0.49,  # From between the hips to between the shoulders.
    'neck': 0.14,  # From there to the joint of the head, and from that to its middle.
    'shoulder_width': 0.35,
    'upper_arm': 0.29,
    'forearm': 0.25,
    'hip_width': 0.19,
    'thigh': 0.41,
    'shin': 0.41,
}


_TRUNK = (math.sin(TORSO_LEAN), 0.0, math.cos(TORSO_LEAN))


def _trunk() -> list[Joint]:
    return [
        Joint('waist', ROOT_LINK, 'waist', axis=(0.0, 1.0, 0.0), limits=(-0.6, 1.7)),
        Joint('r_waist', 'waist', 'r_waist', axis=(1.0, 0.0, 0.0), limits=(-0.8, 0.8)),
        Joint('y_waist', 'r_waist', 'y_waist', axis=_UP, limits=(-1.0, 1.0)),
        Joint('torso', 'y_waist', 'torso', 'torso', _TRUNK),
        Joint('r_head', 'torso', 'r_head', 'neck', _UP, (1.0, 0.0, 0.0), (-0.9, 0.9)),
        Joint('y_head', 'r_head', 'y_head', axis=_UP, limits=(-1.5, 1.5)),
        Joint('p_head', 'y_head', 'p_head', axis=(0.0, -1.0, 0.0), limits=(-1.3, 1.2)),
        Joint('head', 'p_head', 'head', 'neck', _UP),
    ]


def _arm(side: str, sign: float) -> list[Joint]:
    outside, shoulder = (0.0, 0.5 * sign, 0.0), f'{side}_shoulder'
    yaw, pitch, roll = (f'{side}_{letter}_shoulder' for letter in 'ypr')
    elbow, wrist = f'{side}_elbow', f'{side}_wrist'
    across, along = (sign, 0.0, 0.0), (0.0, 0.0, sign)
    return [
        Joint(yaw, 'torso', yaw, 'shoulder_width', outside, (0.0, 0.0, -sign), (-1.7, 2.5)),
        Joint(pitch, yaw, pitch, axis=across, limits=(-0.7, math.pi)),
        Joint(roll, pitch, shoulder, axis=along, limits=(-2.5, 2.5)),
        Joint(elbow, shoulder, elbow, 'upper_arm', _DOWN, (0.0, -1.0, 0.0), (0.0, 2.7)),
        Joint(wrist, elbow, wrist, 'forearm', _DOWN),
    ]


def _leg(side: str, sign: float) -> list[Joint]:
    outside, hip = (0.0, 0.5 * sign, 0.0), f'{side}_hip'
    yaw, pitch, roll = (f'{side}_{letter}_hip' for letter in 'ypr')
    knee, ankle, across = f'{side}_knee', f'{side}_ankle', (0.0, -1.0, 0.0)
    return [
        Joint(yaw, ROOT_LINK, yaw, 'hip_width', outside, _DOWN, (-1.4, 1.4)),
        Joint(pitch, yaw, pitch, axis=(sign, 0.0, 0.0), limits=(-0.8, 1.5)),
        Joint(roll, pitch, hip, axis=across, limits=(-0.8, 2.6)),
        Joint(knee, hip, knee, 'thigh', _DOWN, across, (-2.8, 0.0)),
        Joint(ankle, knee, ankle, 'shin', _DOWN),
    ]


JOINTS = (
    *_trunk(),
    *_arm('l', 1.0),
    *_arm('r', -1.0),
    *_leg('l', 1.0),
    *_leg('r', -1.0),
)
LINKS = (ROOT_LINK, *(joint.link for joint in JOINTS))
# Joints that turn, in the order of all arrays of angles.
ANGLES = tuple(joint.name for joint in JOINTS if not joint.is_fixed)
JOINT_RANGES = np.array([joint.limits for joint in JOINTS if not joint.is_fixed])
# Of a mirrored person these have the other sign; others are those of the other side.
_ODD = ('r_waist', 'y_waist', 'r_head', 'y_head', 'l_y_hip', 'r_y_hip')


def mirrored_angles(angles: Float64) -> Float64:
    """Return ``(..., 22)`` angles of the same person in a mirror."""
    sides = {'l_': 'r_', 'r_': 'l_'}
    others = [sides.get(name[:2], name[:2]) + name[2:] for name in ANGLES]
    # r_head and r_waist roll: there is no l_head.
    source = [ANGLES.index(one) if one in ANGLES else k for k, one in enumerate(others)]
    signs = np.array([-1.0 if name in _ODD else 1.0 for name in ANGLES])
    return np.asarray(signs * angles[..., source])


def forward_kinematics(
    angles: Float64, sizes: dict[str, Float64] | None = None
) -> tuple[Float64, Float64]:
    """
    Return where the links are, relative to the body's frame.

    Parameters
    ----------
    angles : NDArray[np.float64]
        ``(N, 22)`` rad, in the order of `ANGLES`.
    sizes : dict[str, NDArray[np.float64]], optional
        ``(N,)`` m for each of `BODY_SIZES`; those of somebody of 1.7 m if not given.

    Returns
    -------
    rotations : NDArray[np.float64]
        ``(N, 29, 3, 3)`` orientation of each of `LINKS`.
    positions : NDArray[np.float64]
        ``(N, 29, 3)`` m.

    """
    count = len(angles)
    known = sizes or {name: np.full(count, value) for name, value in BODY_SIZES.items()}
    rotations = np.empty((count, len(LINKS), 3, 3))
    positions = np.zeros((count, len(LINKS), 3))
    rotations[:, 0] = np.eye(3)
    turned = 0
    for number, joint in enumerate(JOINTS, 1):
        parent = LINKS.index(joint.parent)
        step = known[joint.size][:, None] * joint.way if joint.size else np.zeros((count, 3))
        positions[:, number] = (
            positions[:, parent] + (rotations[:, parent] @ step[..., None])[..., 0]
        )
        rotations[:, number] = rotations[:, parent]
        if not joint.is_fixed:
            rotations[:, number] = rotations[:, parent] @ axis_rotation(
                joint.axis, angles[:, turned]
            )
            turned += 1
    return rotations, positions


def axis_rotation(axis: Axis, angles: Float64) -> Float64:
    """``(..., 3, 3)`` Rotations about one of the coordinate axes, or against it, by angles."""
    number = next(k for k, part in enumerate(axis) if part)
    first, second = (number + 1) % 3, (number + 2) % 3
    rotations = np.zeros((*angles.shape, 3, 3))
    sine = np.sin(angles) * axis[number]
    rotations[..., number, number] = 1.0
    rotations[..., first, first] = rotations[..., second, second] = np.cos(angles)
    rotations[..., second, first], rotations[..., first, second] = sine, -sine
    return rotations
