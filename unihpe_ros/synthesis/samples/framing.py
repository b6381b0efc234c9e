"""Random cameras aimed at a person as the crop of a detector's box is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.preprocess import PADDING
from unihpe_ros.synthesis.primitives.raster import bounds
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture, SceneCamera, Support
from unihpe_ros.synthesis.samples.people import PosedFigure

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# The stored picture is larger than the network's crop by this share on every side, so that
# training can turn, scale and shift it without meeting a border.
MARGIN = 0.25

# COCO keypoints that a truncated box shows, and how common that is.
_PARTS = (
    (tuple(range(13)), 0.34),
    (tuple(range(7)), 0.13),
    ((*range(7), 11, 12), 0.32),
    ((*range(11), 11, 12, 13, 14), 0.13),
    ((5, 6, *range(11, 17)), 0.08),
)
_UPPER_BODIES = 3
_TRUNCATED, _TRUNCATED_AT_TABLE = 0.46, 0.75
_UPRIGHT = 0.9
# Distances of cameras, m; half of the half bodies are seen from near.
_DISTANCES, _NEAR_DISTANCES, _NEAR = (1.2, 10.0), (0.75, 3.0), 0.5
# Probability that a person who sits without a table is seen from behind.
_FROM_BEHIND = 0.3


def stored_size(size: tuple[int, int]) -> tuple[int, int]:
    """Size of the stored picture for a network's crop of `size` (w, h), px."""
    return round(size[0] * (1 + 2 * MARGIN)), round(size[1] * (1 + 2 * MARGIN))


def look_at(eye: NDArray[np.floating], target: NDArray[np.floating], roll: float = 0.0) -> Float64:
    """``(3, 3)`` camera_from_world of a camera at `eye` that looks at `target`."""
    forward = np.asarray(target, np.float64) - eye
    forward /= np.linalg.norm(forward)
    x, y, z = forward
    right = np.array([y, -x, 0.0]) / np.hypot(x, y)
    down = np.array([-z * right[1], z * right[0], x * right[1] - y * right[0]])
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, c * down - s * right, forward])


def sample_eye(
    rng: np.random.Generator,
    centre: NDArray[np.floating],
    ground: float,
    azimuth: float,
    distances: tuple[float, float] = _DISTANCES,
) -> Float64:
    """
    Return a random camera position: a robot's, a photographer's or under a ceiling.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    centre : NDArray
        ``(3,)`` Middle of the person, m.
    ground : float
        Height of the floor, m.
    azimuth : float
        Which side it is on, rad; 0 is towards -y.
    distances : tuple[float, float]
        How near and how far it may be, m.

    Returns
    -------
    Float64
        ``(3,)`` World, m.

    """
    distance = np.exp(rng.uniform(*np.log(distances)))
    kind = rng.choice(3, p=[0.45, 0.4, 0.15])
    if kind == 0:
        height = ground + rng.uniform(0.2, 2.0)
    elif kind == 1:
        height = ground + rng.normal(1.5, 0.15)
    else:
        height = centre[2] + distance * np.tan(rng.uniform(-0.2, 1.0))
    flat = np.sqrt(max(distance**2 - (height - centre[2]) ** 2, (0.35 * distance) ** 2))
    place = centre[:2] + flat * np.array([np.sin(azimuth), -np.cos(azimuth)])
    return np.array([*place, max(height, ground + 0.15)])


def frame(
    rng: np.random.Generator,
    figure: PosedFigure,
    posture: BodyPosture,
    ground: float,
    size: tuple[int, int],
) -> tuple[SceneCamera, Float32]:
    """
    Return a random camera aimed at a person or at a part of one, and the box it aims at.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    figure : PosedFigure
        The person.
    posture : BodyPosture
        The posture: people who sit at a table are seen from the front.
    ground : float
        Height of the floor, m.
    size : tuple[int, int]
        (w, h) of the network's crop, px.

    Returns
    -------
    view : View
        The crop's virtual camera, with the margin around it.
    aim : Float32
        ``(4,)`` The box it was aimed at, px of the stored picture.

    """
    low, high = bounds(figure.body)
    truncated = rng.random() < (_TRUNCATED_AT_TABLE if posture.at_table else _TRUNCATED)
    near = truncated and not posture.at_table and rng.random() < _NEAR
    middle = 0.5 * (low + high).astype(np.float64)
    azimuth = _sample_azimuth(rng, figure, posture)
    eye = sample_eye(rng, middle, ground, azimuth, _NEAR_DISTANCES if near else _DISTANCES)
    points = figure.body[::3]
    if truncated:
        parts = _PARTS[:_UPPER_BODIES] if posture.at_table else _PARTS
        shares = np.array([share for _, share in parts])
        chosen = parts[rng.choice(len(parts), p=shares / shares.sum())][0]
        points = figure.keypoints[list(chosen)]
        around = np.float32(0.06 * max(float(high[2] - low[2]), 0.6))
        points = np.concatenate([points - around, points + around])
    roll = rng.normal(0, 0.06) if rng.random() < _UPRIGHT else rng.uniform(-0.6, 0.6)
    low, high = bounds(points)
    target = 0.5 * (low + high).astype(np.float64)
    for _ in range(3):
        rotation = look_at(eye, target, roll)
        seen = (points - eye.astype(np.float32)) @ rotation.T.astype(np.float32)
        low, high = bounds(seen[:, :2] / np.maximum(seen[:, 2:], np.float32(0.1)))
        aim = np.array([*(0.5 * (low + high)), 1.0])
        target = eye + rotation.T @ aim * np.linalg.norm(target - eye)
    extent = (high - low) * PADDING
    focal = float(min(size[0] / extent[0], size[1] / extent[1]))
    width, height = stored_size(size)
    K = np.array([[focal, 0, 0.5 * (width - 1)], [0, focal, 0.5 * (height - 1)], [0, 0, 1]])
    view = SceneCamera(K, (width, height), look_at(eye, target, roll), eye)
    return view, view.box_of(points)


def _sample_azimuth(rng: np.random.Generator, figure: PosedFigure, posture: BodyPosture) -> float:
    if posture.at_table:
        return figure.heading + rng.normal(0, 0.6)
    if posture.support is Support.SEAT and rng.random() < _FROM_BEHIND:
        return figure.heading + np.pi + rng.normal(0, 0.45)
    return rng.uniform(0, 2 * np.pi)
