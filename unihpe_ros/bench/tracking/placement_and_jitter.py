"""Measure errors of 3D placement, and jitter and lag of smoothed keypoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bench.tracking.simulated_people import (
    in_camera,
    in_sight,
    standing,
    walking,
    WalkingScene,
)
from unihpe_ros.bench.tracking.tracking_benchmark import CAMERA, FRAME_RATE
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.refinement import RefinedPoses, TrackRefiner

Float64 = NDArray[np.float64]

DISTANCES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)  # m
PLACEMENTS = ('projective', 'known height', 'depth')
# Errors of keypoints as shares of the person's height in the image.
_NOISE = 0.008
# A structured-light camera's: noise as a share of distance squared, 1/m; share of holes; steps, m.
_DEPTH_NOISE, _HOLES, _STEP = 0.0015, 0.15, 0.001
_HOLE_SIZE = 16  # px
# Radii of the bodies that the depth camera sees, m: elliptic trunk, and limbs.
_TRUNK_DEPTH, _TRUNK_WIDTH, _LIMB = 0.11, 0.15, 0.05
_WAVE_HZ, _WAVE = 1.0, 0.25  # 1/s and m
_SETTLE = 1.0  # s that are left out at the beginning.
_UPSAMPLED = 20  # Lags are sought in steps of so many parts of a frame.


@dataclass(frozen=True)
class RootError:
    """
    Errors of root positions, as shares of the distance.

    Parameters
    ----------
    mode : str
        One of PLACEMENTS.
    distance : float
        m.
    median, p95 : float
        Over people and time.

    """

    mode: str
    distance: float
    median: float
    p95: float


@dataclass(frozen=True)
class Steadiness:
    """
    Jitter and lag of keypoints.

    Parameters
    ----------
    smoothing : bool
        Whether they were smoothed.
    jitter : float
        RMS acceleration of the keypoints of somebody who stands, m/s^2.
    lag : float
        Delay of a waving hand, s.

    """

    smoothing: bool
    jitter: float
    lag: float


def root_errors(
    estimator: PoseEstimator,
    people: int = 12,
    seconds: float = 1.0,
    seed: int = 7,
    on_distance: Callable[[], object] = lambda: None,
) -> list[RootError]:
    """
    Place people of several statures, one at a time, who walk on the spot.

    Parameters
    ----------
    estimator : PoseEstimator
        Lifts them; its settings are put back.
    people : int
        How many at each distance.
    seconds : float
        How long each.
    seed : int
        Of statures, headings and errors.
    on_distance : Callable[[], object]
        Called after each distance.

    """
    usual, figures = estimator.settings, []
    for distance in DISTANCES:
        errors: dict[str, list[float]] = {mode: [] for mode in PLACEMENTS}
        for person in range(people):
            rng = np.random.default_rng([seed, person, round(distance * 10)])
            stature = float(rng.normal(1.71, 0.08))
            scenes = list(_on_the_spot(stature, distance, rng, seconds))
            for mode in PLACEMENTS:
                known = stature if mode == 'known height' else 0.0
                estimator.configure(replace(usual, person_height_m=known))
                errors[mode] += _errors(estimator, scenes, mode == 'depth', rng)
        figures += [
            RootError(mode, distance, float(np.median(off)), float(np.percentile(off, 95)))
            for mode, off in errors.items()
        ]
        on_distance()
    estimator.configure(usual)
    return figures


def steadiness(settings: EstimatorSettings, seconds: float = 8.0, seed: int = 3) -> Steadiness:
    """
    Measure the smoothing alone, on true skeletons with the noise of a network.

    Parameters
    ----------
    settings : EstimatorSettings
        Of the smoothing.
    seconds : float
        How long.
    seed : int
        Of the noise.

    """
    frames = round(seconds * FRAME_RATE)
    stamps, begin = np.arange(frames) / FRAME_RATE, round(_SETTLE * FRAME_RATE)
    still = np.tile(_before_camera(standing(1.71)), (frames, 1, 1))
    placed = _place(still, stamps, settings, seed)[begin:]
    jitter = float(np.sqrt(np.mean(np.sum(np.diff(placed, 2, axis=0) ** 2, -1)))) * FRAME_RATE**2
    waving = still.copy()
    wave = _WAVE * np.sin(2 * np.pi * _WAVE_HZ * stamps)
    wrist = UNION.index('left_wrist')
    waving[:, wrist] += np.stack([wave, 0 * wave - 0.5, 0 * wave], -1)
    seen = _place(waving, stamps, settings, seed)[begin:, wrist, 0]
    return Steadiness(settings.smoothing, jitter, _lag(seen, waving[begin:, wrist, 0]))


def _on_the_spot(
    stature: float, distance: float, rng: np.random.Generator, seconds: float
) -> Iterator[WalkingScene]:
    heading, aside = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25) * distance
    for number in range(round(seconds * FRAME_RATE)):
        body = walking(stature, 2 * np.pi * number / FRAME_RATE)
        bodies = in_camera(body, np.array([aside, distance]), heading)[None]
        pixels = np.asarray(CAMERA.project(bodies), np.float64)
        yield WalkingScene(number / FRAME_RATE, bodies, pixels, in_sight(bodies, pixels, CAMERA))


def _errors(
    estimator: PoseEstimator, scenes: list[WalkingScene], measured: bool, rng: np.random.Generator
) -> list[float]:
    estimator.reset()
    root, errors = UNION.index('pelvis'), []
    for scene in scenes:
        height = float(np.ptp(scene.keypoints_2d[0, :, 1]))
        pixels = scene.keypoints_2d + _NOISE * height * rng.normal(size=(1, len(UNION), 2))
        depth = depth_image(scene, rng) if measured else None
        poses = estimator.lift(
            pixels, np.where(scene.visible, 0.9, 0.05), CAMERA, scene.stamp, depth=depth
        )
        true = scene.keypoints_3d[0, root]
        errors += [
            float(np.linalg.norm(found[root] - true) / np.linalg.norm(true))
            for found in poses.keypoints_3d
        ]
    return errors


def depth_image(scene: WalkingScene, rng: np.random.Generator) -> NDArray[np.float32]:
    """
    Return what a depth camera would see of people before a wall at 8 m.

    Parameters
    ----------
    scene : WalkingScene
        The people.
    rng : np.random.Generator
        Of noise and holes.

    Returns
    -------
    NDArray[np.float32]
        ``(H, W)`` m; 0 in holes.

    """
    depth = np.full((CAMERA.height, CAMERA.width), 8.0, np.float32)
    for points, pixels in zip(scene.keypoints_3d, scene.keypoints_2d, strict=True):
        _draw_body(depth, points, pixels)
    depth += (_DEPTH_NOISE * depth**2 * rng.normal(size=depth.shape)).astype(np.float32)
    depth = np.round(depth / _STEP).astype(np.float32) * np.float32(_STEP)
    coarse = rng.random([-(-side // _HOLE_SIZE) for side in depth.shape]) < _HOLES
    holes = np.kron(coarse, np.ones((_HOLE_SIZE, _HOLE_SIZE), bool))
    depth[holes[: depth.shape[0], : depth.shape[1]]] = 0
    return depth


def _draw_body(depth: NDArray[np.float32], points: Float64, pixels: Float64) -> None:
    """Draw limbs as strips and the trunk as an elliptic column into a depth image, in place."""
    focal = CAMERA.K[0, 0]
    for parent, child in UNION.bones:
        z = float(0.5 * (points[parent, 2] + points[child, 2])) - _LIMB
        if z > 0.2 and np.isfinite(pixels[[parent, child]]).all():
            strip = np.zeros(depth.shape, np.uint8)
            ends = np.clip(pixels[[parent, child]], -2000, 3000).astype(int)
            width = max(int(2 * _LIMB * focal / z), 1)
            cv2.line(strip, tuple(ends[0]), tuple(ends[1]), 1, width)
            depth[strip > 0] = np.minimum(depth[strip > 0], z)
    names = ('left_shoulder_joint', 'right_shoulder_joint', 'pelvis', 'neck')
    left, right, low, top = points[UNION.indices(*names)]
    across = (left - right) / np.linalg.norm(left - right)
    facing = abs(float(across[0]))
    half = np.hypot(facing * _TRUNK_WIDTH, np.sqrt(1 - facing**2) * _TRUNK_DEPTH)
    reach = 1 / np.hypot(facing / _TRUNK_DEPTH, np.sqrt(1 - facing**2) / _TRUNK_WIDTH)
    x_pixels = np.arange(depth.shape[1])
    for y in range(depth.shape[0]):
        middle_z = 0.5 * (low[2] + top[2])
        height = (y - CAMERA.K[1, 2]) / focal * middle_z
        share = (height - low[1]) / (top[1] - low[1])
        if not -0.1 < share < 1.05:
            continue
        centre = low + share * (top - low)
        offset = (x_pixels - CAMERA.K[0, 2]) / focal * centre[2] - centre[0]
        inside = np.abs(offset) < half
        z = centre[2] - reach * np.sqrt(np.maximum(1 - (offset / half) ** 2, 0))
        depth[y, inside] = np.minimum(depth[y, inside], z[inside])


def _before_camera(points: Float64) -> Float64:
    return in_camera(points, np.array([0.0, 3.0]), -0.5 * np.pi)


def _place(
    truth: Float64, stamps: Float64, settings: EstimatorSettings, seed: int
) -> NDArray[np.float64]:
    """``(T, 26, 3)`` Placed skeletons, from true ones with noise in 2D and 3D."""
    rng, people, k = np.random.default_rng(seed), TrackRefiner(UNION), len(UNION)
    found = []
    for body, stamp in zip(truth, stamps, strict=True):
        root = body[UNION.index('pelvis')]
        rays = body[:, :2] / body[:, 2:] + 0.004 * rng.normal(size=(k, 2)) / 3
        relative_3d = body - root + 0.01 * rng.normal(size=(k, 3))
        observation = replace(
            Observations.none(UNION),
            sources=np.zeros(1, np.intp),
            boxes=np.array([[200, 100, 300, 400]], np.float32),
            keypoints_2d=np.asarray(CAMERA.project(body[None]), np.float32),
            keypoints_3d=body[None].astype(np.float32),
            scores=np.full((1, k), 0.9, np.float32),
            relative_3d=relative_3d[None].astype(np.float32),
            rays=rays[None],
            turns=np.eye(3)[None],
        )
        placed: RefinedPoses = people.refine(
            np.ones(1, np.uint32), observation, float(stamp), RootMode.PROJECTIVE, settings
        )
        found.append(placed.keypoints_3d[0])
    return np.array(found, np.float64)


def _lag(seen: Float64, true: Float64) -> float:
    """Return the delay at which a signal fits the truth best, s."""
    fine = np.arange(0, len(true) - 1, 1 / _UPSAMPLED)
    places = np.arange(len(true))
    one, other = (np.interp(fine, places, signal - signal.mean()) for signal in (seen, true))
    most = 10 * _UPSAMPLED
    fits = [
        float(one[most:-most] @ other[most - shift : len(other) - most - shift])
        for shift in range(-most, most + 1)
    ]
    return (int(np.argmax(fits)) - most) / (_UPSAMPLED * FRAME_RATE)
