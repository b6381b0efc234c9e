"""A person, a camera and what is between them, with enough of the person in view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.synthesis.camera.edges import beyond, sample_edges
from unihpe_ros.synthesis.primitives.raster import bounds
from unihpe_ros.synthesis.primitives.scene import Mesh, OWNER_PROP, Support, View
from unihpe_ros.synthesis.render.layers import lay_out, Layers
from unihpe_ros.synthesis.samples.framing import frame
from unihpe_ros.synthesis.samples.labels import Hider, sight
from unihpe_ros.synthesis.samples.people import Cast
from unihpe_ros.synthesis.samples.staging import (
    Person,
    sample_neighbours,
    sample_person,
    sample_things,
    seat,
)

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]
# Meshes with their owners.
Things = list[tuple[Mesh, int]]

_FRAMINGS = 3
_MIN_VISIBLE = 5


@dataclass(frozen=True)
class Shot:
    """
    A picture that is yet to be taken.

    Parameters
    ----------
    person : Person
        Who it is of.
    view : View
        The camera.
    aim : Float32
        ``(4,)`` The box that it was framed for, px.
    edges : Float32
        ``(4,)`` Where the photograph ends, see sample_edges.
    layers : Layers
        What is in it; the person is number 0.
    visibility, hider : NDArray[np.uint8]
        ``(26,)`` As in Sample.

    """

    person: Person
    view: View
    aim: Float32
    edges: Float32
    layers: Layers
    visibility: UInt8
    hider: UInt8

    @property
    def shows_enough(self) -> bool:
        """Whether the person can be told in the picture."""
        return bool((self.visibility[: len(COCO_17)] == 2).sum() >= _MIN_VISIBLE)


def sample_shot(cast: Cast, rng: np.random.Generator, size: tuple[int, int]) -> Shot:
    """
    Stage a person and a camera; what hides the person too well is taken away.

    Parameters
    ----------
    cast : Cast
        Bodies, clothes and motions.
    rng : np.random.Generator
        Source of chance.
    size : tuple[int, int]
        (w, h) of the network's crop, px.

    Returns
    -------
    Shot
        Of some framings the first that shows enough of the person, else the last.

    """
    person = sample_person(cast, rng)
    figure = person.figure
    ground = float(bounds(figure.body)[0][2])
    neighbours, seats = sample_neighbours(cast, rng, ground)
    fixed: Things = [(figure.mesh, 0)]
    if person.posture.support is Support.SEAT:
        fixed.append((seat(rng, figure, ground), OWNER_PROP))
    others: Things = [(mesh, number) for number, mesh in enumerate(neighbours, 1)]
    others += [(mesh, OWNER_PROP) for mesh in seats]
    height = cast.bodies.height(person.shape)
    for _ in range(_FRAMINGS):
        view, aim = frame(rng, figure, person.posture, ground, size)
        things = others + sample_things(rng, person, view, ground)
        edges = sample_edges(rng, aim, view.size, view.box_of(figure.body))
        shot = _cleared(person, view, aim, edges, height, fixed, things)
        if shot.shows_enough:
            break
    return shot


def _cleared(
    person: Person,
    view: View,
    aim: Float32,
    edges: Float32,
    height: float,
    fixed: Things,
    things: Things,
) -> Shot:
    """Take away the thing that hides most until enough of the person is in view."""
    placed = view.to_camera(person.figure.keypoints)
    seen = view.project(placed)
    lost = beyond(seen, edges)
    points = slice(len(COCO_17))
    while True:
        meshes, owners = zip(*fixed, *things, strict=True)
        layers = lay_out(meshes, owners, view)
        visibility, hider = sight(seen, placed[:, 2], layers, 0, height)
        visibility[lost], hider[lost] = 0, Hider.NOTHING
        shot = Shot(person, view, aim, edges, layers, visibility, hider)
        if shot.shows_enough:
            return shot
        at = layers.mesh_at(seen[points][hider[points] > Hider.SELF])
        counts = np.bincount(at[at >= len(fixed)] - len(fixed), minlength=len(things))
        if counts.sum() + (visibility[points] == 2).sum() < _MIN_VISIBLE:
            return shot
        things = [*things[: counts.argmax()], *things[counts.argmax() + 1 :]]
