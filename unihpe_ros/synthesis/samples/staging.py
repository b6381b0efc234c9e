"""Random people, and what is around them: neighbours, seats, things held, things in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.synthesis.clothing.outfit_sampling import sample_outfit
from unihpe_ros.synthesis.motion.arm_gestures import gesture, hands_down, hands_on_table
from unihpe_ros.synthesis.motion.postures import sample_posture, trunk_is_level
from unihpe_ros.synthesis.primitives.raster import bounds
from unihpe_ros.synthesis.primitives.scene_types import (
    BodyPosture,
    Mesh,
    OWNER_HELD,
    OWNER_PROP,
    SceneCamera,
    Support,
)
from unihpe_ros.synthesis.primitives.solids import assemble, random_rotation, upright
from unihpe_ros.synthesis.samples.held_objects import held_mesh, HeldObject, sample_held_object
from unihpe_ros.synthesis.samples.people import PeopleAssets, PosedFigure
from unihpe_ros.synthesis.scenery.props import (
    seat_for,
    standing_thing,
    table_for,
    thing_materials,
)

_NEIGHBOURS = (0.68, 0.24, 0.08)
_GESTURE, _AT_TABLE, _AT_COUNTER = 0.35, 0.45, 0.05
_HELD, _IN_THE_WAY, _AROUND = 0.25, 0.24, 0.6
_SOLIDS = ('box', 'cylinder', 'ball')


class StagedPerson(NamedTuple):
    """A sampled person: body shape, posture, mesh in the world, thing in a hand."""

    shape: int
    posture: BodyPosture
    figure: PosedFigure
    held: HeldObject | None = None


def sample_person(assets: PeopleAssets, rng: np.random.Generator) -> StagedPerson:
    """Return a random person in a balanced posture, without arms inside the trunk."""
    shape = int(rng.choice(assets.shapes))
    bodies = assets.bodies
    outfit = sample_outfit(rng, bool(bodies.gender[shape] > 0.5), float(bodies.age[shape]))
    spread = rng.random((2, 5, 3), dtype=np.float32)
    posture = sample_balanced_posture(assets, rng, shape)
    held = None
    if not posture.carries and not _on_hands(posture) and rng.random() < _HELD:
        held = sample_held_object(rng)
        left, right = posture.curl
        curl = (held.curl, right) if held.hand == 0 else (left, held.curl)
        posture = replace(posture, curl=curl)
    figure = assets.pose(assets.tailor.dress(shape, outfit), posture, spread)
    return StagedPerson(shape, posture, figure, held)


def sample_balanced_posture(
    assets: PeopleAssets, rng: np.random.Generator, shape: int
) -> BodyPosture:
    """Return a random posture in which a body is in balance."""
    while True:
        posture = with_gesture(assets, rng, shape, sample_posture(rng, assets.bank))
        rested = assets.balance.at_rest(shape, posture)
        if rested is not None:
            return rested


def with_gesture(
    assets: PeopleAssets, rng: np.random.Generator, shape: int, posture: BodyPosture
) -> BodyPosture:
    """Return a posture, sometimes with a gesture added, and with arms outside the trunk."""
    prone = _on_hands(posture)
    at_table = posture.support is Support.SEAT and rng.random() < _AT_TABLE
    if prone or at_table or rng.random() < _GESTURE:
        keypoints = assets.poser.keypoints(shape, posture.clip, posture.driven, posture.root)
        bring = hands_down if prone else hands_on_table if at_table else gesture
        posture = bring(rng, posture, keypoints)
    return assets.contact.arms_moved_out(shape, posture)


def _on_hands(posture: BodyPosture) -> bool:
    return posture.support is Support.FLOOR and trunk_is_level(posture)


def sample_neighbours(
    assets: PeopleAssets, rng: np.random.Generator, ground: float
) -> tuple[list[Mesh], list[Mesh]]:
    """Return random people near the origin, on the same floor, and their seats."""
    meshes, seats = [], []
    for _ in range(rng.choice(len(_NEIGHBOURS), p=_NEIGHBOURS)):
        person = sample_person(assets, rng)
        figure = person.figure
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.45, 1.8)
        below = ground - float(bounds(figure.body)[0][2])
        figure.move(np.array([distance * np.cos(angle), distance * np.sin(angle), below]))
        meshes.append(figure.mesh)
        if person.posture.support is Support.SEAT:
            seats.append(seat(rng, figure, ground))
    return meshes, seats


def seat(rng: np.random.Generator, figure: PosedFigure, ground: float) -> Mesh:
    """Return a chair or a box under a sitting person."""
    hips = figure.keypoints[UNION.indices('left_hip_joint', 'right_hip_joint')]
    knees = figure.keypoints[UNION.indices('left_knee', 'right_knee')]
    forward = (knees - hips).mean(0)
    top = max(seat_height(figure) - ground, 0.1)
    place = np.array([*hips.mean(0)[:2], ground])
    return seat_for(rng, place, top, float(np.arctan2(forward[0], -forward[1])))


def seat_height(figure: PosedFigure) -> float:
    """Return the height of a sitting person's seat, m."""
    hips = figure.keypoints[UNION.indices('left_hip_joint', 'right_hip_joint')]
    flat = figure.body[:, :2] - hips[:, :2].mean(0)
    reach = 0.6 * float(np.linalg.norm(hips[0] - hips[1])) + 0.05
    below = figure.body[(flat**2).sum(1) < reach**2]
    return float(below[:, 2].min()) if len(below) else float(hips[:, 2].min()) - 0.1


