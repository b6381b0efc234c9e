"""Random surroundings: outdoors, a room or a flat picture, with things behind the people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.scene_types import Light, SceneCamera
from unihpe_ros.synthesis.render.surfaces import SURFACE
from unihpe_ros.synthesis.scenery.background_photos import leaves_picture, noise_picture
from unihpe_ros.synthesis.scenery.clutter import Decal, sample_cut_outs, sample_decals
from unihpe_ros.synthesis.scenery.environment import Environment
from unihpe_ros.synthesis.scenery.places import (
    ambient,
    direction,
    sample_outdoors,
    sample_room,
)

Float32 = NDArray[np.float32]


def sample_environment(
    rng: np.random.Generator,
    ground: float,
    inside: NDArray[np.floating],
    photos: Sequence[Float32] = (),
) -> Environment:
    """
    Return random surroundings.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    ground : float
        Height of the floor, m.
    inside : NDArray
        ``(N, 3)`` Points that a room has to hold: the camera, the people.
    photos : Sequence[Float32]
        Linear pictures to use now and then.

    Returns
    -------
    Environment
        Light and surroundings.

    """
    if photos and rng.random() < 0.35:
        return _backdrop(rng, ground, photos[int(rng.integers(len(photos)))])
    kind = rng.choice(3, p=[0.42, 0.44, 0.14])
    if kind == 0:
        return sample_outdoors(rng, ground)
    if kind == 1:
        return sample_room(rng, ground, inside)
    return _backdrop(
        rng, ground, leaves_picture(rng) if rng.random() < 0.7 else noise_picture(rng)
    )


def add_scenery(
    rng: np.random.Generator,
    environment: Environment,
    view: SceneCamera,
    middle: NDArray[np.floating],
    crowd: bool = True,
) -> Environment:
    """
    Return surroundings with cut-outs behind the people and marks on the ground, for one camera.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    environment : Environment
        Empty surroundings.
    view : View
        The camera.
    middle : NDArray
        ``(3,)`` The person, m.
    crowd : bool
        Whether passers-by, who have no labels, may be among the things.

    Returns
    -------
    Environment
        The same with things in it.

    """
    beyond = float(view.to_camera(np.asarray(middle))[2]) + rng.uniform(0.4, 1.5)
    walls = None
    if environment.low is not None and environment.high is not None:
        walls = environment.low, environment.high
    cut_outs = sample_cut_outs(rng, view, beyond, environment.ground, walls, crowd)
    decals: list[Decal] = []
    if environment.picture is None:
        floor = environment.surfaces[4 if environment.kind == 'room' else 0]
        decals = sample_decals(rng, environment.ground, floor['base'])
    haze = 0.03 * rng.random() ** 3 if environment.kind == 'outdoors' else 0.0
    return replace(
        environment,
        cut_outs=tuple(cut_outs),
        decals=tuple(decals),
        haze=haze,
        likeness=rng.uniform(0.4, 1.0) if rng.random() < 0.15 else 0.0,
    )


def _backdrop(rng: np.random.Generator, ground: float, picture: Float32) -> Environment:
    """Return a flat picture that stands behind the people."""
    height, width = picture.shape[:2]
    share = rng.uniform(0.35, 1.0)
    h, w = max(int(height * share), 8), max(int(min(width, height * 0.75) * share), 8)
    y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
    cut = picture[y : y + h, x : x + w]
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    gain = rng.uniform(0.5, 1.5) * (1 + rng.normal(0, 0.1, 3))
    tint = 1 + rng.normal(0, 0.12, 3)
    up = (rng.uniform(0.3, 0.9) * tint).astype(np.float32)
    sun = direction(rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 1.45))
    lamp = (rng.uniform(0, 1.6) * (1 + rng.normal(0, 0.12, 3))).clip(0).astype(np.float32)
    light = Light(ambient(rng, up, up * np.float32(rng.uniform(0.3, 1)), 0.4), sun, lamp)
    surfaces = np.zeros(1, SURFACE)
    stood = np.ascontiguousarray(cut * gain.astype(np.float32))
    return Environment('photo', light, ground, surfaces, picture=stood)
