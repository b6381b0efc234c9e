"""The film of the demo: three people, moved by test clips, cross before a robot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.primitives.scene_types import Lens, Mesh, SceneCamera
from unihpe_ros.synthesis.samples.animated_people import Actor, FilmedActor
from unihpe_ros.synthesis.samples.sequence import film, robot_camera, Truth
from unihpe_ros.synthesis.scenery.places import sample_room
from unihpe_ros.synthesis.scenery.props import standing_thing

_THINGS = (('sofa', (1.6, 6.7)), ('plant', (3.0, 6.6)), ('table', (-2.9, 5.2)))
# The clips begin with an artificial rest pose, which is left out.
_START = 1.4
# Clip, place of the middle of its path, heading.
_PARTS = (
    ('09/09_12', (0.0, 4.8), np.pi / 2),
    ('06/06_10', (-1.15, 6.3), np.pi),
    ('06/06_14', (-1.45, 3.3), 3.4),
)


def film_demo(
    bodies: BodyShapes,
    motions: Path,
    seconds: float,
    rate: float = 30.0,
    seed: int = 2,
    size: tuple[int, int] = (640, 480),
) -> Iterator[tuple[NDArray[np.uint8], Truth]]:
    """
    Yield a film of three people in a room: one throws a ball, two walk past.

    Parameters
    ----------
    bodies : BodyShapes
        The body shapes; held-out ones are used.
    motions : Path
        Folder of the clips, by subject.
    seconds, rate : float
        Length, s, and pictures per second.
    seed : int
        Seed of room, clothes and bodies.
    size : tuple[int, int]
        (w, h) of the pictures, px.

    Returns
    -------
    Iterator[tuple[NDArray[np.uint8], Truth]]
        Pictures with their ground truth; see `film`.

    """
    rng = np.random.default_rng(seed)
    adults = [shape for shape in bodies.shapes('test') if bodies.age[shape] > 18]
    shapes = rng.choice(adults, len(_PARTS), replace=len(adults) < len(_PARTS))
    actors = [
        Actor(
            motions / f'{clip}.bvh', int(shape), int(rng.integers(2**31)), place, heading, _START
        )
        for shape, (clip, place, heading) in zip(shapes, _PARTS, strict=True)
    ]
    inside = np.array([[-3.5, -0.5, 0], [3.5, 7.0, 2.4]])
    things: list[Mesh] = [
        standing_thing(rng, np.array([x, y, 0.0]), kind) for kind, (x, y) in _THINGS
    ]
    room = sample_room(rng, 0.0, inside)
    lens = Lens(noise=0.008, blur=0.4, noise_seed=seed)
    filmed = [FilmedActor(bodies, actor, room.ground) for actor in actors]
    return film(filmed, room, lambda stamp: _camera(stamp, size), seconds, rate, lens, things)


def true_people(truth: Truth) -> Poses:
    """Return the true poses of a frame; keypoints that can be seen are flagged OBSERVED."""
    in_sight = truth.visibility == 2
    flags = np.where(in_sight, KeypointFlag.OBSERVED, 0) | KeypointFlag.METRIC_ROOT
    return Poses(
        skeleton=UNION,
        boxes=truth.boxes,
        keypoints_2d=truth.keypoints_2d,
        keypoints_3d=truth.keypoints_3d,
        scores=(0.5 * truth.visibility).astype(np.float32),
        flags=flags.astype(np.uint16),
        track_ids=truth.track_ids,
        agreement=np.full(len(truth.track_ids), np.nan, np.float32),
        root_mode=RootMode.PROJECTIVE,
    )


def _camera(stamp: float, size: tuple[int, int]) -> SceneCamera:
    """Return the camera at a time, s: it turns slowly from side to side."""
    pitch = 0.06 + 0.01 * np.sin(0.7 * stamp)
    return robot_camera(size, pitch=float(pitch), yaw=float(0.04 * np.sin(0.4 * stamp)))
