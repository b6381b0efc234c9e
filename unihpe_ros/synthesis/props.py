"""Things that stand around, get in the way and are held: meshes from a few primitives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.fabrics import cloth, hard_surface
from unihpe_ros.synthesis.furniture import chair, STANDING, table, wheelchair
from unihpe_ros.synthesis.materials import linear, material, Pattern
from unihpe_ros.synthesis.scene import Mesh
from unihpe_ros.synthesis.solids import assemble, Part, random_rotation, upright

Float32 = NDArray[np.float32]


def thing_materials(rng: np.random.Generator) -> list[np.void]:
    """Four materials: body, frame, soft or glassy part, leaves or fur."""
    leaf = rng.random() < 0.6
    hue, value = (rng.uniform(0.2, 0.4), rng.uniform(0.15, 0.6)) if leaf else (0.08, 0.5)
    green = material(
        linear(hue, rng.uniform(0.3, 0.8), value),
        pattern=Pattern.BLOTCHES,
        second=linear(hue, 0.6, value * 0.4),
        frequency=rng.uniform(8, 40),
        threshold=0.45,
        bump=0.5,
        bump_scale=rng.uniform(15, 40),
        mottle=0.8,
        mottle_scale=12,
    )
    soft = cloth(rng, pattern=Pattern.PLAIN) if rng.random() < 0.6 else hard_surface(rng)
    body = soft if rng.random() < 0.3 else hard_surface(rng)
    return [body, hard_surface(rng), soft, green]


def standing_thing(
    rng: np.random.Generator, place: NDArray[np.floating], kind: str | None = None
) -> Mesh:
    """
    Sample a thing that stands on the ground.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    place : NDArray
        ``(3,)`` Where it stands, m.
    kind : str | None
        One of furniture.STANDING; sampled if None.

    Returns
    -------
    Mesh
        The thing.

    """
    if kind is None:
        kinds = list(STANDING)
        kind = kinds[rng.choice(len(kinds), p=[share for _, share in STANDING.values()])]
    parts = STANDING[kind][0](rng)
    turned = upright(rng.uniform(0, 2 * np.pi))
    return assemble(parts, thing_materials(rng), place, turned, taper=rng.uniform(0.6, 1))


def seat_for(
    rng: np.random.Generator, place: NDArray[np.floating], height: float, facing: float
) -> Mesh:
    """Sample a chair or a box of a given seat height for somebody who faces `facing`, rad."""
    kind = rng.choice(3, p=[0.62, 0.23, 0.15])
    if kind == 0:
        parts = chair(rng, height)
    elif kind == 1:
        parts = [('box', (0, 0.1, height / 2), (rng.uniform(0.25, 1.0), 0.3, height / 2), 0)]
    else:
        parts = wheelchair(rng, height)
    return assemble(parts, thing_materials(rng), place, upright(facing))


def table_for(
    rng: np.random.Generator, edge: NDArray[np.floating], height: float, facing: float
) -> Mesh:
    """Sample a table whose near edge is at `edge`, m, before somebody who faces `facing`, rad."""
    parts = table(rng, height)
    depth = float(parts[0][2][1])
    return assemble(
        parts, thing_materials(rng), edge + upright(facing) @ (0, -depth, 0), upright(facing)
    )


def held_thing(rng: np.random.Generator, place: NDArray[np.floating]) -> Mesh:
    """Sample a small thing in somebody's hand."""
    kind = rng.choice(6)
    half = rng.uniform(0.02, 0.14, 3)
    parts: list[Part] = [('box', (0, 0, 0), half, 0)]
    if kind == 1:  # Phone or book.
        parts = [('box', (0, 0, 0), (rng.uniform(0.03, 0.12), 0.008, rng.uniform(0.06, 0.16)), 0)]
    elif kind == 2:  # Bottle or cup.
        r = rng.uniform(0.025, 0.045)
        parts = [('cylinder', (0, 0, 0), (r, r, rng.uniform(0.04, 0.13)), 0)]
    elif kind == 3:  # Ball.
        parts = [('ball', (0, 0, 0), np.full(3, rng.uniform(0.03, 0.14)), 0)]
    elif kind == 4:  # Stick, racket, umbrella.
        r = rng.uniform(0.008, 0.02)
        parts = [('cylinder', (0, 0, 0.2), (r, r, rng.uniform(0.2, 0.6)), 0)]
        if rng.random() < 0.4:
            parts.append(('ball', (0, 0, 0.7), (0.13, 0.02, 0.17), 1))
    elif kind == 5:  # Bag.
        size = rng.uniform(0.08, 0.22)
        parts = [('box', (0, 0, -size - 0.15), (size, size * 0.4, size), 2),
                 ('cylinder', (0, 0, -0.08), (0.01, 0.01, 0.1), 1)]  # fmt: skip
    turned = upright(rng.uniform(0, 6.3)) if kind == 5 else random_rotation(rng)
    return assemble(parts, thing_materials(rng), place, turned)
