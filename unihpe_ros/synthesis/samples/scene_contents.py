"""Random contents of a whole picture: a camera, people and things before it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.primitives.raster import bounds
from unihpe_ros.synthesis.primitives.scene_types import (
    BodyPosture,
    Mesh,
    OWNER_HELD,
    OWNER_PROP,
    SceneCamera,
    Support,
)
from unihpe_ros.synthesis.samples.people import PeopleAssets, PosedFigure
from unihpe_ros.synthesis.samples.sequence import robot_camera
from unihpe_ros.synthesis.samples.staging import sample_person, sample_things, seat
from unihpe_ros.synthesis.scenery.props import standing_thing

Float64 = NDArray[np.float64]

# How common nobody, one person, two people ... are.
_COUNTS = (0.07, 0.30, 0.24, 0.17, 0.11, 0.07, 0.04)
_TOGETHER = 0.4
_NEAREST, _FARTHEST = 1.0, 10.0
_APART = 0.45
_TRIES = 8
# How common a photographer's picture is, and how high people are in it, of the picture's height.
_AIMED = 0.5
_FILLED = (0.35, 1.6)
_TYPICAL_HEIGHT = 1.65
# Distances of the other people, as shares of that of the person who is aimed at.
_DEPTH = (0.75, 2.0)
_THINGS_AIMED = 0.4


@dataclass(frozen=True)
class CameraPlacement:
    """
    A camera, and the distances at which people are before it.

    Parameters
    ----------
    view : View
        The camera; it looks along +y.
    nearest, farthest : float
        Distances along the floor, m.
    aimed : bool
        Whether the camera is a photographer's, zoomed to people with few things in the way.

    """

    view: SceneCamera
    nearest: float = _NEAREST
    farthest: float = _FARTHEST
    aimed: bool = False


@dataclass
class SceneContents:
    """The people and things of a picture; the floor is z = 0."""

    figures: list[PosedFigure] = field(default_factory=list)
    shapes: list[int] = field(default_factory=list)
    postures: list[BodyPosture] = field(default_factory=list)
    things: list[tuple[Mesh, int]] = field(default_factory=list)


def sample_camera(rng: np.random.Generator, size: tuple[int, int]) -> CameraPlacement:
    """Return a random camera: a robot's, or a photographer's that is aimed at people."""
    if rng.random() < _AIMED:
        return _photograph(rng, size)
    high = rng.random() < 0.1
    height = rng.uniform(2.0, 3.2) if high else rng.uniform(0.2, 2.0)
    # The lower the camera, the more it looks up.
    pitch = rng.normal(0.35 if high else 0.12 * (height - 1.0), 0.12)
    return CameraPlacement(
        robot_camera(size, float(rng.uniform(0.75, 1.9)), float(height), float(pitch))
    )


def _photograph(rng: np.random.Generator, size: tuple[int, int]) -> CameraPlacement:
    """Return a random camera before which people are as large as in photographs."""
    fov = float(rng.uniform(0.35, 1.2))
    height = float(rng.uniform(0.6, 2.2))
    share = np.exp(rng.uniform(*np.log(_FILLED)))
    focal = 0.5 * size[0] / np.tan(0.5 * fov)
    distance = focal * _TYPICAL_HEIGHT / (share * size[1])
    distance = float(np.clip(distance, 1.2 * _NEAREST, _FARTHEST))
    # A person who fills the picture is shown from the head down.
    middle = 0.85 if share < 1 else 1.25
    pitch = np.arctan2(height - middle, distance) + rng.normal(0, 0.06 * fov)
    view = robot_camera(size, fov, height, float(pitch))
    nearest = max(_DEPTH[0] * distance, _NEAREST)
    return CameraPlacement(view, nearest, _DEPTH[1] * distance, aimed=True)


def sample_contents(
    assets: PeopleAssets, rng: np.random.Generator, stage: CameraPlacement
) -> SceneContents:
    """
    Return random people and things before a camera.

    Parameters
    ----------
    assets : PeopleAssets
        Bodies, clothes and motions.
    rng : np.random.Generator
        Source of chance.
    stage : CameraPlacement
        The camera, and where people are.

    Returns
    -------
    SceneContents
        Nobody to six people.

    """
    contents = SceneContents()
    places: list[Float64] = []
    for _ in range(rng.choice(len(_COUNTS), p=_COUNTS)):
        place = _sample_place(rng, stage, places)
        if place is not None:
            places.append(place)
            _add_person(contents, assets, rng, stage, place)
    closest = 1.2 * stage.nearest
    if stage.aimed and rng.random() > _THINGS_AIMED:
        # Behind the people.
        closest = max([closest, *(float(np.hypot(*place)) + 0.5 for place in places)])
    for _ in range(rng.integers(0 if places else 1, 5)):
        x, y = _before(rng, stage.view, closest, max(stage.farthest, 1.5 * closest))
        contents.things.append((standing_thing(rng, np.array([x, y, 0.0])), OWNER_PROP))
    return contents


def _before(
    rng: np.random.Generator, view: SceneCamera, nearest: float, farthest: float
) -> Float64:
    """``(2,)`` Random place on the floor in the field of view, or a little beside it, m."""
    half = 1.1 * np.arctan(0.5 * view.size[0] / view.K[0, 0])
    bearing = rng.uniform(-half, half)
    distance = np.exp(rng.uniform(np.log(nearest), np.log(farthest)))
    return distance * np.array([np.sin(bearing), np.cos(bearing)])


def _sample_place(
    rng: np.random.Generator, stage: CameraPlacement, taken: list[Float64]
) -> Float64 | None:
    for _ in range(_TRIES):
        place = _before(rng, stage.view, stage.nearest, stage.farthest)
        if taken and rng.random() < _TOGETHER:
            angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(_APART, 1.2)
            beside = taken[rng.integers(len(taken))]
            place = beside + distance * np.array([np.cos(angle), np.sin(angle)])
        free = all(np.hypot(*(place - other)) >= _APART for other in taken)
        if free and place[1] > 0 and np.hypot(*place) >= _NEAREST:
            return place
    return None


def _add_person(
    contents: SceneContents,
    assets: PeopleAssets,
    rng: np.random.Generator,
    stage: CameraPlacement,
    place: Float64,
) -> None:
    number = len(contents.figures)
    person = sample_person(assets, rng)
    figure = person.figure
    low, _ = bounds(figure.body)
    pelvis = figure.keypoints[UNION.index('pelvis')]
    figure.move(np.array([*(place - pelvis[:2]), -low[2]]))
    if person.posture.support is Support.SEAT:
        contents.things.append((seat(rng, figure, 0.0), OWNER_PROP))
    # Things in the way of everybody would hide too much.
    if rng.random() < (_THINGS_AIMED if stage.aimed else 1) / (1 + number):
        for mesh, owner in sample_things(rng, person, stage.view, 0.0):
            owner = owner + number if owner == OWNER_HELD else owner
            contents.things.append((mesh, owner))
    contents.figures.append(figure)
    contents.shapes.append(person.shape)
    contents.postures.append(person.posture)
