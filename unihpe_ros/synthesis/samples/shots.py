"""Random pictures of one person, before shading: enough keypoints are visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.synthesis.camera.photo_border import outside_border, sample_border
from unihpe_ros.synthesis.primitives.raster import bounds
from unihpe_ros.synthesis.primitives.scene_types import Mesh, OWNER_PROP, SceneCamera, Support
from unihpe_ros.synthesis.render.visibility_buffer import rasterise_meshes, VisibilityBuffer
from unihpe_ros.synthesis.samples.framing import frame
from unihpe_ros.synthesis.samples.labels import Hider, label_visibility
from unihpe_ros.synthesis.samples.people import PeopleAssets
from unihpe_ros.synthesis.samples.staging import (
    sample_neighbours,
    sample_person,
    sample_things,
    seat,
    StagedPerson,
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
    A person, a camera and the visibility buffer, before light and colour are known.

    Parameters
    ----------
    person : StagedPerson
        Who it is of.
    view : View
        The camera.
    aim : Float32
        ``(4,)`` The box that it was framed for, px.
    edges : Float32
        ``(4,)`` Where the photograph ends, see sample_border.
    layers : VisibilityBuffer
        What is in it; the person is number 0.
    visibility, hider : NDArray[np.uint8]
        ``(26,)`` As in Sample.

    """

    person: StagedPerson
    view: SceneCamera
    aim: Float32
    edges: Float32
    layers: VisibilityBuffer
    visibility: UInt8
    hider: UInt8

    @property
    def shows_enough(self) -> bool:
        """Whether enough of COCO's keypoints are visible."""
        return bool((self.visibility[: len(COCO_17)] == 2).sum() >= _MIN_VISIBLE)


def sample_shot(assets: PeopleAssets, rng: np.random.Generator, size: tuple[int, int]) -> Shot:
    """
    Return a random person before a random camera; things that hide too much are removed.

    Parameters
    ----------
    assets : PeopleAssets
        Bodies, clothes and motions.
    rng : np.random.Generator
        Source of chance.
    size : tuple[int, int]
        (w, h) of the network's crop, px.

    Returns
    -------
    Shot
        The first of several framings that shows enough of the person, otherwise the last one.

    """
    person = sample_person(assets, rng)
    figure = person.figure
    ground = float(bounds(figure.body)[0][2])
    neighbours, seats = sample_neighbours(assets, rng, ground)
    fixed: Things = [(figure.mesh, 0)]
    if person.posture.support is Support.SEAT:
        fixed.append((seat(rng, figure, ground), OWNER_PROP))
    others: Things = [(mesh, number) for number, mesh in enumerate(neighbours, 1)]
    others += [(mesh, OWNER_PROP) for mesh in seats]
    height = assets.bodies.height(person.shape)
    for _ in range(_FRAMINGS):
        view, aim = frame(rng, figure, person.posture, ground, size)
        things = others + sample_things(rng, person, view, ground)
        edges = sample_border(rng, aim, view.size, view.box_of(figure.body))
        shot = _cleared(person, view, aim, edges, height, fixed, things)
        if shot.shows_enough:
            break
    return shot


def _cleared(
    person: StagedPerson,
    view: SceneCamera,
    aim: Float32,
    edges: Float32,
    height: float,
    fixed: Things,
    things: Things,
) -> Shot:
    """Remove the thing that hides most until enough of the person is visible."""
    placed = view.to_camera(person.figure.keypoints)
    seen = view.project(placed)
    lost = outside_border(seen, edges)
    points = slice(len(COCO_17))
    while True:
        meshes, owners = zip(*fixed, *things, strict=True)
        layers = rasterise_meshes(meshes, owners, view)
        visibility, hider = label_visibility(seen, placed[:, 2], layers, 0, height)
        visibility[lost], hider[lost] = 0, Hider.NOTHING
        shot = Shot(person, view, aim, edges, layers, visibility, hider)
        if shot.shows_enough:
            return shot
        at = layers.mesh_at(seen[points][hider[points] > Hider.SELF])
        counts = np.bincount(at[at >= len(fixed)] - len(fixed), minlength=len(things))
        if counts.sum() + (visibility[points] == 2).sum() < _MIN_VISIBLE:
            return shot
        things = [*things[: counts.argmax()], *things[counts.argmax() + 1 :]]
