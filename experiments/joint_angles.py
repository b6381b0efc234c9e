"""
Compare joint angles from keypoints with the joint rotations of rendered bodies; docs/hri.md.

Bodies of held-out shapes take held-out poses, with seats, knees and floors as in training. Their
true keypoints, once with noise, go through `body_angles`, and what comes out is compared with the
rotations that the bodies were posed by. The picture is docs/hri/joint_angles.svg.

    PYTHONPATH=. python experiments/joint_angles.py --motions cmu_bvh --bodies bodies.npz
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.directions import smallest_rotation
from unihpe_ros.kinematics.human_model import ANGLES, axis_rotation, forward_kinematics, LINKS
from unihpe_ros.kinematics.joint_angles import body_angles
from unihpe_ros.synthesis.body.body_shapes import BodyShapes, load_bodies
from unihpe_ros.synthesis.body.poser import Poser
from unihpe_ros.synthesis.motion.motion_bank import find_clips, load_motions
from unihpe_ros.synthesis.motion.postures import sample_posture

Float64 = NDArray[np.float64]

# The body's axes, x to its left and -y ahead, in those of a link, x ahead and y to its left.
_AXES = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
# Bone of the body, and the one whose head is at its end.
_TRUNK = {'pelvis': ('root', ''), 'torso': ('spine01', ''), 'head': ('head', '')}
_LIMBS = {
    'upper_arm': ('upperarm01', 'lowerarm01'),
    'forearm': ('lowerarm01', 'wrist'),
    'thigh': ('upperleg01', 'lowerleg01'),
    'shin': ('lowerleg01', 'foot'),
}
# The bodies' rest pose has the elbows' axes turned against ours, which are level while the arm
# hangs: median over bent arms, rad.
_ELBOW_AXIS = 0.524


def sample(bodies: BodyShapes, poser: Poser, count: int, seed: int) -> tuple[Float64, dict]:
    """Return ``(N, 26, 3)`` keypoints of random poses, and the ``(N, 3, 3)`` of each link."""
    rng, index = np.random.default_rng(seed), bodies.rig.index
    keypoints, links = [], []
    for _ in range(count):
        posture, shape = sample_posture(rng, poser.bank), int(rng.choice(bodies.shapes('test')))
        turned, _, _ = poser.posed(shape, posture)
        keypoints.append(poser.keypoints(shape, posture.clip, posture.driven, posture.root))
        found = {name: turned[index[bone]] @ _AXES for name, (bone, _) in _TRUNK.items()}
        for letter, side in (('L', 1.0), ('R', -1.0)):
            for name, (bone, end) in _LIMBS.items():
                number = index[f'{bone}.{letter}']
                along = bodies.heads[shape][index[f'{end}.{letter}']] - bodies.heads[shape][number]
                along = along.astype(np.float64) / np.linalg.norm(along)
                hanging = smallest_rotation(np.array([[0.0, 0.0, -1.0]]), along[None])[0]
                link = turned[number].astype(np.float64) @ hanging @ _AXES
                axis = side * _ELBOW_AXIS * (name == 'upper_arm')
                found[f'{letter.lower()}_{name}'] = link @ axis_rotation((0, 0, 1), np.array(axis))
        links.append(found)
    return np.array(keypoints, np.float64), {
        name: np.stack([one[name] for one in links]) for name in links[0]
    }


def errors(keypoints: Float64, true: Mapping[str, Float64]) -> dict[str, Float64]:
    """Return the ``(N,)`` errors of each joint, degrees; of both sides ``(2 N,)``."""
    held = body_angles(keypoints)
    found = dict(zip(LINKS, np.moveaxis(forward_kinematics(held.angles)[0], 1, 0), strict=True))
    rows = {
        'pelvis (in the room)': _apart(held.rotations, true['pelvis']),
        'waist': _apart(found['torso'], _between(true, 'pelvis', 'torso')),
        'neck': _apart(_seen(found, 'torso', 'head'), _between(true, 'torso', 'head')),
    }
    for joint, base, link, upper, lower in (
        ('shoulder', 'torso', 'shoulder', 'upper_arm', 'forearm'),
        ('hip', 'pelvis', 'hip', 'thigh', 'shin'),
    ):
        whole, aim, bends, below = [], [], [], 'elbow' if joint == 'shoulder' else 'knee'
        for side in 'lr':
            ours = found[f'{side}_{link}']
            ours = ours if base == 'pelvis' else np.swapaxes(found['torso'], 1, 2) @ ours
            theirs = _between(true, base, f'{side}_{upper}')
            whole.append(_apart(ours, theirs))
            aim.append(_degrees((ours[:, :, 2] * theirs[:, :, 2]).sum(-1)))
            bend = _between(true, f'{side}_{upper}', f'{side}_{lower}')[:, 2, 2]
            angle = held.angles[:, ANGLES.index(f'{side}_{below}')]
            bends.append(np.abs(_degrees(bend) - np.degrees(np.abs(angle))))
        rows[joint] = np.concatenate(whole)
        rows[f'{joint}, direction alone'] = np.concatenate(aim)
        rows[below] = np.concatenate(bends)
    return rows


def _between(true: Mapping[str, Float64], base: str, link: str) -> Float64:
    return np.swapaxes(true[base], 1, 2) @ true[link]


def _seen(found: Mapping[str, Float64], base: str, link: str) -> Float64:
    return np.swapaxes(found[base], 1, 2) @ found[link]


def _apart(ours: Float64, theirs: Float64) -> Float64:
    return _degrees(0.5 * ((ours * theirs).sum((1, 2)) - 1))


def _degrees(cosine: Float64) -> Float64:
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def draw(path: Path, series: Mapping[str, Mapping[str, Float64]]) -> None:
    """Draw median and 95th percentile of each joint, for each kind of keypoints."""
    from matplotlib.figure import Figure

    figure = Figure((8, 4.2), layout='constrained')
    axes = figure.subplots()
    for number, (label, rows) in enumerate(series.items()):
        places = np.arange(len(rows)) + 0.36 * (number - 0.5 * (len(series) - 1))
        middle, most = (np.array([np.percentile(e, p) for e in rows.values()]) for p in (50, 95))
        axes.barh(places, middle, 0.34, label=f'{label}: median, line to the 95th percentile')
        axes.hlines(places, middle, most, 'black', linewidth=1)
        axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.set_xlabel('error of the joint, degrees')
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={'Date': None})


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--motions', type=Path, required=True, help='folder of BVH clips')
    parser.add_argument('--bodies', type=Path, required=True, help='body shapes, made if missing')
    parser.add_argument('--poses', type=int, default=2000)
    parser.add_argument('--every', type=int, default=1, help='take every so many-th clip')
    parser.add_argument('--noise', type=float, default=0.03, help='of the second series, m')
    parser.add_argument('--out', type=Path, default=Path('docs/hri/joint_angles.svg'))
    args = parser.parse_args()
    bodies = load_bodies(args.bodies)
    bank = load_motions(find_clips(args.motions, 'test')[:: args.every], 4)
    keypoints, true = sample(bodies, Poser(bodies, bank), args.poses, seed=0)
    noise = args.noise * np.random.default_rng(1).normal(size=keypoints.shape)
    series = {
        'true keypoints': errors(keypoints, true),
        f'noise of {100 * args.noise:.0f} cm': errors(keypoints + noise, true),
    }
    print(f'{args.poses} poses of {len(bank)} in {len(bank.names)} clips')
    for label, rows in series.items():
        print(f'\n| {label} | median | 95 % |\n|---|---|---|')
        for joint, off in rows.items():
            print(f'| {joint} | {np.median(off):.1f} | {np.percentile(off, 95):.1f} |')
    draw(args.out, series)


if __name__ == '__main__':
    main()
