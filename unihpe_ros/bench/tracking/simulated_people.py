"""Simulated people who walk in front of a camera, as 3D and 2D keypoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.skeleton import mirrored_name, UNION

Float64 = NDArray[np.float64]

CAMERA_HEIGHT = 1.2  # m
# Standing keypoints as shares of the stature: x to the person's left, y up, z ahead
# (Drillis and Contini 1966 for the lengths).
_STANDING = {
    'nose': (0.0, 0.925, 0.06),
    'left_eye': (0.018, 0.94, 0.05),
    'left_ear': (0.042, 0.93, 0.0),
    'left_shoulder': (0.115, 0.83, 0.0),
    'left_elbow': (0.125, 0.632, 0.0),
    'left_wrist': (0.13, 0.486, 0.01),
    'left_hip': (0.068, 0.535, 0.0),
    'left_knee': (0.056, 0.285, 0.0),
    'left_ankle': (0.054, 0.039, -0.01),
    'pelvis': (0.0, 0.53, 0.0),
    'spine': (0.0, 0.66, -0.01),
    'neck': (0.0, 0.845, -0.01),
    'head': (0.0, 0.925, 0.0),
    'head_top': (0.0, 1.0, 0.0),
    'left_hip_joint': (0.055, 0.53, 0.0),
    'left_shoulder_joint': (0.108, 0.818, 0.0),
}
_STRIDE = 1.35  # m for two steps.
_SWING, _BEND, _ARMS = 0.42, 0.7, 0.4  # rad
# Where people walk, m: beyond both sides of the picture, so that they leave it and come back.
_NEAR, _FAR, _ASIDE = 2.2, 6.0, 3.2
_PERSONAL_SPACE, _PUSH = 0.7, 2.5
_AGILITY = 2.0  # Rate at which the velocity follows the wanted one, 1/s.
# Radii of limbs around their bones, m: those of the trunk, and the others.
_THICK, _THIN = 0.13, 0.06
_TRUNK = ('pelvis', 'spine', 'neck', 'head')


@dataclass(frozen=True)
class WalkingScene:
    """
    Ground truth of one moment.

    Parameters
    ----------
    stamp : float
        s.
    keypoints_3d : NDArray[np.float64]
        ``(N, 26, 3)`` camera frame, m.
    keypoints_2d : NDArray[np.float64]
        ``(N, 26, 2)`` px; NaN behind the camera.
    visible : NDArray[np.bool_]
        ``(N, 26)`` whether in the picture and not behind somebody.

    """

    stamp: float
    keypoints_3d: Float64
    keypoints_2d: Float64
    visible: NDArray[np.bool_]


def standing(stature: float) -> Float64:
    """``(26, 3)`` Keypoints of a standing person, m: x to their left, y up, z ahead."""
    rows = []
    for name in UNION.keypoints:
        side = 1.0 if name in _STANDING else -1.0
        x, y, z = _STANDING[name if side > 0 else mirrored_name(name)]
        rows.append((side * x, y, z))
    return stature * np.array(rows)


def walking(stature: float, phase: float) -> Float64:
    """``(26, 3)`` Keypoints of a walking person, as in `standing`; 2 pi are two steps."""
    points = standing(stature)
    for side, sign in (('left', 1.0), ('right', -1.0)):
        swing = sign * np.sin(phase)
        bend = _BEND * max(0.0, float(np.cos(phase) * sign)) ** 2
        _swing(points, f'{side}_hip_joint', (f'{side}_knee', f'{side}_ankle'), _SWING * swing)
        _swing(points, f'{side}_knee', (f'{side}_ankle',), -bend)
        arm = (f'{side}_elbow', f'{side}_wrist')
        _swing(points, f'{side}_shoulder_joint', arm, -_ARMS * swing)
        _swing(points, f'{side}_elbow', (f'{side}_wrist',), 0.25 + 0.2 * max(0.0, -swing))
    points[:, 1] += 0.039 * stature - points[UNION.indices('left_ankle', 'right_ankle'), 1].min()
    return points


def in_camera(points: Float64, place: Float64, heading: float) -> Float64:
    """
    Return keypoints of a person in the camera's frame.

    Parameters
    ----------
    points : NDArray[np.float64]
        ``(26, 3)`` as in `standing`.
    place : NDArray[np.float64]
        ``(2,)`` x to the right and z ahead of the camera, m.
    heading : float
        Direction they face, rad; 0 is to the right, pi / 2 away from the camera.

    """
    c, s = np.cos(heading), np.sin(heading)
    left, up, ahead = points.T
    x = c * ahead - s * left
    z = s * ahead + c * left
    return np.stack([x + place[0], CAMERA_HEIGHT - up, z + place[1]], -1)


@dataclass(frozen=True)
class Ways:
    """
    Paths of people, sampled at F moments.

    Parameters
    ----------
    statures : NDArray[np.float64]
        ``(N,)`` m.
    places : NDArray[np.float64]
        ``(F, N, 2)`` x to the right and z ahead of the camera, m.
    headings : NDArray[np.float64]
        ``(F, N)`` see `in_camera`.
    distances : NDArray[np.float64]
        ``(F, N)`` how far they have gone, m.

    """

    statures: Float64
    places: Float64
    headings: Float64
    distances: Float64


def ways_about(people: int, seconds: float, rate: float, seed: int) -> Ways:
    """
    Return the paths of people who cross each other's way.

    Parameters
    ----------
    people : int
        How many.
    seconds, rate : float
        How long, s, and moments per second.
    seed : int
        Of statures and ways.

    """
    rng = np.random.default_rng(seed)
    stature = rng.normal(1.71, 0.08, people).clip(1.5, 1.95)
    pace = rng.uniform(0.7, 1.4, people)
    place, goal = _somewhere(rng, people), _somewhere(rng, people)
    velocity, gone = np.zeros((people, 2)), _STRIDE * rng.uniform(0, 1, people)
    moments = []
    for _ in range(round(seconds * rate)):
        arrived = np.linalg.norm(goal - place, axis=1) < 0.4
        goal[arrived] = _somewhere(rng, int(arrived.sum()))
        wish = (goal - place) / np.linalg.norm(goal - place, axis=1, keepdims=True)
        apart = place[:, None] - place[None]
        distance = np.linalg.norm(apart, axis=-1) + 10 * np.eye(people)
        push = np.maximum(_PERSONAL_SPACE - distance, 0)[..., None] * apart / distance[..., None]
        wanted = pace[:, None] * wish + _PUSH * push.sum(1)
        velocity += _AGILITY / rate * (wanted - velocity)
        place += velocity / rate
        gone += np.linalg.norm(velocity, axis=1) / rate
        heading = np.arctan2(velocity[:, 1], velocity[:, 0])
        moments.append((place.copy(), heading, gone.copy()))
    places, headings, distances = (np.array(values) for values in zip(*moments, strict=True))
    return Ways(stature, places, headings, distances)


def walk_about(
    people: int, seconds: float, rate: float, seed: int, camera: Camera
) -> Iterator[WalkingScene]:
    """
    Yield the scenes of people on their paths.

    Parameters
    ----------
    people, seconds, rate, seed
        See `ways_about`.
    camera : Camera
        Who looks at them.

    Yields
    ------
    WalkingScene
        The truth about each picture.

    """
    ways = ways_about(people, seconds, rate, seed)
    for number, place in enumerate(ways.places):
        phase = 2 * np.pi * ways.distances[number] / _STRIDE
        bodies = np.stack(
            [
                in_camera(walking(ways.statures[i], phase[i]), place[i], ways.headings[number, i])
                for i in range(people)
            ]
        )
        pixels = np.asarray(camera.project(bodies), np.float64)
        yield WalkingScene(number / rate, bodies, pixels, in_sight(bodies, pixels, camera))


def in_sight(bodies: Float64, pixels: Float64, camera: Camera) -> NDArray[np.bool_]:
    """``(N, 26)`` Whether keypoints are in the picture and not behind another's limbs."""
    x, y = pixels[..., 0], pixels[..., 1]
    visible: NDArray[np.bool_] = (x >= 0) & (x <= camera.width - 1)
    visible &= (y >= 0) & (y <= camera.height - 1)
    for front in range(len(bodies)):
        depth = bodies[front, :, 2].mean()
        behind = (bodies[..., 2] > depth + 0.15) & visible
        behind[front] = False
        if behind.any():
            hidden = _covered(pixels[behind], pixels[front], camera.K[0, 0] / depth)
            visible[behind] &= ~hidden
    return visible


