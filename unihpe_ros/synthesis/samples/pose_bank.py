"""A bank of 3D poses without pictures, for training the lifting branch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.files import write_arrays
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.body.poser import Poser
from unihpe_ros.synthesis.motion.arm_gestures import gesture
from unihpe_ros.synthesis.motion.motion_bank import SPLITS
from unihpe_ros.synthesis.motion.postures import varied

Float32 = NDArray[np.float32]

_GESTURE = 0.35


def build_pose_bank(
    poser: Poser,
    out: Path,
    split: str,
    shapes_per_pose: int,
    seed: int = 0,
    share_varied: float = 0.0,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> int:
    """
    Write the keypoints of every pose of a bank, on several body shapes each.

    Parameters
    ----------
    poser : Poser
        The shapes and the poses.
    out : Path
        The .npz file to write; see docs/data_format.md.
    split : str
        Which shapes to use.
    shapes_per_pose : int
        How many bodies take each pose.
    seed : int
        Seed of their choice.
    share_varied : float
        Share of the bodies whose poses are changed: turned limbs, seats, gestures.
    progress : Callable
        Wraps the loop, for a progress bar.

    Returns
    -------
    int
        The number of poses written.

    """
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    bodies, bank = poser.bodies, poser.bank
    # One body for a whole run of a clip: rows that were not varied are consecutive in time.
    rows = np.tile(np.arange(len(bank)), shapes_per_pose)
    runs = np.repeat(np.arange(shapes_per_pose), len(bank))
    chosen = rng.choice(bodies.shapes(split), (shapes_per_pose, len(bank.names)))
    shapes = chosen[runs, bank.clip[rows]]
    changed = runs >= round(shapes_per_pose * (1 - share_varied))
    positions: Float32 = np.empty((len(rows), len(UNION), 3), np.float32)
    for row in progress(range(len(rows))):
        make = _varied_pose if changed[row] else _plain_pose
        positions[row] = make(poser, int(shapes[row]), int(rows[row]), rng)
    write_arrays(
        out,
        positions=positions,
        clip=bank.clip[rows],
        frame=bank.frame[rows],
        shape=shapes.astype(np.int32),
        varied=changed,
        names=np.array(bank.names),
        keypoints=np.array(UNION.keypoints),
        split=np.array(split),
    )
    return len(rows)


def _plain_pose(poser: Poser, shape: int, pose: int, _: np.random.Generator) -> Float32:
    bank = poser.bank
    root = poser.root(shape, pose)
    return poser.keypoints(shape, int(bank.clip[pose]), bank.rotations[pose], root)


def _varied_pose(poser: Poser, shape: int, pose: int, rng: np.random.Generator) -> Float32:
    posture = varied(rng, poser.bank, pose)
    root = poser.root(shape, pose)
    keypoints = poser.keypoints(shape, posture.clip, posture.driven, root)
    if rng.random() < _GESTURE:
        posture = gesture(rng, posture, keypoints)
        keypoints = poser.keypoints(shape, posture.clip, posture.driven, root)
    return keypoints
