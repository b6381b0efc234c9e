"""
Clips of people who make gestures, and what the network makes of them from several sides.

Bodies that no model was trained on stand as in held-out motion clips. Their hands are brought to
where a gesture has them by the generator's own inverse kinematics, each person a little otherwise:
nothing of it is shared with the starter gallery.

"""

from __future__ import annotations

from collections.abc import Mapping
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.engines.model_loader import load_pose_model
from unihpe_ros.synthesis.body.body_shapes import BodyShapes, load_bodies
from unihpe_ros.synthesis.body.poser import Poser
from unihpe_ros.synthesis.motion.arm_gestures import reach_with, wrist_target
from unihpe_ros.synthesis.motion.motion_bank import find_clips, load_motions
from unihpe_ros.tracking.one_euro import OneEuro, OneEuroSettings, smooth_together

Float64 = NDArray[np.float64]
Place = tuple[float, float, float]

# Images a second of the camera, and how many a clip has.
CAMERA_RATE = 20.0
FRAMES = 60
_ADULT = 18
_BATCH = 8
# Which arms ('1' is either), the keypoint ({} is the hand's side), one or two places of the wrist
# from it: outward, forward, up, in standing heights; and how often a second it goes to and fro.
_OVER_SHOULDER = '{}_shoulder'
GESTURES: Mapping[str, tuple[str, str, tuple[Place, ...], tuple[float, float]]] = {
    'left_hand_raised': ('L', _OVER_SHOULDER, ((0.04, 0.03, 0.30),), (0, 0)),
    'right_hand_raised': ('R', _OVER_SHOULDER, ((0.04, 0.03, 0.30),), (0, 0)),
    'both_hands_raised': ('LR', _OVER_SHOULDER, ((0.05, 0.03, 0.30),), (0, 0)),
    'hands_on_face': ('LR', 'nose', ((0.035, 0.02, -0.03),), (0, 0)),
    'arms_crossed': ('LR', 'neck', ((-0.07, 0.11, -0.17),), (0, 0)),
    'hands_on_hips': ('LR', '{}_hip', ((0.06, 0.01, 0.04),), (0, 0)),
    'arms_spread': ('LR', _OVER_SHOULDER, ((0.33, 0.02, 0.0),), (0, 0)),
    'stop': ('1', _OVER_SHOULDER, ((-0.01, 0.32, 0.03),), (0, 0)),
    'waving': ('1', _OVER_SHOULDER, ((0.02, 0.06, 0.2), (0.19, 0.06, 0.17)), (0.9, 2.0)),
    'clapping': ('LR', 'neck', ((0.015, 0.19, -0.12), (0.13, 0.18, -0.12)), (1.2, 2.5)),
    'beckon': ('1', _OVER_SHOULDER, ((0.0, 0.28, -0.07), (0.0, 0.12, 0.0)), (0.7, 1.6)),
    'come_here': ('LR', _OVER_SHOULDER, ((0.03, 0.29, -0.03), (0.04, 0.09, 0.19)), (0.7, 1.6)),
}
# How far outwards elbows go.
_HANGS, _ON_HIPS = 1.5, 5.0
_FREE_ARM: tuple[tuple[Place, float], ...] = (
    ((0.07, 0.03, -0.1), 0.6),  # Hangs.
    ((0.06, 0.04, -0.02), 0.25),  # In the pocket.
    ((-0.02, 0.12, 0.08), 0.15),  # Before the belly.
)


