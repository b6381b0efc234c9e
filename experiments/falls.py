"""
Count falls that are found, and alarms where nobody fell, in motion capture; docs/hri.md.

A body takes the poses of every clip of a folder. Its keypoints, with errors like a network's, go
through posture and falls as in the node, with the vertical some degrees wrong. Clips of falls are
rare, so falls are made: people of the clips who stand with their feet together topple like a rod,
to all sides.

    PYTHONPATH=. python experiments/falls.py MOTIONS --bodies bodies.npz

"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.posture import Posture, postures, PostureTracker
from unihpe_ros.synthesis.body.body_shapes import load_bodies
from unihpe_ros.synthesis.body.poser import Poser
from unihpe_ros.synthesis.motion.bvh_reader import read_bvh
from unihpe_ros.synthesis.motion.motion_bank import build_bank
from unihpe_ros.synthesis.motion.retarget import retarget

Float64 = NDArray[np.float64]

RATE = 30.0
# A rod of a person's length falls from this angle to that one, deg; and how long it lies, s.
_BEGIN, _END, _LIES, _STANDS = 5.0, 85.0, 3.0, 1.0
_LENGTH, _GRAVITY = 1.7, 9.81
_ANKLES = UNION.indices('left_ankle', 'right_ankle')
_ADULT, _TOGETHER = 18, 0.3  # years; m between the ankles.


def clips_of(folder: Path, bodies_file: Path) -> Iterator[tuple[str, Float64]]:
    """Yield the name of each clip and the ``(F, 26, 3)`` keypoints of a body in it, z up, m."""
    bodies = load_bodies(bodies_file)
    shape = int(next(s for s in bodies.shapes('test') if bodies.age[s] > _ADULT))
    for clip in sorted(folder.glob('*/*.bvh')):
        motion = retarget(read_bvh(clip, RATE))
        poser = Poser(bodies, build_bank([motion], [clip.stem]))
        frames = range(len(motion.rotations))
        points = [
            poser.keypoints(shape, 0, motion.rotations[f], poser.root(shape, f)) for f in frames
        ]
        yield clip.stem, np.array(points, np.float64)


def topple(standing: Float64, azimuth: float) -> Float64:
    """Return ``(F, 26, 3)`` keypoints of somebody ``(26, 3)`` who stands, and topples."""
    angle, speed, angles = np.radians(_BEGIN), 0.0, []
    while angle < np.radians(_END):
        angles.append(angle)
        speed += 1.5 * _GRAVITY / _LENGTH * np.sin(angle) / RATE
        angle += speed / RATE
    held = [0.0] * round(_STANDS * RATE), [np.radians(_END)] * round(_LIES * RATE)
    foot = standing[list(_ANKLES)].mean(0) * (1, 1, 0)
    axis = np.array([np.cos(azimuth), np.sin(azimuth), 0])
    return np.stack(
        [
            Rotation.from_rotvec(turn * axis).apply(standing - foot) + foot
            for turn in (*held[0], *angles, *held[1])
        ]
    )


def followed(
    points: Float64,
    noise: float,
    tilt: float,
    rng: np.random.Generator,
    *,
    has_ankles: bool = True,
) -> list[Posture]:
    """Return the posture at each moment, with noise of so many m and a vertical off by degrees."""
    if not has_ankles:
        points = points.copy()
        points[:, list(_ANKLES)] = np.nan
    azimuth = rng.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(azimuth), np.sin(azimuth), 0])
    up = Rotation.from_rotvec(np.radians(tilt) * axis).apply((0.0, 0.0, 1.0))
    seen = postures(points + noise * rng.normal(size=points.shape), up)
    tracker = PostureTracker()
    return [tracker.update([1], [now], f / RATE)[0] for f, now in enumerate(seen)]


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('motions', type=Path)
    parser.add_argument('--bodies', type=Path, required=True)
    parser.add_argument('--noise', type=float, default=0.03, help='m (default: 0.03)')
    parser.add_argument('--tilt', type=float, default=5.0, help='degrees (default: 5)')
    parser.add_argument('--without-ankles', action='store_true', help='hide both ankles')
    args = parser.parse_args()
    errors, has_ankles = (args.noise, args.tilt), not args.without_ankles
    rng, minutes, alarms, standing = np.random.default_rng(0), 0.0, [], []
    for name, points in clips_of(args.motions, args.bodies):
        found = followed(points, *errors, rng, has_ankles=has_ankles)
        minutes += len(found) / RATE / 60
        if Posture.FALLEN in found:
            alarms.append(f'{name} at {found.index(Posture.FALLEN) / RATE:.1f} s')
        apart = np.linalg.norm(np.diff(points[:, _ANKLES], axis=1)[:, 0], axis=-1)
        calm = [f for f, one in enumerate(found) if one is Posture.STANDING]
        if calm and min(apart[calm]) < _TOGETHER:
            standing.append(points[min(calm, key=lambda f: float(apart[f]))])
    names = f': {", ".join(alarms)}' if alarms else ''
    print(f'{minutes:.1f} minutes of clips, {len(alarms)} with an alarm{names}')
    delays = []
    for number, points in enumerate(standing):
        fall = topple(points, 2 * np.pi * number / 20)
        found = followed(fall, *errors, rng, has_ankles=has_ankles)
        if Posture.FALLEN in found:
            lying = len(fall) - round(_LIES * RATE)
            delays.append((found.index(Posture.FALLEN) - lying) / RATE)
    median, latest = np.percentile(delays, (50, 100)) if delays else (np.nan, np.nan)
    print(
        f'{len(delays)} of {len(standing)} made falls found, {median:.2f} s after they ended '
        f'(at most {latest:.2f} s)'
    )


if __name__ == '__main__':
    main()
