"""Small things held in a hand, with the fingers closed around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.body.skinning import vertex_normals
from unihpe_ros.synthesis.body.topology import BODY
from unihpe_ros.synthesis.primitives.scene_types import Mesh
from unihpe_ros.synthesis.primitives.solids import assemble, Part, upright
from unihpe_ros.synthesis.scenery.props import thing_materials

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Joints that tell where a hand is: the wrist, the roots of the index and of the little finger.
_JOINTS = ('wrist', 'finger2-1', 'finger5-1')
# Where the palm is touched: this far from the wrist to the fingers, this far around, m.
_AHEAD, _AROUND = 0.7, 0.02
# Length of a finger, half its thickness, m, and its bend per joint for each rad of curl.
_FINGER, _THICK, _BENDS = 0.075, 0.008, 3 * 0.76


@dataclass(frozen=True)
class HeldObject:
    """
    A small thing to hold: solids, hand, curl of the fingers.

    Parameters
    ----------
    hand : int
        0 for the left, 1 for the right.
    parts : list[Part]
        In the hand's frame, see grip: x along the fingers, y out of the palm, z to the thumb; or
        with y level and z up if it hangs.
    curl : float
        Bend of the fingers around it, rad.
    ahead : float
        How far towards the fingers it lies, m.
    hangs : bool
        Whether it is upright whichever way the hand is.

    """

    hand: int
    parts: list[Part]
    curl: float
    ahead: float = 0.0
    hangs: bool = False


class Palms:
    """
    Positions of the palms of a posed body.

    Parameters
    ----------
    bodies : BodyShapes
        The shapes; all are of one topology.

    """

    def __init__(self, bodies: BodyShapes) -> None:
        heads, rest, index = bodies.heads[0], bodies.rest[0], bodies.rig.index
        self._joints = [[index[f'{name}.{s}'] for name in _JOINTS] for s in 'LR']
        normals = vertex_normals(rest, bodies.faces['body'])
        drawn = np.unique(bodies.faces['body'])
        drawn = drawn[drawn < BODY.stop]
        self._skin = []
        for hand in range(2):
            wrist, first, last = heads[self._joints[hand]]
            middle = wrist + _AHEAD * (0.5 * (first + last) - wrist)
            out = _axes(heads[self._joints[hand]], hand)[:, 1]
            offset = rest[drawn] - middle
            beside = np.linalg.norm(offset - np.outer(offset @ out, out), axis=1)
            near = (beside < _AROUND) & (np.abs(offset @ out) < 0.05)
            self._skin.append(drawn[near & (normals[drawn] @ out > 0.5)])

    def of(self, body: Float32, joints: Float32) -> Float32:
        """``(2, 4, 3)`` Middle of the palm, wrist and finger roots of each hand, m."""
        return np.stack(
            [
                np.concatenate([body[skin].mean(0)[None], joints[chosen]])
                for skin, chosen in zip(self._skin, self._joints, strict=True)
            ]
        )


def _axes(points: NDArray[np.floating], hand: int) -> Float64:
    """``(3, 3)`` World from hand, for ``(3, 3)`` wrist and finger roots."""
    wrist, first, last = points.astype(np.float64)
    across = first - last
    along = 0.5 * (first + last) - wrist
    # The frame of the left hand is the right one's, turned about: x leads back to the wrist.
    out = np.cross(across, along) * (-1 if hand == 0 else 1)
    out /= np.linalg.norm(out)
    across /= np.linalg.norm(across)
    return np.stack([np.cross(out, across), out, across], 1)


def grip(palm: Float32, hand: int) -> tuple[Float64, Float64]:
    """
    Return the frame of a hand: origin in the palm, and axes.

    Parameters
    ----------
    palm : Float32
        ``(4, 3)`` As Palms.of gives it.
    hand : int
        0 for the left, 1 for the right.

    Returns
    -------
    place : Float64
        ``(3,)`` The middle of the palm's skin, m.
    axes : Float64
        ``(3, 3)`` World from hand: along the fingers (left: to the wrist), out of the palm, to
        the thumb.

    """
    return palm[0].astype(np.float64), _axes(palm[1:], hand)


def sample_held_object(rng: np.random.Generator) -> HeldObject:
    """Return a random small thing for one of the hands."""
    hand, kind = int(rng.integers(2)), rng.choice(6)
    if kind == 0:  # Box: the thinnest side is between fingers and palm.
        thin, wide, tall = np.sort(rng.uniform(0.02, 0.14, 3))
        return _flat(hand, wide, thin, tall)
    if kind == 1:  # Phone or book.
        return _flat(hand, rng.uniform(0.03, 0.12), 0.008, rng.uniform(0.06, 0.16))
    if kind == 2:  # Bottle or cup.
        r, half = rng.uniform(0.025, 0.045), rng.uniform(0.04, 0.13)
        off = rng.uniform(-0.3, 0.6) * max(half - 0.03, 0)
        return HeldObject(hand, [('cylinder', (0, r, off), (r, r, half), 0)], _around(r))
    if kind == 3:  # Ball.
        r = rng.uniform(0.03, 0.14)
        return HeldObject(hand, [('ball', (0, r, 0), np.full(3, r), 0)], _around(r))
    if kind == 4:  # Stick, racket, umbrella.
        r, half = rng.uniform(0.008, 0.02), rng.uniform(0.2, 0.6)
        off = rng.uniform(0.1, 0.9) * (half - 0.06)
        parts: list[Part] = [('cylinder', (0, r, off), (r, r, half), 0)]
        if rng.random() < 0.4:
            parts.append(('ball', (0, r, off + half + 0.12), (0.13, 0.02, 0.17), 1))
        return HeldObject(hand, parts, _around(r), ahead=0.01)
    # Bag: a handle in the crook of the fingers, straps, and what hangs from them.
    size, strap = rng.uniform(0.08, 0.22), rng.uniform(0.04, 0.1)
    parts = [('box', (0, 0, 0), (0.06, 0.009, 0.009), 1)]
    parts += [('box', (x, 0, -strap), (0.008, 0.006, strap), 1) for x in (-0.05, 0.05)]
    parts.append(('box', (0, 0, -2 * strap - size), (size, size * 0.4, size), 2))
    return HeldObject(hand, parts, _around(0.01), ahead=0.02, hangs=True)


def _flat(hand: int, wide: float, thin: float, tall: float) -> HeldObject:
    """Return a flat thing that lies against the palm."""
    curl = 0.1 if wide > 0.045 else min(_around(max(wide, thin)), 0.6)
    return HeldObject(hand, [('box', (0, thin, 0), (wide, thin, tall), 0)], curl, ahead=0.01)


def _around(radius: float) -> float:
    return float(np.clip(_FINGER / (radius + _THICK) / _BENDS, 0.15, 1.35))


def held_mesh(rng: np.random.Generator, held: HeldObject, palm: Float32) -> Mesh:
    """
    Return the mesh of a thing in a hand.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    held : HeldObject
        The thing.
    palm : Float32
        ``(4, 3)`` The hand that holds it, see Palms.of.

    Returns
    -------
    Mesh
        The thing in the world.

    """
    place, axes = grip(palm, held.hand)
    fingers = axes[:, 0] * (-1 if held.hand == 0 else 1)
    place = place + held.ahead * fingers
    if held.hangs:
        place = place + 0.009 * axes[:, 1]
        axes = upright(float(np.arctan2(axes[1, 2], axes[0, 2])))
    else:
        # Things are never held exactly straight, so they are turned a little on the palm.
        c, s = np.cos(turn := rng.normal(0, 0.2)), np.sin(turn)
        axes = axes @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return assemble(held.parts, thing_materials(rng), place, axes)
