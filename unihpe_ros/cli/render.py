"""
Make training data from motion capture: `unihpe render`.

"""

from __future__ import annotations

import argparse
from pathlib import Path
import sys


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand `render`."""
    parser = subparsers.add_parser(
        'render',
        help='make labelled pictures or 3D poses from motion capture clips',
        description='Draw people who move as BVH clips do, with exact labels.',
    )
    parser.add_argument(
        '--motions',
        type=Path,
        required=True,
        help='folder (or .tar.xz) with BVH clips in one sub-folder per subject',
    )
    parser.add_argument('--out', type=Path, required=True, help='folder for what is made')
    parser.add_argument('--split', choices=('train', 'test'), default='train')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--poses-only',
        action='store_true',
        help='write OUT/poses_SPLIT.npz, 3D poses without pictures',
    )
    parser.add_argument(
        '--rate', type=float, default=10.0, help='poses taken per second of motion'
    )
    parser.add_argument(
        '--shapes-per-pose', type=int, default=8, help='bodies that take each pose (--poses-only)'
    )
    parser.add_argument(
        '--bodies', type=Path, default=None, help='cache of body shapes [OUT/.bodies.npz]'
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make what the arguments ask for; returns the exit status."""
    try:
        return _run(args)
    except (ValueError, OSError) as error:
        print(f'unihpe render: {error}', file=sys.stderr)
        return 1


def _run(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from unihpe_ros.synthesis.body import load_bodies
    from unihpe_ros.synthesis.motions import find_clips, load_motions, motion_folder
    from unihpe_ros.synthesis.poses import build_pose_bank

    folder = motion_folder(args.motions, args.out / '.motions')
    bank = load_motions(find_clips(folder, args.split), args.rate)
    bodies = load_bodies(args.bodies or args.out / '.bodies.npz')
    out = args.out / f'poses_{args.split}.npz'
    count = build_pose_bank(
        bodies, bank, out, args.split, args.shapes_per_pose, args.seed, tqdm
    )
    print(f'{count} poses of {len(bank.names)} clips in {out}')
    return 0
