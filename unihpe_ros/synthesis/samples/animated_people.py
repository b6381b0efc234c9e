"""People in films: dressed bodies animated by motion clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.clothing.outfit_sampling import sample_outfit
from unihpe_ros.synthesis.motion.bvh_reader import read_bvh
from unihpe_ros.synthesis.motion.motion_bank import build_bank
from unihpe_ros.synthesis.motion.retarget import DrivenMotion, retarget
from unihpe_ros.synthesis.primitives.raster import bounds
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture
from unihpe_ros.synthesis.primitives.solids import upright
from unihpe_ros.synthesis.samples.people import PeopleAssets, PosedFigure

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_READ_RATE = 60.0


@dataclass(frozen=True)
class Actor:
    """
    A person to film: clip (played forwards and backwards), body shape, clothes and place.

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


class FilmedPerson(Protocol):
    """A person that can be posed at any time; `height` is the standing height, m."""

    height: float

    def at(self, stamp: float) -> PosedFigure:
        """Return the person posed at a time, s."""


class AnimatedBody:
    """
    A dressed body that takes the poses of a clip.

    Parameters
    ----------
    bodies : BodyShapes
        The body shapes.
    clip : Path
        A BVH file.
    shape : int
        The body shape.
    outfit_seed : int
        Seed of the clothes.

    """

    def __init__(self, bodies: BodyShapes, clip: Path, shape: int, outfit_seed: int) -> None:
        motion = retarget(read_bvh(clip, _READ_RATE))
        self.motion = motion
        self.assets = PeopleAssets(
            bodies, build_bank([motion], [clip.stem]), bodies.shapes('train')
        )
        self.height = bodies.height(shape)
        rng = np.random.default_rng(outfit_seed)
        outfit = sample_outfit(rng, bool(bodies.gender[shape] > 0.5), float(bodies.age[shape]))
        self.dressed = self.assets.tailor.dress(shape, outfit)
        self.spread = rng.random((2, 5, 3), dtype=np.float32)
        self.curl: tuple[float, float] = tuple(rng.uniform(0.1, 0.7, 2).tolist())
        leg = bodies.rig.leg_length(bodies.heads[shape])
        # Of the hips, m, as the clip turns.
        self.way = motion.root * np.float32(leg)

    def pose(self, frame: float, root: Float32, turn: Float64) -> PosedFigure:
        """
        Return the body in a pose of the clip.

        Parameters
        ----------
        frame : float
            Which; between two frames is a mixture.
        root : Float32
            ``(3,)`` where the hips are, m.
        turn : Float64
            ``(3, 3)`` how the clip is turned.

        """
        first = min(int(frame), len(self.way) - 2)
        driven = _between(self.motion, first, np.float32(frame - first))
        posture = BodyPosture((turn @ driven).astype(np.float32), 0, first, root, self.curl)
        return self.assets.pose(self.dressed, posture, self.spread)

    def floor(self, heights: Float32, frames: NDArray[np.intp], turn: Float64) -> float:
        """Return the floor height in a clip, m: the 15th percentile of the lowest points."""
        roots = np.zeros((len(heights), 3), np.float32)
        roots[:, 2] = heights
        lowest = [self.pose(frame, roots[frame], turn).body[:, 2].min() for frame in frames]
        return float(np.percentile(lowest, 15))


class FilmedActor(AnimatedBody):
    """An actor with its body, clothes and clip loaded; see AnimatedBody."""

    def __init__(self, bodies: BodyShapes, actor: Actor, ground: float) -> None:
        super().__init__(bodies, actor.clip, actor.shape, actor.outfit_seed)
        self.actor = actor
        self.turn = upright(actor.heading)
        self.path = self.way @ self.turn.T.astype(np.float32)
        low, high = bounds(self.path)
        self.path[:, :2] += np.array(actor.place, np.float32) - 0.5 * (low + high)[:2]
        frames = np.linspace(0, len(self.path) - 1, 24).astype(int)
        self.path[:, 2] += ground - self.floor(self.path[:, 2], frames, self.turn)

    def at(self, stamp: float) -> PosedFigure:
        """Return the actor posed at a time, s."""
        last = len(self.path) - 1
        place = (self.actor.start + stamp) / self.motion.frame_time
        frame = last - abs(last - place % (2 * last))
        return self.pose(frame, between(self.path, frame), self.turn)


def between(values: Float32, index: float) -> Float32:
    """Return the linear interpolation of two rows."""
    first = min(int(index), len(values) - 2)
    share = np.float32(index - first)
    return values[first] * (1 - share) + values[first + 1] * share


def _between(motion: DrivenMotion, first: int, share: np.float32) -> Float32:
    """Return the rotations between two neighbouring frames."""
    mixed = motion.rotations[first] * (1 - share) + motion.rotations[first + 1] * share
    # One Newton step towards the nearest rotation; the two are a few degrees apart.
    return 1.5 * mixed - 0.5 * mixed @ mixed.transpose(0, 2, 1) @ mixed
