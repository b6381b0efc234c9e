"""Films of people who walk along given trajectories before a robot's camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.motion.bvh_reader import MotionError, read_bvh
from unihpe_ros.synthesis.motion.motion_bank import find_clips
from unihpe_ros.synthesis.motion.retarget import DrivenMotion, retarget
from unihpe_ros.synthesis.primitives.scene_types import Lens, Mesh, SceneCamera
from unihpe_ros.synthesis.primitives.solids import upright
from unihpe_ros.synthesis.samples.animated_people import AnimatedBody, between
from unihpe_ros.synthesis.samples.people import PosedFigure
from unihpe_ros.synthesis.samples.sequence import film, Truth
from unihpe_ros.synthesis.scenery.places import sample_outdoors, sample_room
from unihpe_ros.synthesis.scenery.props import standing_thing

Float32 = NDArray[np.float32]

# Conditions of a walk: distance in leg lengths, straightness, and speed in leg lengths per second.
_FAR, _STRAIGHT, _PACE = 2.3, 0.95, (0.7, 2.0)
_SEARCH_RATE = 30.0
# s: a walk is repeated after no less than this, which is about two steps.
_CYCLE = 0.9
# Extent that a room around the walkers must have, m.
_INSIDE = ((-4.5, -0.5, 0.0), (4.5, 8.0, 2.4))
_THINGS = (('sofa', (1.9, 7.3)), ('plant', (3.4, 7.2)), ('table', (-2.6, 7.4)))


@dataclass(frozen=True)
class Trajectory:
    """
    Positions and headings of a walking person.

    Parameters
    ----------
    places : NDArray[np.float32]
        ``(F, 2)`` world x, y, m.
    headings : NDArray[np.float32]
        ``(F,)`` direction they face, rad; 0 is +x, pi / 2 is +y.
    distances : NDArray[np.float32]
        ``(F,)`` how far they have gone, m.
    rate : float
        Moments per second.

    """

    places: Float32
    headings: Float32
    distances: Float32
    rate: float


def find_walks(folder: Path, split: str = 'test') -> list[Path]:
    """
    Return the clips in which somebody walks straight on.

    Parameters
    ----------
    folder : Path
        The root of the clips.
    split : str
        See `unihpe_ros.synthesis.motion.motion_bank.find_clips`.

    Raises
    ------
    MotionError
        If there is none.

    """
    clips = find_clips(folder, split)
    walks = [clip for clip in clips if _is_walk(retarget(read_bvh(clip, _SEARCH_RATE)))]
    if not walks:
        raise MotionError(f'{folder}: expected a clip of somebody who walks; {len(clips)} do not')
    return walks


def _is_walk(motion: DrivenMotion) -> bool:
    way = motion.root[:, :2]
    far = float(np.linalg.norm(way[-1] - way[0]))
    length = float(np.linalg.norm(np.diff(way, axis=0), axis=1).sum())
    pace = far / (len(way) * motion.frame_time)
    return far > _FAR and far > _STRAIGHT * length and _PACE[0] < pace < _PACE[1]


class Walker(AnimatedBody):
    """
    A person who walks along a trajectory by repeating a clip.

    Parameters
    ----------
    bodies : BodyShapes
        The body shapes.
    clip : Path
        A BVH file of a walk.
    shape, outfit_seed : int
        See AnimatedBody.
    way : Trajectory
        Where they walk.
    ground : float
        Height of the floor, m.

    """

    def __init__(
        self,
        bodies: BodyShapes,
        clip: Path,
        shape: int,
        outfit_seed: int,
        way: Trajectory,
        ground: float,
    ) -> None:
        super().__init__(bodies, clip, shape, outfit_seed)
        self._on = way
        first, last = _cycle(self.motion)
        along = self.way[last, :2] - self.way[first, :2]
        self._facing = float(np.arctan2(along[1], along[0]))
        # How far the clip's walker has got with each frame, m; they never go back.
        gone = (self.way[first : last + 1, :2] - self.way[first, :2]) @ along
        self._gone = np.maximum.accumulate(gone) / np.linalg.norm(along)
        self._first = first
        frames = np.arange(first, last + 1)
        lowest = self.floor(self.way[:, 2], frames[:: max(len(frames) // 24, 1)], np.eye(3))
        self._lift = ground - lowest

    def at(self, stamp: float) -> PosedFigure:
        """Return the walker posed at a time, s."""
        moment = min(stamp * self._on.rate, len(self._on.places) - 1.0)
        gone = between(self._on.distances, moment) % self._gone[-1]
        frame = self._first + float(np.interp(gone, self._gone, np.arange(len(self._gone))))
        height = between(self.way, frame)[2] + self._lift
        root = np.array([*between(self._on.places, moment), height], np.float32)
        heading = self._on.headings[round(moment)]
        return self.pose(frame, root, upright(float(heading) - self._facing))


def _cycle(motion: DrivenMotion) -> tuple[int, int]:
    """Return the two most alike frames that are at least a walking cycle apart."""
    count = len(motion.rotations)
    flat = motion.rotations.reshape(count, -1)
    apart = max(round(_CYCLE / motion.frame_time), 2)
    # Neither the start nor the end, where people set off and stop.
    margin = count // 10
    best = (np.inf, margin, count - 1 - margin)
    for first in range(margin, count - margin - apart):
        ends = np.arange(first + apart, count - margin)
        unlike = np.square(flat[ends] - flat[first]).sum(1)
        best = min(best, (float(unlike.min()), first, int(ends[unlike.argmin()])))
    return best[1], best[2]


def film_crowd(
    bodies: BodyShapes,
    walks: Sequence[Path],
    ways: Sequence[Trajectory],
    seconds: float,
    rate: float,
    seed: int,
    camera: Callable[[float], SceneCamera],
) -> Iterator[tuple[NDArray[np.uint8], Truth]]:
    """
    Yield a film of walking adults of the held-out bodies; even seeds indoors, odd outdoors.

    Parameters
    ----------
    bodies : BodyShapes
        The body shapes.
    walks : Sequence[Path]
        Clips of walks.
    ways : Sequence[Trajectory]
        One of each person.
    seconds, rate : float
        Length, s, and pictures per second.
    seed : int
        Seed of surroundings, clothes, bodies and walks.
    camera : Callable[[float], View]
        The camera at a time, s.

    Returns
    -------
    Iterator[tuple[NDArray[np.uint8], Truth]]
        Pictures with the truth about them; see `unihpe_ros.synthesis.samples.sequence.film`.

    """
    rng = np.random.default_rng([seed, 2])
    adults = [shape for shape in bodies.shapes('test') if bodies.age[shape] > 18]
    shapes = rng.choice(adults, len(ways), replace=len(adults) < len(ways))
    clips = rng.choice(len(walks), len(ways), replace=len(walks) < len(ways))
    filmed = [
        Walker(bodies, walks[clip], int(shape), int(rng.integers(2**31)), way, 0.0)
        for shape, clip, way in zip(shapes, clips, ways, strict=True)
    ]
    things: list[Mesh] = []
    if seed % 2:
        place = sample_outdoors(rng, 0.0)
    else:
        place = sample_room(rng, 0.0, np.array(_INSIDE))
        things = [standing_thing(rng, np.array([x, y, 0.0]), kind) for kind, (x, y) in _THINGS]
    lens = Lens(noise=0.008, blur=0.4, noise_seed=seed)
    return film(filmed, place, camera, seconds, rate, lens, things)
