"""Random things that stand around or in the way, as meshes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.fabrics import cloth, hard_surface
from unihpe_ros.synthesis.primitives.materials import linear, material, Pattern
from unihpe_ros.synthesis.primitives.scene_types import Mesh
from unihpe_ros.synthesis.primitives.solids import assemble, upright
from unihpe_ros.synthesis.scenery.furniture import chair, side_table, STANDING, wheelchair

Float32 = NDArray[np.float32]


def thing_materials(rng: np.random.Generator) -> list[np.void]:
    """Return four random materials: body, frame, soft or glassy part, leaves or fur."""
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
    Return a random thing that stands on the ground.

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
    """Return a random chair or box with a seat height, m, for somebody who faces `facing`, rad."""
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
    """Return a random table before a person who faces `facing`, rad; `edge` is its near edge."""
    parts = side_table(rng, height)
    depth = float(parts[0][2][1])
    return assemble(
        parts, thing_materials(rng), edge + upright(facing) @ (0, -depth, 0), upright(facing)
    )
