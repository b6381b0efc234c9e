"""Lifting samples without pictures: 3D poses projected by random cameras, with noisy 2D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.directions import rotation_to_axis
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.core.preprocess import mirror, PADDING
from unihpe_ros.core.skeleton import COCO_17, H36M_17, ROS4HRI_18, UNION

# Optical axes of a camera that looks along the world's +Y, X to the right, Z up.
_CAMERA_FROM_WORLD = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
_SIDES = ('left', 'right')
_LIMBS = [
    [UNION.index(f'{side}_{joint}') for joint in joints]
    for side in _SIDES
    for joints in (('wrist',), ('elbow', 'wrist'), ('ankle',), ('knee', 'ankle'))
]
# Keypoints whose sides detectors confuse, and the share of people: all, legs, arms, feet, hands.
_EXCHANGED = [
    (np.arange(len(UNION)), 0.005),
    *(
        (np.array([UNION.index(f'{side}_{joint}') for side in _SIDES for joint in joints]), 0.01)
        for joints in (
            ('hip', 'hip_joint', 'knee', 'ankle'),
            ('shoulder', 'shoulder_joint', 'elbow', 'wrist'),
            ('ankle',),
            ('wrist',),
        )
    ),
]
# Shares of keypoints with a high score at a wrong position, and of people with exact 2D.
_ELSEWHERE = 0.003
_EXACT = 0.15


@dataclass(frozen=True)
class LiftingBatch:
    """
    B poses projected into crops: network input and target.

    Parameters
    ----------
    keypoints : NDArray[np.float32]
        ``(B, K, 3)`` normalised x, y in the crop's virtual camera and score; zeros where missing.
    relative : NDArray[np.float32]
        ``(B, K, 3)`` root-relative truth in the virtual camera's frame, m.
    clean : NDArray[np.float32]
        ``(B, K, 2)`` noise-free normalised x, y of all keypoints.

    """

    keypoints: NDArray[np.float32]
    relative: NDArray[np.float32]
    clean: NDArray[np.float32]


def project_poses(
    positions: Array, rng: np.random.Generator, size: tuple[int, int], jitter: float = 1.0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Return poses projected by random cameras, each crop aimed at its person.

    Cameras stand 1 to 10 m away, heights and tilts as on robots and tripods, any azimuth.

    Parameters
    ----------
    positions : NDArray
        ``(B, K, 3)`` world frame, Z up, m.
    rng : np.random.Generator
        Source of randomness.
    size : tuple[int, int]
        (w, h) of the crop, px: its aspect decides the normalisation.
    jitter : float
        Strength of the box's random shift and scale; 0 aims exactly.

    Returns
    -------
    clean : NDArray[np.float32]
        ``(B, K, 2)`` normalised x, y in the virtual camera.
    relative : NDArray[np.float32]
        ``(B, K, 3)`` root-relative, virtual camera's frame, m.

    """
    n = len(positions)
    root = positions[:, UNION.index('pelvis')]
    yaw = rng.uniform(0, 2 * np.pi, n)
    # Elevation of the camera above the person's horizon: mostly level, some from high above.
    pitch = np.where(rng.random(n) < 0.75, rng.normal(0.05, 0.15, n), rng.uniform(-0.3, 1.0, n))
    roll = rng.normal(0, 0.08, n)
    rotation = _euler('z', roll) @ _euler('x', pitch) @ _CAMERA_FROM_WORLD @ _euler('z', yaw)
    points = (positions - root[:, None]) @ np.swapaxes(rotation, -1, -2)
    points[..., 2] += np.exp(rng.uniform(np.log(1.2), np.log(10), n))[:, None]
    points[..., 2] = np.maximum(points[..., 2], 0.2)
    rays = points[..., :2] / points[..., 2:]
    low, high = rays.min(1), rays.max(1)
    extent = np.maximum(high - low, 1e-3)
    aim = 0.5 * (low + high) + jitter * rng.normal(0, 0.05, (n, 2)) * extent.max(1)[:, None]
    turn = rotation_to_axis(aim)
    turned = points @ np.swapaxes(turn, -1, -2)
    rays = turned[..., :2] / np.maximum(turned[..., 2:], 0.05)
    extent = rays.max(1) - rays.min(1)
    padding = PADDING * np.exp(jitter * rng.normal(0, 0.15, n))
    half_height = 0.5 * padding * np.maximum(extent[:, 1], extent[:, 0] * size[1] / size[0])
    clean = rays / half_height[:, None, None]
    relative = turned - turned[:, UNION.index('pelvis')][:, None]
    return clean.astype(np.float32), relative.astype(np.float32)


