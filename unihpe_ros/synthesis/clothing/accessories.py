"""Accessories worn on head and back, as extra vertices: brims, glasses, ponytails, backpacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.body.topology import BODY
from unihpe_ros.synthesis.clothing.garments import Region
from unihpe_ros.synthesis.primitives.solids import solid

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]

WORN = ('visor', 'brim', 'frame', 'lenses', 'bun', 'ponytail', 'backpack')
# The eyes of the average body, m: across, forward, up.
_EYE = (0.0308, -0.150, 0.730)
_BRIM_HEIGHT = 0.765


@dataclass(frozen=True)
class _Anchor:
    """A part of the body that an accessory moves with."""

    vertex: int
    vertices: NDArray[np.intp]
    fit: NDArray[np.float64]


class Accessories:
    """
    Accessories modelled on the average body and fitted to any other.

    Parameters
    ----------
    bodies : BodyShapes
        The shapes.
    region : Region
        Where their vertices are.

    """

    def __init__(self, bodies: BodyShapes, region: Region) -> None:
        self.bodies = bodies
        head = np.flatnonzero(region.is_head[BODY] & (region.position[BODY, 2] > 0.66))
        z = region.position[BODY, 2]
        chest = np.flatnonzero(region.is_torso[BODY] & (z > 0.15) & (z < 0.5))
        anchors = {
            'head': _anchor(bodies, head, 'head'),
            'back': _anchor(bodies, chest, 'spine02'),
        }
        made = [
            _brim(0.07, 0.011, np.pi / 3), _brim(0.065, 0.008, np.pi), *_glasses(),
            _ball((0, 0.05, 0.79), (0.038, 0.036, 0.036)),
            _ball((0, 0.062, 0.67), (0.026, 0.03, 0.12)),
            _backpack(),
        ]  # fmt: skip
        self.parts: list[tuple[_Anchor, slice]] = []
        self.faces: dict[str, Int32] = {}
        first = 0
        for name, (points, faces) in zip(WORN, made, strict=True):
            self.faces[name] = faces + np.int32(first)
            place = anchors['back' if name == 'backpack' else 'head']
            self.parts.append((place, slice(first, first + len(points))))
            first += len(points)
        self.points = np.concatenate([points for points, _ in made]).astype(np.float32)
        self.source = np.concatenate(
            [np.full(part.stop - part.start, anchor.vertex) for anchor, part in self.parts]
        )

    def fitted(self, shape: int) -> Float32:
        """``(N, 3)`` The accessories' vertices in the rest pose of a shape."""
        rest = self.bodies.rest[shape]
        fits: dict[int, NDArray[np.float64]] = {}
        placed = np.empty_like(self.points)
        for anchor, part in self.parts:
            if anchor.vertex not in fits:
                fits[anchor.vertex] = anchor.fit @ rest[anchor.vertices]
            matrix = fits[anchor.vertex]
            placed[part] = self.points[part] @ matrix[:3] + matrix[3]
        return placed


def _anchor(bodies: BodyShapes, chosen: NDArray[np.intp], bone: str) -> _Anchor:
    """Return the vertex that follows a bone best, and the pseudo-inverse for an affine fit."""
    follows = bodies.weight_bones[chosen] == bodies.bones.index(bone)
    vertex = int(chosen[(bodies.weights[chosen] * follows).sum(1).argmax()])
    corners = np.column_stack([bodies.template[chosen], np.ones(len(chosen))])
    return _Anchor(vertex, chosen, np.linalg.pinv(corners.astype(np.float64)))


def _brim(reach: float, drop: float, half_angle: float) -> tuple[Float32, Int32]:
    """Return a flat ring around the forehead, or its front part."""
    turn = np.linspace(-half_angle, half_angle, 15)
    rings = []
    for out in (0.0, 0.5, 1.0):
        front = np.clip(np.cos(turn), 0, 1) if half_angle < np.pi else 1.0
        far = reach * out * (0.35 + 0.65 * front)
        x, y = (0.083 + far) * np.sin(turn), -0.058 - (0.103 + far) * np.cos(turn)
        rings.append(np.stack([x, y, _BRIM_HEIGHT - drop * out**2 + 0 * x], 1))
    return np.concatenate(rings).astype(np.float32), _strips(3, len(turn))