def _covered(points: Float64, body: Float64, scale: float) -> NDArray[np.bool_]:
    """``(M,)`` Whether points ``(M, 2)`` px lie on a body's limbs; `scale` px are 1 m."""
    first, second = np.array(UNION.bones).T
    trunk = set(UNION.indices(*_TRUNK))
    radius = np.array([_THICK if {a, b} <= trunk else _THIN for a, b in UNION.bones])
    start, along = body[first], body[second] - body[first]
    length = np.maximum((along**2).sum(-1), 1e-9)
    offset = points[:, None] - start
    share = np.clip((offset * along).sum(-1) / length, 0, 1)
    distance = np.linalg.norm(offset - share[..., None] * along, axis=-1)
    return np.asarray((distance < radius * scale).any(-1))


def _swing(points: Float64, joint: str, names: tuple[str, ...], angle: float) -> None:
    """Turn keypoints about a joint's left-right axis in place; positive is ahead."""
    centre, index = points[UNION.index(joint)].copy(), UNION.indices(*names)
    _, y, z = (points[index] - centre).T
    c, s = np.cos(angle), np.sin(angle)
    points[index, 1] = centre[1] + c * y + s * z
    points[index, 2] = centre[2] + c * z - s * y


def _somewhere(rng: np.random.Generator, count: int) -> Float64:
    depth = rng.uniform(_NEAR, _FAR, count)
    return np.stack([rng.uniform(-_ASIDE, _ASIDE, count) * depth / _FAR, depth], -1)
