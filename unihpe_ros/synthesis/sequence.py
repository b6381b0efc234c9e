"""Moving pictures with the truth about them: several people, clips, one camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.body import Bodies
from unihpe_ros.synthesis.bvh import read_bvh
from unihpe_ros.synthesis.drawing import draw
from unihpe_ros.synthesis.effects import expose, metered
from unihpe_ros.synthesis.environment import Environment
from unihpe_ros.synthesis.labels import sight
from unihpe_ros.synthesis.motions import bank_of
from unihpe_ros.synthesis.people import Cast, Figure
from unihpe_ros.synthesis.raster import bounds
from unihpe_ros.synthesis.retarget import DrivenMotion, retarget
from unihpe_ros.synthesis.scene import Lens, Mesh, OWNER_PROP, Posture, View
from unihpe_ros.synthesis.solids import upright
from unihpe_ros.synthesis.wardrobe import sample_outfit

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_READ_RATE = 60.0
_SHADOW_SIZE = 768
_REACH = 4.0


@dataclass(frozen=True)
class Actor:
    """
    Somebody who moves as a clip does, to its end and back again for as long as it takes.

    Parameters
    ----------
    clip : Path
        A BVH file.
    shape : int
        The body shape.
    outfit_seed : int
        Seed of the clothes.
    place : tuple[float, float]
        World x, y of the middle of the clip's path, m.
    heading : float
        Turn of the whole clip about the vertical, rad; at 0 a clip's front faces -y.
    start : float
        Where in the clip to begin, s.

    """

    clip: Path
    shape: int
    outfit_seed: int
    place: tuple[float, float]
    heading: float = 0.0
    start: float = 0.0


@dataclass(frozen=True)
class Truth:
    """
    What is known about one frame; N people in the order of the actors.

    Parameters
    ----------
    stamp : float
        Time since the beginning, s.
    view : View
        The camera.
    track_ids : NDArray[np.uint32]
        ``(N,)`` Number of each actor, from 1.
    keypoints_3d : Float32
        ``(N, 26, 3)`` Camera optical frame, m.
    keypoints_2d : Float32
        ``(N, 26, 2)`` px; NaN behind the camera.
    visibility : NDArray[np.uint8]
        ``(N, 26)`` 0 outside the picture, 1 hidden, 2 visible.
    boxes : Float32
        ``(N, 4)`` x0 y0 x1 y1 of the whole body, px; may reach outside.

    """

    stamp: float
    view: View
    track_ids: NDArray[np.uint32]
    keypoints_3d: Float32
    keypoints_2d: Float32
    visibility: NDArray[np.uint8]
    boxes: Float32


def robot_camera(
    size: tuple[int, int] = (640, 480),
    fov: float = 1.1,
    height: float = 1.2,
    pitch: float = 0.0,
    yaw: float = 0.0,
) -> View:
    """
    Make a camera at x = y = 0 that looks along +y.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h), px.
    fov : float
        Horizontal angle of view, rad.
    height : float
        Above the floor, m.
    pitch : float
        Downwards, rad.
    yaw : float
        To the left, rad.

    Returns
    -------
    View
        The camera.

    """
    focal = 0.5 * size[0] / np.tan(0.5 * fov)
    K = np.array([[focal, 0, 0.5 * (size[0] - 1)], [0, focal, 0.5 * (size[1] - 1)], [0, 0, 1]])
    c, s = np.cos(pitch), np.sin(pitch)
    rotation = np.array([[1, 0, 0], [0, -s, -c], [0, c, -s]])
    return View(K, size, rotation @ upright(-yaw), np.array([0, 0, height]))


def render_sequence(
    bodies: Bodies,
    actors: Sequence[Actor],
    environment: Environment,
    camera: Callable[[float], View],
    seconds: float,
    rate: float = 30.0,
    lens: Lens | None = None,
    things: Sequence[Mesh] = (),
) -> Iterator[tuple[NDArray[np.uint8], Truth]]:
    """
    Film a scene.

    Parameters
    ----------
    bodies : Bodies
        The body shapes.
    actors : Sequence[Actor]
        Who moves, and how.
    environment : Environment
        Light and surroundings; its ground is what people stand on.
    camera : Callable[[float], View]
        The camera at a time, s.
    seconds, rate : float
        Length and pictures per second.
    lens : Lens | None
        The camera's effects; its exposure is set on the first picture and kept.
    things : Sequence[Mesh]
        What stands around.

    Yields
    ------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    truth : Truth
        Where everybody is.

    """
    players = [_Player(bodies, actor, environment.ground) for actor in actors]
    owners = [*range(len(players)), *[OWNER_PROP] * len(things)]
    lens = lens or Lens()
    for number in range(round(seconds * rate)):
        stamp = number / rate
        view = camera(stamp)
        figures = [player.at(stamp) for player in players]
        drawing = draw(
            [*(figure.mesh for figure in figures), *things],
            owners,
            environment,
            view,
            focus=np.mean([figure.keypoints[UNION.index('pelvis')] for figure in figures], 0),
            reach=_REACH,
            background_blur=lens.background_blur,
            shadow_size=_SHADOW_SIZE,
        )
        people = (drawing.owner >= 0) & (drawing.owner < len(players))
        lens = metered(lens, drawing.image, people[::2, ::2])
        image = expose(drawing.image, replace(lens, noise_seed=lens.noise_seed + number))
        placed = np.stack([view.to_camera(figure.keypoints) for figure in figures])
        seen = view.project(placed)
        yield (
            image,
            Truth(
                stamp=stamp,
                view=view,
                track_ids=np.arange(1, len(players) + 1, dtype=np.uint32),
                keypoints_3d=placed.astype(np.float32),
                keypoints_2d=seen.astype(np.float32),
                visibility=np.stack(
                    [
                        sight(seen[i], placed[i, :, 2], drawing, i, player.height)[0]
                        for i, player in enumerate(players)
                    ]
                ),
                boxes=np.stack([view.box_of(figure.body) for figure in figures]),
            ),
        )


class _Player:
    """An actor with body, clothes and clip at hand."""

    def __init__(self, bodies: Bodies, actor: Actor, ground: float) -> None:
        motion = retarget(read_bvh(actor.clip, _READ_RATE))
        self.motion, self.actor = motion, actor
        self.cast = Cast(bodies, bank_of([motion], [actor.clip.stem]), bodies.shapes('train'))
        self.height = bodies.height(actor.shape)
        rng = np.random.default_rng(actor.outfit_seed)
        gender, age = bodies.gender[actor.shape], bodies.age[actor.shape]
        outfit = sample_outfit(rng, bool(gender > 0.5), float(age))
        self.dressed = self.cast.tailor.dress(actor.shape, outfit)
        self.spread = rng.random((2, 5, 3), dtype=np.float32)
        self.curl = tuple(rng.uniform(0.1, 0.7, 2).tolist())
        self.turn = upright(actor.heading)
        leg = bodies.rig.leg_length(bodies.heads[actor.shape])
        path = motion.root * np.float32(leg) @ self.turn.T.astype(np.float32)
        low, high = bounds(path)
        path[:, :2] += np.array(actor.place, np.float32) - 0.5 * (low + high)[:2]
        self.path = path
        self.path[:, 2] += ground - self._floor()

    def _floor(self) -> float:
        """Height on which the clip's feet stand: low, but not lower than all but a few frames."""
        chosen = np.linspace(0, len(self.path) - 1, 24).astype(int)
        lowest = [self._figure(float(frame)).body[:, 2].min() for frame in chosen]
        return float(np.percentile(lowest, 15))

    def at(self, stamp: float) -> Figure:
        """Pose the actor at a time, s."""
        last = len(self.path) - 1
        place = (self.actor.start + stamp) / self.motion.frame_time
        return self._figure(last - abs(last - place % (2 * last)))

    def _figure(self, frame: float) -> Figure:
        first = min(int(frame), len(self.path) - 2)
        share = np.float32(frame - first)
        driven = _between(self.motion, first, share)
        root = self.path[first] * (1 - share) + self.path[first + 1] * share
        posture = Posture(
            (self.turn @ driven).astype(np.float32), 0, first, root, (self.curl[0], self.curl[1])
        )
        return self.cast.posed(self.dressed, posture, self.spread)


def _between(motion: DrivenMotion, first: int, share: np.float32) -> Float32:
    """Rotations between two frames close to each other."""
    mixed = motion.rotations[first] * (1 - share) + motion.rotations[first + 1] * share
    # One Newton step towards the nearest rotation; the two are a few degrees apart.
    return 1.5 * mixed - 0.5 * mixed @ mixed.transpose(0, 2, 1) @ mixed
