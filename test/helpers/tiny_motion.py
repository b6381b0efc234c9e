"""Motion capture clips made by the tests: a man of 1.7 m in a T-pose, joints named as asked."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from unihpe_ros.synthesis.motion.joint_names import CONVENTIONS

# Role: parent, offset in cm of a BVH file (Y up, facing +Z, the left is +X).
ROLES = {
    'hips': ('', (0, 90, 0)),
    'spine': ('hips', (0, 10, 0)),
    'chest': ('spine', (0, 15, 0)),
    'neck': ('chest', (0, 22, -2)),
    'head': ('neck', (0, 8, 1)),
    'left_collar': ('chest', (2, 18, 0)),
    'left_upper_arm': ('left_collar', (14, 0, 0)),
    'left_forearm': ('left_upper_arm', (28, 0, 0)),
    'left_hand': ('left_forearm', (25, 0, 0)),
    'left_thigh': ('hips', (9, -3, 0)),
    'left_shin': ('left_thigh', (0, -42, 0)),
    'left_foot': ('left_shin', (0, -42, 0)),
}
ENDS = {'head': (0, 18, 0), 'left_hand': (9, 0, 0), 'left_foot': (0, -6, 13)}

Angles = Callable[[str, int], tuple[float, float, float]]


def still(role: str, frame: int) -> tuple[float, float, float]:
    """Hold the T-pose."""
    return 0.0, 0.0, 0.0


def swaying(seed: int, degrees: float = 25.0) -> Angles:
    """Turn every joint about, smoothly."""
    phases: dict[str, np.ndarray] = {}
    rng = np.random.default_rng(seed)

    def angles(role: str, frame: int) -> tuple[float, float, float]:
        if role not in phases:
            phases[role] = rng.uniform(0, 6, 3)
        z, x, y = degrees * np.sin(0.1 * frame + phases[role])
        return float(z), float(x), float(y)

    return angles


def write_clip(
    path: Path, angles: Angles = still, frames: int = 24, convention: str = 'daz'
) -> Path:
    """Write a clip of 120 Hz; its joints turn by angles(role, frame) about Z, X, Y, degrees."""
    roles = dict(ROLES)
    ends = dict(ENDS)
    for table in (roles, ends):
        for role in [role for role in table if role.startswith('left_')]:
            value = table[role]
            parent, (x, y, z) = value if table is roles else ('', value)
            mirrored = (-x, y, z)
            parent = parent.replace('left_', 'right_')
            table[role.replace('left_', 'right_')] = (
                (parent, mirrored) if table is roles else mirrored
            )
    names = CONVENTIONS[convention]
    lines, order = ['HIERARCHY'], []

    def joint(role: str, depth: int) -> None:
        order.append(role)
        pad = '  ' * depth
        word = 'JOINT' if depth else 'ROOT'
        channels = '3' if depth else '6 Xposition Yposition Zposition'
        x, y, z = roles[role][1]
        lines.extend(
            [
                f'{pad}{word} {names[role]}',
                f'{pad}{{',
                f'{pad}  OFFSET {x} {y} {z}',
                f'{pad}  CHANNELS {channels} Zrotation Xrotation Yrotation',
            ]
        )
        for child in roles:
            if roles[child][0] == role:
                joint(child, depth + 1)
        if role in ends:
            x, y, z = ends[role]
            lines.extend([f'{pad}  End Site', f'{pad}  {{', f'{pad}    OFFSET {x} {y} {z}'])
            lines.append(f'{pad}  }}')
        lines.append(f'{pad}}}')

    joint('hips', 0)
    lines += ['MOTION', f'Frames: {frames}', 'Frame Time: 0.0083333']
    for frame in range(frames):
        values = [0.0, 90.0, 0.5 * frame]
        for role in order:
            values.extend(angles(role, frame))
        lines.append(' '.join(f'{value:.6f}' for value in values))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(lines) + '\n')
    return path