def _strips(rows: int, columns: int) -> Int32:
    """Triangles of a grid of vertices."""
    faces = []
    for r in range(rows - 1):
        for c in range(columns - 1):
            a, b = r * columns + c, (r + 1) * columns + c
            faces += [[a, b, b + 1], [a, b + 1, a + 1]]
    return np.array(faces, np.int32)


def _glasses() -> tuple[tuple[Float32, Int32], tuple[Float32, Int32]]:
    """Return the frame of a pair of glasses, and its lenses."""
    turn = np.linspace(0, 2 * np.pi, 13)
    frame: list[tuple[NDArray[np.floating], Int32]] = []
    lenses: list[tuple[NDArray[np.floating], Int32]] = []
    for side in (-1, 1):
        x, z = side * _EYE[0] + 0.025 * np.cos(turn), _EYE[2] - 0.004 + 0.020 * np.sin(turn)
        # Lenses follow the curve of the face.
        ring = np.stack([x, _EYE[1] - 0.005 + 3.0 * x**2, z], 1)
        middle = ring.mean(0)
        frame.append((np.concatenate([ring, middle + (ring - middle) * 1.2]), _strips(2, 13)))
        lenses.append((np.concatenate([ring, middle + 0 * ring]), _strips(2, 13)))
        ends = np.array([[side * 0.056, -0.140, 0.733], [side * 0.082, -0.045, 0.728]])
        temple = np.concatenate([ends + (0, 0, 0.005), ends - (0, 0, 0.005)])
        frame.append((temple, _strips(2, 2)))
    bridge = np.array([[-0.007, -0.158, 0.737], [0.007, -0.158, 0.737],
                       [-0.007, -0.158, 0.731], [0.007, -0.158, 0.731]])  # fmt: skip
    frame.append((bridge, _strips(2, 2)))
    return _joined(frame), _joined(lenses)


def _ball(centre: Sequence[float], half: Sequence[float]) -> tuple[Float32, Int32]:
    points, faces = solid('ball')
    return points * np.asarray(half, np.float32) + np.asarray(centre, np.float32), faces


def _backpack() -> tuple[Float32, Int32]:
    """Return a bag on the back with a pocket, and straps over the shoulders."""
    pieces: list[tuple[NDArray[np.floating], Int32]] = []
    for centre, half in (
        ((0, 0.125, 0.34), (0.14, 0.07, 0.19)),
        ((0, 0.20, 0.27), (0.11, 0.03, 0.10)),
    ):
        points, faces = solid('ball')
        # Between a ball and a box.
        square = np.sign(points) * np.abs(points) ** np.float32(0.45)
        pieces.append((square * np.asarray(half, np.float32) + np.asarray(centre, 'f4'), faces))
    path = np.array([[0.09, 0.10, 0.50], [0.095, 0.0, 0.625], [0.095, -0.09, 0.575],
                     [0.105, -0.165, 0.44], [0.115, -0.15, 0.32], [0.15, -0.03, 0.24],
                     [0.12, 0.08, 0.22]])  # fmt: skip
    for side in (-1, 1):
        edges = [path * (side, 1, 1) + (shift, 0, 0) for shift in (-0.022, 0.022)]
        pieces.append((np.concatenate(edges), _strips(2, len(path))))
    return _joined(pieces)


def _joined(pieces: Sequence[tuple[NDArray[np.floating], Int32]]) -> tuple[Float32, Int32]:
    firsts = np.cumsum([0, *(len(points) for points, _ in pieces)])
    points = np.concatenate([points for points, _ in pieces]).astype(np.float32)
    faces = [part + np.int32(first) for (_, part), first in zip(pieces, firsts, strict=False)]
    return points, np.concatenate(faces)
