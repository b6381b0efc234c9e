"""BVH: one person's motion as joint rotations over bones of constant length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from unihpe_ros.core.skeleton import mirrored_name, UNION
from unihpe_ros.run.outputs.resampled_motion import PersonMotion

# Joint: (parent, direction of the bone to it in the rest pose: a T, y up, the left arm to +x).
_UP, _DOWN, _LEFT, _RIGHT = (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0)
TREE: dict[str, tuple[str, tuple[float, float, float]]] = {
    'pelvis': ('', (0, 0, 0)),
    'spine': ('pelvis', _UP),
    'neck': ('spine', _UP),
    'head': ('neck', _UP),
    'head_top': ('head', _UP),
    'left_shoulder_joint': ('neck', _LEFT),
    'left_elbow': ('left_shoulder_joint', _LEFT),
    'left_wrist': ('left_elbow', _LEFT),
    'right_shoulder_joint': ('neck', _RIGHT),
    'right_elbow': ('right_shoulder_joint', _RIGHT),
    'right_wrist': ('right_elbow', _RIGHT),
    'left_hip_joint': ('pelvis', _LEFT),
    'left_knee': ('left_hip_joint', _DOWN),
    'left_ankle': ('left_knee', _DOWN),
    'right_hip_joint': ('pelvis', _RIGHT),
    'right_knee': ('right_hip_joint', _DOWN),
    'right_ankle': ('right_knee', _DOWN),
}
_JOINTS = tuple(TREE)
_PARENTS = [_JOINTS.index(parent) if parent else -1 for parent, _ in TREE.values()]
_CHILDREN = [
    [child for child, parent in enumerate(_PARENTS) if parent == joint]
    for joint in range(len(_JOINTS))
]
# Length of a bone that was never seen, m.
_UNKNOWN = 0.1
_CENTIMETRES = 100.0
# Left and right are mirrored in x; a few rounds of averaging converge.
_MIRROR = np.array([-1.0, 1.0, 1.0])
_ROUNDS = 4


def write_bvh(path: Path, motion: PersonMotion) -> None:
    """
    Write a person's motion: each joint has the smallest rotation that aligns its bones.

    Every bone has its median length over the whole motion, the same left and right, so that
    keypoints are only met approximately. Lengths are in centimetres, which most programs expect;
    rotations are ZXY, degrees.

    Parameters
    ----------
    path : Path
        Where to.
    motion : PersonMotion
        The person, in the UNION skeleton.

    """
    points = _known_points(motion.points[:, UNION.indices(*_JOINTS)])
    offsets = _offsets(points)
    rotations = _local_rotations(points, offsets)
    degrees = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_euler('ZXY', degrees=True)
    rows = np.concatenate([_CENTIMETRES * points[:, 0], degrees.reshape(len(points), -1)], axis=1)
    with path.open('w', encoding='utf-8') as file:
        file.write('HIERARCHY\n' + '\n'.join(_hierarchy(0, offsets, '')) + '\n')
        file.write(f'MOTION\nFrames: {len(rows)}\nFrame Time: {1 / motion.rate:.8f}\n')
        for row in rows.tolist():
            file.write(' '.join(f'{value:.4f}' for value in row) + '\n')


def _known_points(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(F, J, 3)`` points; a joint that was never seen is put above its parent."""
    points = points.copy()
    for joint, parent in enumerate(_PARENTS):
        if np.isnan(points[:, joint]).any():
            direction = np.array(list(TREE.values())[joint][1], float)
            points[:, joint] = points[:, parent] + _UNKNOWN * direction if parent >= 0 else 0.0
    return points