def corrupt(
    clean: NDArray[np.float32], rng: np.random.Generator, strength: float = 1.0
) -> NDArray[np.float32]:
    """
    Return true 2D with a detector's noise, matching scores and missing keypoints.

    Parameters
    ----------
    clean : NDArray[np.float32]
        ``(B, K, 2)`` normalised x, y.
    rng : np.random.Generator
        Source of randomness.
    strength : float
        Scales the noise; 0 leaves the positions true.

    Returns
    -------
    NDArray[np.float32]
        ``(B, K, 3)`` x, y, score; zeros where missing.

    """
    n, k, _ = clean.shape
    # 1 to 5 px of a 192 px crop for most keypoints; 2 % are somewhere else altogether.
    level = np.exp(rng.uniform(np.log(0.003), np.log(0.05), (n, 1))) * rng.uniform(0.3, 2, (n, k))
    wrong = rng.random((n, k)) < 0.02
    sigma = strength * np.where(wrong, 0.3, level)
    noisy = clean + rng.normal(0, 1, clean.shape) * sigma[..., None]
    score = np.clip(1 - 8 * sigma + rng.normal(0, 0.1, (n, k)), 0.05, 1)
    kept = rng.random((n, k)) > 0.03 * strength
    # Outside the crop nothing is detected; what is cut off is cut off for all keypoints.
    kept &= (np.abs(clean) < 1.3).all(-1)
    for limb in _LIMBS:
        lost = np.flatnonzero(rng.random(n) < 0.04 * strength)
        kept[lost[:, None], limb] = False
    kept &= _known_sets(n, rng, strength)
    return lifting_input(noisy, np.where(kept, score, 0))


def _known_sets(n: int, rng: np.random.Generator, strength: float) -> NDArray[np.bool_]:
    """Return which keypoints are known: for some persons only those of another skeleton."""
    masks = np.ones((4, len(UNION)), bool)
    for row, skeleton in enumerate((COCO_17, H36M_17, ROS4HRI_18), 1):
        masks[row] = [name in skeleton.parents for name in UNION.keypoints]
    share = 0.5 * min(strength, 1)
    chances = [1 - share, share * 0.6, share * 0.3, share * 0.1]
    return masks[rng.choice(4, n, p=chances)]


def lifting_batch(
    bank: NDArray[np.float32], count: int, rng: np.random.Generator, size: tuple[int, int]
) -> LiftingBatch:
    """
    Return a batch of random poses of a bank: half mirrored, projected, with noise.

    Parameters
    ----------
    bank : NDArray[np.float32]
        ``(M, K, 3)`` world frame, Z up, m.
    count : int
        Persons in the batch.
    rng : np.random.Generator
        Source of randomness.
    size : tuple[int, int]
        (w, h) of the crop, px.

    """
    poses = bank[rng.integers(0, len(bank), count)].astype(np.float64)
    flipped = rng.random(count) < 0.5
    poses[flipped] = mirror(poses[flipped], UNION)
    # Statures beyond the bank's own bodies.
    poses *= rng.uniform(0.92, 1.08, (count, 1, 1))
    clean, relative = project_poses(poses, rng, size)
    seen = corrupt(clean, rng)
    exact = rng.random(count) < _EXACT
    seen[exact] = corrupt(clean[exact], rng, strength=0)
    mistake(seen, rng)
    return LiftingBatch(seen, relative, clean)


def mistake(keypoints: NDArray[np.float32], rng: np.random.Generator) -> None:
    """
    Add errors that scores do not show, in place: exchanged sides, keypoints elsewhere.

    Parameters
    ----------
    keypoints : NDArray[np.float32]
        ``(B, K, 3)`` x, y, score; zeros where missing.
    rng : np.random.Generator
        Source of randomness.

    """
    for joints, chance in _EXCHANGED:
        rows = np.flatnonzero(rng.random(len(keypoints)) < chance)[:, None]
        keypoints[rows, joints] = keypoints[rows, UNION.flip_indices[joints]]
    lost = (rng.random(keypoints.shape[:2]) < _ELSEWHERE) & (keypoints[..., 2] > 0)
    keypoints[lost, :2] += rng.normal(0, 0.3, (np.count_nonzero(lost), 2)).astype(np.float32)


def _euler(axis: str, angle: Array) -> Array:
    """Return ``(B, 3, 3)`` rotations about one axis."""
    cos, sin, one, zero = np.cos(angle), np.sin(angle), np.ones_like(angle), np.zeros_like(angle)
    rows = {
        'x': [one, zero, zero, zero, cos, -sin, zero, sin, cos],
        'z': [cos, -sin, zero, sin, cos, zero, zero, zero, one],
    }[axis]
    return np.stack(rows, -1).reshape(*angle.shape, 3, 3)
