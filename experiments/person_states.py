"""
Measure how often true errors of `people` are within one standard deviation; docs/hri.md.

Generated people walk about before a camera. Their keypoints get the errors of a network: noise in
the image and in depth, and for each person a size that is a few percent wrong; then they go
through the smoothing and placing of the tracker, and through the filter of `people`.

    PYTHONPATH=. python experiments/person_states.py
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bench.tracking.simulated_people import walk_about
from unihpe_ros.bench.tracking.tracking_benchmark import CAMERA, FRAME_RATE
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.person_motion import PeopleMotion
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.refinement import TrackRefiner

_RAY_NOISE, _POINT_NOISE, _SIZE_SIGMA = 0.003, 0.02, 0.045
Float64 = NDArray[np.float64]

_ROOT = UNION.index('pelvis')
_UP = np.array([0.0, -1.0, 0.0])
_SETTLE = 1.0  # s after somebody came into the picture.


def run(people: int, seconds: float, seed: int) -> tuple[Float64, Float64]:
    """Return the ``(M, 6)`` errors and standard deviations of people in plain sight."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(_SIZE_SIGMA * rng.normal(size=people))
    refiner, motion, settings = TrackRefiner(UNION), PeopleMotion(), EstimatorSettings()
    errors, sigmas = [], []
    since, before = np.full(people, np.inf), None
    for scene in walk_about(people, seconds, FRAME_RATE, seed, CAMERA):
        seen = np.flatnonzero(scene.visible.mean(-1) > 0.9)
        since = np.where(np.isin(range(people), seen), np.minimum(since, scene.stamp), np.inf)
        placed = refiner.refine(
            seen.astype(np.uint32) + 1,
            _observe(scene.keypoints_3d[seen], scene.keypoints_2d[seen], sizes[seen], rng),
            scene.stamp,
            RootMode.PROJECTIVE,
            settings,
        )
        refiner.keep({int(i) + 1 for i in seen})
        states, sigma = motion.update(
            seen.tolist(), placed.keypoints_3d[:, _ROOT], scene.stamp, np.zeros(3), _UP
        )
        roots = scene.keypoints_3d[:, _ROOT]
        if before is not None:
            true = np.concatenate([roots, (roots - before) * FRAME_RATE], -1)[seen]
            settled = scene.stamp - since[seen] > _SETTLE
            errors.append((states - true)[settled])
            sigmas.append(sigma[settled])
        before = roots
    return np.concatenate(errors), np.concatenate(sigmas)


def _observe(
    bodies: Float64, pixels: Float64, sizes: Float64, rng: np.random.Generator
) -> Observations:
    """Return what a network would make of people, whose sizes it gets wrong by factors."""
    n, k = bodies.shape[:2]
    roots = bodies[:, [_ROOT]]
    relative = sizes[:, None, None] * (bodies - roots) + _POINT_NOISE * rng.normal(size=(n, k, 3))
    rays = bodies[..., :2] / bodies[..., 2:] + _RAY_NOISE * rng.normal(size=(n, k, 2))
    low, high = pixels.min(1), pixels.max(1)
    return replace(
        Observations.none(UNION),
        sources=np.zeros(n, np.intp),
        boxes=np.concatenate([low, high], 1).astype(np.float32),
        keypoints_2d=pixels.astype(np.float32),
        keypoints_3d=bodies.astype(np.float32),
        scores=np.full((n, k), 0.9, np.float32),
        relative_3d=relative.astype(np.float32),
        rays=rays,
        turns=np.tile(np.eye(3), (n, 1, 1)),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=30.0)
    parser.add_argument('--sequences', type=int, default=4)
    args = parser.parse_args()
    parts = [run(3, args.seconds, seed) for seed in range(args.sequences)]
    errors, sigmas = (np.concatenate(values) for values in zip(*parts, strict=True))
    print('| | within 1 sigma | within 2 | RMS error | mean sigma |\n|---|---|---|---|---|')
    for column, name in enumerate(('x', 'y', 'z', 'vx', 'vy', 'vz')):
        off, sigma = np.abs(errors[:, column]), sigmas[:, column]
        shares = [float((off < times * sigma).mean()) for times in (1, 2)]
        print(
            f'| {name} | {100 * shares[0]:.0f} % | {100 * shares[1]:.0f} % '
            f'| {np.sqrt(np.mean(off**2)):.3f} | {sigma.mean():.3f} |'
        )


if __name__ == '__main__':
    main()
