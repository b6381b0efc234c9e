"""Random clutter behind people: cut-outs, marks on the ground, glare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.materials import linear
from unihpe_ros.synthesis.primitives.scene_types import Light, SceneCamera
from unihpe_ros.synthesis.render.shade import sky_light
from unihpe_ros.synthesis.scenery.sprite_bank import lay, soft_shadow, sprite
from unihpe_ros.synthesis.scenery.sprites import SPRITE_KINDS

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Width from which on a cut-out has a shadow, px.
_SEEN = 40.0
_NOTHING = np.zeros(3, np.float32)


@dataclass(frozen=True)
class CutOut:
    """
    A flat thing that stands in the world and faces the camera.

    Parameters
    ----------
    kind : str
        One of sprites.SPRITE_KINDS.
    number : int
        Which of them.
    foot : Float64
        ``(3,)`` Middle of its lower edge, m.
    height, width : float
        Size, m; negative width for its mirror image.
    gain : Float32
        ``(3,)`` Factor on its colours.
    stands : bool
        Whether it is on the ground; else it hangs.

    """

    kind: str
    number: int
    foot: Float64
    height: float
    width: float
    gain: Float32
    stands: bool = True


@dataclass(frozen=True)
class Decal:
    """A flat polygon on the ground: ``(N, 3)`` corners, m, and its ``(3,)`` linear colour."""

    corners: Float64
    colour: Float32


def sample_cut_outs(
    rng: np.random.Generator,
    view: SceneCamera,
    beyond: float,
    ground: float,
    room: tuple[Float32, Float32] | None,
    crowd: bool = True,
) -> list[CutOut]:
    """
    Return random cut-outs behind the person.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    view : View
        The camera.
    beyond : float
        How far from the camera it begins, m.
    ground : float
        Height of the floor, m.
    room : tuple[Float32, Float32] | None
        Corners of the room, None outdoors.
    crowd : bool
        Whether passers-by may be among it.

    Returns
    -------
    list[CutOut]
        The farthest first.

    """
    count = int(rng.integers(0, 30) if rng.random() < 0.85 else 0)
    # A place often holds many of a kind: a crowd, a hedge, a row of shelves.
    shares = np.array([kind[4 if room is None else 5] for kind in SPRITE_KINDS.values()])
    if not crowd:
        shares[list(SPRITE_KINDS).index('person')] = 0
    shares = shares * rng.gamma(0.7, 1, len(shares)) + 1e-9
    kinds = rng.choice(list(SPRITE_KINDS), count, p=shares / shares.sum())
    depths = np.sort(beyond + rng.gamma(1.2, 2.5 if room else 5.0, count))[::-1]
    middle = view.rotation[2] / max(float(np.hypot(*view.rotation[2, :2])), 0.3)
    spread = 0.75 * view.size[0] / float(view.K[0, 0])
    across = rng.uniform(-1, 1, count) * spread
    return [
        _cut_out(rng, str(kind), view.eye + depth * (middle + x * view.rotation[0]), ground, room)
        for kind, depth, x in zip(kinds, depths, across, strict=True)
    ]


def _cut_out(
    rng: np.random.Generator,
    kind: str,
    place: Float64,
    ground: float,
    room: tuple[Float32, Float32] | None,
) -> CutOut:
    _, (least, most), wide, count, _, _ = SPRITE_KINDS[kind]
    height = rng.uniform(least, most)
    if room is not None:
        place = np.clip(place, room[0] + 0.05, room[1] - 0.05)
        height = min(height, float(room[1][2]) - ground)
    hangs = kind == 'sign' or (kind == 'grid' and rng.random() < 0.3)
    foot = np.array([*place[:2], ground + (rng.uniform(0.5, 1.8) if hangs else 0.0)])
    gain = rng.uniform(0.6, 1.3) * (1 + rng.normal(0, 0.12, 3))
    width = height * wide * rng.uniform(0.7, 1.4) * rng.choice([-1, 1])
    return CutOut(
        kind,
        int(rng.integers(count)),
        foot,
        height,
        float(width),
        gain.astype(np.float32),
        not hangs,
    )


def sample_decals(rng: np.random.Generator, ground: float, base: Float32) -> list[Decal]:
    """Return random rugs, painted lines, puddles, shadows and litter on the ground."""
    decals = []
    for _ in range(int(rng.integers(0, 9)) if rng.random() < 0.7 else 0):
        kind = rng.choice(4, p=[0.2, 0.3, 0.25, 0.25])
        turn, middle = rng.uniform(0, np.pi), rng.normal(0, 1.6, 2)
        half = (
            rng.uniform(0.3, 1.6, 2),
            np.array([rng.uniform(1, 6), rng.uniform(0.02, 0.09)]),
            rng.uniform(0.1, 0.9, 2),
            rng.uniform(0.03, 0.15, 2),
        )[kind]
        corners = 4 if kind < 2 else 9
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + np.pi / 4
        reach = half * (rng.uniform(0.5, 1.2, (corners, 1)) if kind > 1 else np.sqrt(2))
        local = np.stack([np.cos(angle), np.sin(angle)], 1) * reach
        c, s = np.cos(turn), np.sin(turn)
        flat = local @ np.array([[c, s], [-s, c]]) + middle
        colour = base * rng.uniform(0.3, 0.75) if kind == 2 else _rug_colour(rng)
        if kind == 1:
            colour = np.full(3, rng.uniform(0.5, 0.95))
        placed = np.column_stack([flat, np.full(corners, ground)])
        decals.append(Decal(placed, colour.astype(np.float32)))
    return decals


def _rug_colour(rng: np.random.Generator) -> Float32:
    return linear(rng.random(), 0.7 * rng.random() ** 2, rng.uniform(0.1, 0.9))


def draw_decals(image: Float32, decals: Sequence[Decal], view: SceneCamera, light: Light) -> None:
    """Paint decals into a picture, in place, except those near the camera."""
    level = _light_on(light, np.array([0, 0, 1.0]))
    for decal in decals:
        seen = view.to_camera(decal.corners)
        if seen[:, 2].min() < 0.3:
            continue
        points = np.rint(view.project(seen).clip(-4000, 4000) * 8).astype(np.int32)
        colour = (decal.colour * level).tolist()
        cv2.fillPoly(image, [points], colour, cv2.LINE_AA, 3)


def draw_cut_outs(
    image: Float32,
    cut_outs: Sequence[CutOut],
    view: SceneCamera,
    light: Light,
    haze: float,
    on_ground: bool = True,
) -> None:
    """
    Draw cut-outs into a linear picture, in place.

    Parameters
    ----------
    image : Float32
        ``(H, W, 3)`` Linear RGB.
    cut_outs : Sequence[CutOut]
        The farthest first.
    view : View
        The camera.
    light : Light
        What lights them.
    haze : float
        How fast they fade into the mean of the picture's upper edge, 1/m.
    on_ground : bool
        Whether there is a ground, to be darker beneath them.

    """
    mist = image[0].mean(0)
    # What is less wide in the picture has no shadow that is seen.
    least = _SEEN / view.K[0, 0]
    level = view.rotation @ (view.rotation[2] * (1, 1, 0))
    level /= max(float(np.linalg.norm(level)), 0.3)
    lit = _light_on(light, -view.rotation[2])
    for thing in cut_outs:
        top = thing.foot + (0, 0, thing.height)
        side = view.rotation[0] * (0.5 * thing.width)
        corners = view.to_camera(np.stack([top - side, top + side, thing.foot - side]))
        if corners[:, 2].min() < 0.3:
            continue
        fade = np.float32(1 - np.exp(-haze * corners[0, 2]))
        gain = (lit * thing.gain * (1 - fade)).astype(np.float32)
        if on_ground and thing.stands and abs(thing.width) > least * corners[2, 2]:
            _shade_beneath(image, thing, corners[2], level, view, mist * fade)
        seen = view.project(corners)
        tall = float(np.linalg.norm(seen[2] - seen[0]))
        lay(image, sprite(thing.kind, thing.number, tall), seen, gain, mist * fade)


def _shade_beneath(
    image: Float32, thing: CutOut, foot: Float64, level: Float64, view: SceneCamera, add: Float32
) -> None:
    """
    Darken the ground under a cut-out, in place.

    `foot` is the left end of its lower edge and `level` the way ahead, both as the camera sees it.

    """
    wide = abs(thing.width)
    left = foot - (0.1 * wide if thing.width > 0 else 1.1 * wide, 0, 0)
    reach = min(0.05 + 0.2 * wide, 0.4)
    far, near = left + 0.6 * reach * level, left - reach * level
    if near[2] < 0.3:
        return
    seen = view.project(np.stack([far, far + (1.2 * wide, 0, 0), near]))
    if seen[0, 1] < image.shape[0]:
        lay(image, soft_shadow(), seen, _NOTHING, add)


def _light_on(light: Light, normal: Float64) -> Float32:
    """``(3,)`` Light on a surface that faces along `normal`."""
    x, y, z = (np.float32(value) for value in normal)
    around = np.array([sky_light(light.around, x, y, z, k) for k in range(3)], np.float32)
    return around + light.sun_colour * np.float32(0.8 * max(float(light.sun @ normal), 0.15))