def _offsets(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(J, 3)`` bones of the rest pose, m: median lengths, the same left and right."""
    directions = np.array([direction for _, direction in TREE.values()], float)
    mirrored = [_JOINTS.index(mirrored_name(name)) for name in _JOINTS]
    lengths = np.zeros(len(_JOINTS))
    for joint, children in enumerate(_CHILDREN):
        bones = points[:, children] - points[:, [joint]]
        lengths[children] = np.median(np.linalg.norm(bones, axis=-1), axis=0)
        if len(children) > 1:
            _fit_directions(directions, children, mirrored, bones)
    lengths = (lengths + lengths[mirrored]) / 2
    return lengths[:, None] * directions


def _fit_directions(
    directions: NDArray[np.float64],
    children: list[int],
    mirrored: list[int],
    bones: NDArray[np.float64],
) -> None:
    """Set the directions of bones that move as one rigid piece to their averages."""
    for _ in range(_ROUNDS):
        turns = _best_fit(directions[children], bones)
        # Back in the rest pose, by the transposed rotations.
        rest = np.einsum('fji,fbj->fbi', turns, bones).mean(0)
        directions[children] = rest / np.maximum(np.linalg.norm(rest, axis=-1)[:, None], 1e-9)
        other = directions[mirrored] * _MIRROR
        even = (directions + other)[children]
        directions[children] = even / np.maximum(np.linalg.norm(even, axis=-1)[:, None], 1e-9)


def _local_rotations(
    points: NDArray[np.float64], offsets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``(F, J', 3, 3)`` rotations relative to the parent, of the joints with children."""
    frames = len(points)
    world = np.empty((frames, len(_JOINTS), 3, 3))
    local = []
    for joint, parent in enumerate(_PARENTS):
        above = world[:, parent] if parent >= 0 else np.broadcast_to(np.eye(3), (frames, 3, 3))
        children = _CHILDREN[joint]
        if not children:
            continue
        bones = points[:, children] - points[:, [joint]]
        # In the frame of the parent, so that the smallest rotation starts from the parent's.
        seen = np.einsum('fji,fbj->fbi', above, bones)
        turn = (
            _least_turn(offsets[children[0]], seen[:, 0])
            if len(children) == 1
            else _best_fit(offsets[children], seen)
        )
        world[:, joint] = above @ turn
        local.append(turn)
    return np.stack(local, axis=1)


def _least_turn(rest: NDArray[np.float64], bones: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(F, 3, 3)`` least rotations that turn a bone into directions ``(F, 3)``."""
    a = rest / max(float(np.linalg.norm(rest)), 1e-9)
    b = bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9)
    axis = np.cross(a, b)
    sine, cosine = np.linalg.norm(axis, axis=-1), b @ a
    # For opposite directions, any axis across the bone will do.
    across = np.cross(a, np.eye(3)[int(np.argmin(np.abs(a)))])
    unit = np.where(
        sine[:, None] > 1e-9,
        axis / np.maximum(sine, 1e-9)[:, None],
        across / np.linalg.norm(across),
    )
    angle = np.arctan2(sine, cosine)
    return Rotation.from_rotvec(angle[:, None] * unit).as_matrix()


def _best_fit(rest: NDArray[np.float64], bones: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(F, 3, 3)`` rotations of rest bones ``(B, 3)`` onto ``(F, B, 3)`` (Kabsch)."""
    a = rest / np.maximum(np.linalg.norm(rest, axis=-1, keepdims=True), 1e-9)
    b = bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9)
    u, _, v = np.linalg.svd(np.einsum('fbi,bj->fij', b, a))
    fix = np.tile(np.eye(3), (len(bones), 1, 1))
    fix[:, 2, 2] = np.sign(np.linalg.det(u @ v))
    return u @ fix @ v


def _hierarchy(joint: int, offsets: NDArray[np.float64], indent: str) -> list[str]:
    offset = ' '.join(f'{value:.4f}' for value in _CENTIMETRES * offsets[joint])
    children = _CHILDREN[joint]
    if not children:
        # An end belongs to the joint above and has no rotation.
        kind, channels = 'End Site', []
    elif joint == 0:
        kind = f'ROOT {_JOINTS[0]}'
        channels = ['CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation']
    else:
        kind = f'JOINT {_JOINTS[joint]}'
        channels = ['CHANNELS 3 Zrotation Xrotation Yrotation']
    lines = [f'{indent}{kind}', f'{indent}{{', f'{indent}  OFFSET {offset}']
    lines += [f'{indent}  {line}' for line in channels]
    for child in children:
        lines += _hierarchy(child, offsets, f'{indent}  ')
    return [*lines, f'{indent}}}']
