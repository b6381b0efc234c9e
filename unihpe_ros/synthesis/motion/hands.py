"""Curled fingers, which motion capture leaves straight."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.motion.retarget import Rig

Float32 = NDArray[np.float32]


def rotation_vectors_to_matrices(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """``(N, 3, 3)`` Rotations about ``(N, 3)`` vectors by their length, rad."""
    return np.asarray(_turns(np.ascontiguousarray(vectors, np.float64)))


@numba.njit(cache=True, nogil=True)
def _turns(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    turns = np.empty((vectors.shape[0], 3, 3))
    for n in range(vectors.shape[0]):
        x, y, z = vectors[n]
        angle = np.sqrt(x * x + y * y + z * z)
        per = 1 / max(angle, 1e-12)
        x, y, z = x * per, y * per, z * per
        s, c = np.sin(angle), np.cos(angle)
        v = 1 - c if angle > 0 else 0.0
        turns[n, 0] = 1 - v * (y * y + z * z), v * x * y - s * z, v * x * z + s * y
        turns[n, 1] = v * x * y + s * z, 1 - v * (x * x + z * z), v * y * z - s * x
        turns[n, 2] = v * x * z - s * y, v * y * z + s * x, 1 - v * (x * x + y * y)
    return turns


class Hands:
    """
    The finger bones of a rig.

    Parameters
    ----------
    rig : Rig
        The bones.

    """

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._fingers = [
            np.array(
                [
                    [rig.index[f'finger{finger}-{joint}.{letter}'] for joint in (1, 2, 3)]
                    for finger in range(1, 6)
                ]
            )
            for letter in 'LR'
        ]

    def curl(
        self, rotations: Float32, heads: Float32, curl: tuple[float, float], spread: Float32
    ) -> None:
        """
        Bend the fingers of both hands, in place.

        Parameters
        ----------
        rotations : Float32
            ``(B, 3, 3)`` World rotation of every bone; the fingers' are overwritten.
        heads : Float32
            ``(B, 3)`` Rest positions of the bones.
        curl : tuple[float, float]
            Bend per joint of the left and the right hand, rad.
        spread : Float32
            ``(2, 5, 3)`` Differences between joints, 0 to 1.

        """
        for side, letter in enumerate('LR'):
            wrist = self.rig.index[f'wrist.{letter}']
            bones = self._fingers[side]
            across = np.cross(heads[bones[1, 0]] - heads[wrist], heads[bones[4, 0]] - heads[wrist])
            palm = across * (1.0 if letter == 'L' else -1.0) / np.linalg.norm(across)
            along = heads[bones] - heads[self.rig.parents[bones]]
            hinges = np.cross(along, palm)
            hinges /= np.linalg.norm(hinges, axis=-1, keepdims=True) + 1e-9
            bend = -curl[side] * (0.6 + 0.5 * spread[side])
            bend[:, 0] *= 0.7
            bend[:, 1:] *= 0.9
            bend[0] *= 0.3  # The thumb bends less.
            turns = rotation_vectors_to_matrices((hinges * bend[..., None]).reshape(-1, 3))
            turns = turns.reshape(5, 3, 3, 3)
            turned = np.broadcast_to(rotations[wrist], (5, 3, 3))
            for joint in range(3):
                turned = turned @ turns[:, joint]
                rotations[bones[:, joint]] = turned