def sample_things(
    rng: np.random.Generator, person: StagedPerson, view: SceneCamera, ground: float
) -> list[tuple[Mesh, int]]:
    """
    Return random things: held, in the way of the camera, and around.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    person : StagedPerson
        The person.
    view : View
        The camera.
    ground : float
        Height of the floor, m.

    Returns
    -------
    list[tuple[Mesh, int]]
        Meshes with their owners.

    """
    figure = person.figure
    things: list[tuple[Mesh, int]] = []
    if person.posture.at_table:
        things.append((_table_before(rng, figure, ground), OWNER_PROP))
    elif person.posture.support is Support.FEET and rng.random() < _AT_COUNTER:
        things.append((_counter_before(rng, figure, ground), OWNER_PROP))
    if person.posture.carries:
        things.append((_load(rng, figure), OWNER_HELD))
    elif person.held is not None:
        palm = figure.palms[person.held.hand]
        things.append((held_mesh(rng, person.held, palm), OWNER_HELD))
    if rng.random() < _IN_THE_WAY:
        for _ in range(rng.integers(1, 3)):
            things.append((_occluder(rng, figure, view, ground), OWNER_PROP))
    if rng.random() < _AROUND:
        pelvis = figure.keypoints[UNION.index('pelvis')]
        for _ in range(rng.integers(1, 6)):
            angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 4)
            x, y = pelvis[0] + distance * np.cos(angle), pelvis[1] + distance * np.sin(angle)
            if np.hypot(x - view.eye[0], y - view.eye[1]) > 0.9:
                things.append((standing_thing(rng, np.array([x, y, ground])), OWNER_PROP))
    return things


def _table_before(rng: np.random.Generator, figure: PosedFigure, ground: float) -> Mesh:
    """Return a table under a person's hands and above the thighs."""
    hands = figure.keypoints[UNION.indices('left_wrist', 'right_wrist')]
    knees = figure.keypoints[UNION.indices('left_knee', 'right_knee')]
    top = max(float(hands[:, 2].min()) - 0.035, float(knees[:, 2].max()) + 0.09)
    return _edge_before(rng, figure, ground, top - ground, rng.uniform(0.15, 0.24))


def _counter_before(rng: np.random.Generator, figure: PosedFigure, ground: float) -> Mesh:
    """Return a counter or a high table before a standing person."""
    pelvis = float(figure.keypoints[UNION.index('pelvis')][2]) - ground
    return _edge_before(
        rng, figure, ground, pelvis * rng.uniform(0.85, 1.2), rng.uniform(0.22, 0.4)
    )


def _edge_before(
    rng: np.random.Generator, figure: PosedFigure, ground: float, top: float, ahead: float
) -> Mesh:
    x, y, _ = figure.keypoints[UNION.index('pelvis')].astype(np.float64)
    edge = np.array([x, y, ground]) + upright(figure.heading) @ (0, -ahead, 0)
    return table_for(rng, edge, top, figure.heading + rng.normal(0, 0.06))


def _load(rng: np.random.Generator, figure: PosedFigure) -> Mesh:
    """Return a box between a person's palms."""
    left, right = figure.palms[:, 0].astype(np.float64)
    across = left - right
    facing = float(np.arctan2(across[1], across[0]))
    half = (
        max(0.5 * float(np.hypot(*across[:2])), 0.04),
        rng.uniform(0.06, 0.2),
        rng.uniform(0.05, 0.2),
    )
    # Before the hands, not in the belly.
    place = 0.5 * (left + right) + upright(facing) @ (0, -half[1] * 0.5, 0)
    return assemble([('box', (0, 0, 0), half, 0)], thing_materials(rng), place, upright(facing))


def _occluder(
    rng: np.random.Generator, figure: PosedFigure, view: SceneCamera, ground: float
) -> Mesh:
    """Return a thing between the camera and the person."""
    target: NDArray[np.floating] = figure.keypoints[rng.integers(len(COCO_17))]
    share = rng.uniform(0.3, 0.8)
    between = view.eye + (target - view.eye) * share + rng.normal(0, 0.12, 3) * share
    if rng.random() < 0.5:
        return standing_thing(rng, np.array([between[0], between[1], ground]))
    half = np.exp(rng.uniform(np.log(0.04), np.log(0.4), 3)) * share
    if rng.random() < 0.5:
        half[2] *= 3
    turn = random_rotation(rng) if rng.random() < 0.4 else upright(rng.uniform(0, 2 * np.pi))
    parts = [(_SOLIDS[rng.integers(3)], (0, 0, 0), half, 0)]
    return assemble(parts, thing_materials(rng), between, turn)