class GesturePeople:
    """
    Held-out bodies that make gestures.

    Parameters
    ----------
    motions, bodies : Path
        Folder of BVH clips, and file of body shapes.
    people : int
        How many of them.
    every : int
        Take every so many-th clip.

    """

    def __init__(self, motions: Path, bodies: Path, people: int, every: int) -> None:
        shapes: BodyShapes = load_bodies(bodies)
        adults = [int(s) for s in shapes.shapes('test') if shapes.age[s] > _ADULT]
        self.shapes = adults[:people]
        self._poser = Poser(shapes, load_motions(find_clips(motions, 'test')[::every], 10.0))

    def clip(self, name: str, shape: int, rng: np.random.Generator) -> Float64:
        """``(FRAMES, 26, 3)`` Keypoints of a body that makes a gesture, z up, m."""
        poser, bank = self._poser, self._poser.bank
        pose = int(rng.integers(len(bank)))
        clip, root = int(bank.clip[pose]), poser.root(shape, pose)
        standing = poser.keypoints(shape, clip, bank.rotations[pose], root)
        sides, anchor, places, rates = GESTURES[name]
        sides = 'LR'[rng.integers(2)] if sides == '1' else sides
        rate, phase, seed = rng.uniform(*rates), rng.random(), int(rng.integers(1 << 30))
        style = rng.normal(0, 0.02, 3)
        free, shares = zip(*_FREE_ARM, strict=True)
        other = free[rng.choice(len(free), p=shares)]
        frames = []
        for frame in range(FRAMES):
            share = 0.5 - 0.5 * math.cos(2 * math.pi * (phase + rate * frame / CAMERA_RATE))
            held = np.array(places[0]) + share * (np.array(places[-1]) - places[0]) + style
            driven = bank.rotations[pose].astype(np.float64)
            for side in 'LR':
                goal = (anchor, tuple(held), 0.0) if side in sides else ('{}_hip', other, 0.0)
                # The same chance in every frame: the other side's is another.
                arm = np.random.default_rng([seed, ord(side)])
                flare = _ON_HIPS if goal[0] == anchor == '{}_hip' and side in sides else _HANGS
                wrist = wrist_target(arm, goal, side, standing)
                reach_with(arm, driven, side, wrist, standing, flare)
            frames.append(poser.keypoints(shape, clip, driven.astype(np.float32), root))
        return np.array(frames, np.float64)


class Views:
    """
    What the network makes of people's 2D keypoints, as the node does, but for who is who.

    Parameters
    ----------
    model : str
        Whose lifting branch.
    noise : float
        Error of the 2D keypoints in each image, shares of the box's height.

    """

    def __init__(self, model: str, noise: float) -> None:
        self._model = load_pose_model(model, backend='onnxruntime-cpu', threads=1)
        self._noise = noise
        self._camera = Camera.from_fov(640, 480, math.radians(70))

    def close(self) -> None:
        """Release the model."""
        self._model.close()

    def look(
        self, points: Float64, yaw: float, rng: np.random.Generator
    ) -> tuple[Float64, Float64]:
        """
        Return what is seen of a clip from one side.

        Parameters
        ----------
        points : NDArray[np.float64]
            ``(F, 26, 3)`` keypoints at CAMERA_RATE, z up, m.
        yaw : float
            From where, rad.
        rng : np.random.Generator
            Source of chance.

        Returns
        -------
        lifted : NDArray[np.float64]
            ``(F, 26, 3)`` smoothed, root-relative, m.
        embeddings : NDArray[np.float64]
            ``(F, D)`` of the 2D poses.

        """
        points = points - points[:, [UNION.index('pelvis')]]
        sine, cosine = math.sin(yaw), math.cos(yaw)
        x, y, z = np.moveaxis(points, -1, 0)
        distance, height = rng.uniform(2.0, 5.0), rng.uniform(-0.5, 0.6)
        seen = np.stack([cosine * x - sine * y, height - z, sine * x + cosine * y + distance], -1)
        pixels = self._camera.project(seen)
        tall = np.ptp(pixels[..., 1], axis=1)[:, None, None]
        pixels += self._noise * tall * rng.normal(size=pixels.shape)
        spec = self._model.lifting_spec or self._model.spec
        crops, made = Crops.aim(boxes.around(pixels), self._camera, spec.input_size, spec.padding)
        assert len(made) == len(points)
        given = lifting_input(crops.normalise(crops.rays(pixels)), np.ones(pixels.shape[:2]))
        parts = [self._model.lift(given[i : i + _BATCH]) for i in range(0, len(given), _BATCH)]
        relative = crops.to_camera(np.concatenate([part.relative_3d for part in parts]))
        settings = EstimatorSettings()
        amount = OneEuroSettings(settings.smooth_min_cutoff, settings.smooth_beta)
        state = [OneEuro()]
        smooth = [
            smooth_together(state, now[None], frame / CAMERA_RATE, amount)[0]
            for frame, now in enumerate(relative)
        ]
        return np.array(smooth), np.concatenate([part.embeddings for part in parts])
