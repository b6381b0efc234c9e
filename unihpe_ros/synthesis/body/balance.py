"""Static balance of bodies on the floor: the centre of mass is above the points of contact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from unihpe_ros.core.directions import smallest_rotation
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.body.poser import Poser
from unihpe_ros.synthesis.body.skinning import skin_vertices
from unihpe_ros.synthesis.body.topology import BODY
from unihpe_ros.synthesis.motion.hands import rotation_vectors_to_matrices
from unihpe_ros.synthesis.motion.postures import trunk_is_level, UPPER
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture, Support

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Bones at whose heads equal shares of the weight are taken to be.
_MASSES = (
    'spine05', 'spine05', 'spine03', 'spine03', 'spine01', 'spine01', 'head', 'upperleg02.L',
    'upperleg02.R', 'lowerleg01.L', 'lowerleg01.R',
)  # fmt: skip
_UPPER_MASSES = 7
_EVERY = 12
# Largest angle, rad, by which a body in balance may roll.
_TOPPLED = 0.8
# Number of steps, and angle of each, rad, by which the upper body leans to regain balance.
_LEANS, _LEAN = 3, 0.25
_TOUCHING = 0.04


class Balance:
    """
    Search for static balance of bodies on the floor.

    Parameters
    ----------
    bodies : BodyShapes
        The shapes.
    poser : Poser
        Puts poses onto them.

    """

    def __init__(self, bodies: BodyShapes, poser: Poser) -> None:
        self.bodies, self.poser = bodies, poser
        drawn = np.unique(bodies.faces['body'])
        self._skin = drawn[drawn < BODY.stop][::_EVERY]
        self._masses = [bodies.rig.index[name] for name in _MASSES]

    def at_rest(self, shape: int, posture: BodyPosture) -> BodyPosture | None:
        """
        Return a posture in static balance, the upper body leaned back if it would topple; or None.

        Parameters
        ----------
        shape : int
            The body.
        posture : BodyPosture
            Its posture.

        Returns
        -------
        BodyPosture | None
            The balanced posture; None if it topples in spite of leaning.

        """
        if posture.support not in (Support.FLOOR, Support.LYING):
            return posture
        for _ in range(_LEANS + 1):
            points, masses = self.skin_and_masses(shape, posture)
            down = resting_direction(points, masses.mean(0))
            if posture.support is Support.LYING or -down[2] >= np.cos(_TOPPLED):
                turn = smallest_rotation(down[None], np.array([[0, 0, -1.0]]))[0]
                return replace(posture, driven=(turn @ posture.driven).astype(np.float32))
            if trunk_is_level(posture):
                return None
            posture = _leaned(posture, points, masses)
        return None

    def skin_and_masses(self, shape: int, posture: BodyPosture) -> tuple[Float32, Float32]:
        """Return ``(N, 3)`` points on the skin and ``(M, 3)`` point masses, all equal, m."""
        bodies, chosen = self.bodies, self._skin
        turned, joints, shifts = self.poser.posed(shape, posture)
        rest, weights, bones = bodies.rest[shape], bodies.weights, bodies.weight_bones
        points = skin_vertices(rest[chosen], weights[chosen], bones[chosen], turned, shifts)
        return points, joints[self._masses]


def _leaned(posture: BodyPosture, points: Float32, masses: Float32) -> BodyPosture:
    """Return the posture with the upper body tilted towards the points of contact."""
    touching = points[points[:, 2] < points[:, 2].min() + _TOUCHING].mean(0)
    wanted = (touching - masses.mean(0))[:2] * (len(masses) / _UPPER_MASSES)
    lever = max(float(masses[:_UPPER_MASSES, 2].mean() - posture.root[2]), 0.1)
    tilt = np.array([-wanted[1], wanted[0], 0.0]) / lever
    tilt *= min(1.0, _LEAN / max(float(np.linalg.norm(tilt)), 1e-9))
    driven = posture.driven.copy()
    driven[UPPER] = rotation_vectors_to_matrices(tilt[None])[0] @ driven[UPPER]
    return replace(posture, driven=driven)


def resting_direction(points: Float32, centre: NDArray[np.floating]) -> Float64:
    """
    Return which way is down after a rigid body on the floor has rolled to rest.

    Parameters
    ----------
    points : Float32
        ``(N, 3)`` On its surface, m.
    centre : NDArray
        ``(3,)`` Its centre of mass, inside.

    Returns
    -------
    Float64
        ``(3,)`` The down direction in the body's frame when it rests; initially -z.

    """
    planes = ConvexHull(points).equations
    normals = planes[:, :3]
    heights = -(normals @ centre + planes[:, 3])
    down = np.array([0, 0, -1.0])
    lowest = np.inf
    # With each side that the body falls on, its centre of mass gets lower, until it rests.
    while True:
        along = normals @ down
        side = int(np.where(along > 1e-6, heights / np.maximum(along, 1e-6), np.inf).argmin())
        if heights[side] >= lowest - 1e-9:
            return down
        lowest, down = heights[side], normals[side]
