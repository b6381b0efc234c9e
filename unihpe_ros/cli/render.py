"""`unihpe render`: make training data from motion capture."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from unihpe_ros.cli import values

if TYPE_CHECKING:
    from unihpe_ros.synthesis.samples.people import PeopleAssets
    from unihpe_ros.synthesis.samples.shard_writer import RenderPlan

_BENCH_SAMPLES = 64
_SIZES = {'crops': (144, 192), 'scenes': (416, 256)}


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
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument(
        '--split',
        choices=('train', 'test'),
        default='train',
        help='train, or test: other people and motions, for evaluation (default: train)',
    )
    parser.add_argument(
        '--seed',
        type=values.whole(0),
        default=0,
        help='random seed; the same seed gives the same pictures (default: 0)',
    )
    parser.add_argument(
        '--count', type=values.whole(1), default=1000, help='number of pictures (default: 1000)'
    )
    parser.add_argument(
        '--scenes',
        action='store_true',
        help='whole pictures with 0 to 6 people, for training a detector',
    )
    parser.add_argument(
        '--size',
        type=values.size,
        metavar='WxH',
        help='size of the crop or, with --scenes, of the whole picture, px '
        '(default: 144x192, 416x256)',
    )
    parser.add_argument(
        '--workers', type=values.whole(1), default=1, metavar='N', help='processes (default: 1)'
    )
    parser.add_argument(
        '--shard',
        type=values.part_from_zero,
        default=(0, 1),
        metavar='I/N',
        help='make part I of N, I from 0 to N - 1 (default: 0/1, all)',
    )
    parser.add_argument(
        '--rate',
        type=values.above_zero,
        default=10.0,
        help='poses taken per second of motion, Hz (default: 10)',
    )
    parser.add_argument(
        '--shapes-per-pose',
        type=values.whole(1),
        default=8,
        metavar='N',
        help='body shapes per pose, with --poses-only (default: 8)',
    )
    parser.add_argument(
        '--varied',
        type=values.share,
        default=0.0,
        help='share of poses that are varied at random, 0 to 1, with --poses-only (default: 0)',
    )
    parser.add_argument(
        '--bodies',
        type=Path,
        help='cache of body shapes; made if missing (default: OUT/.bodies.npz)',
    )
    parser.add_argument(
        '--backgrounds',
        type=Path,
        help='folder of photographs for some of the backgrounds (default: none)',
    )
    task = parser.add_mutually_exclusive_group()
    task.add_argument(
        '--preview',
        type=values.whole(1),
        metavar='N',
        help='write N pictures as OUT/preview.png instead',
    )
    task.add_argument(
        '--bench', action='store_true', help='measure the speed by number of workers'
    )
    task.add_argument(
        '--poses-only',
        action='store_true',
        help='write OUT/poses_SPLIT.npz, 3D poses without pictures',
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write what the arguments ask for; return the exit status."""
    # One thread per process: spinning BLAS threads halve the rate.
    for name in ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS'):
        os.environ.setdefault(name, '1')
    from unihpe_ros.synthesis.body.body_shapes import load_bodies
    from unihpe_ros.synthesis.motion.motion_bank import find_clips, load_motions, motion_folder
    from unihpe_ros.synthesis.samples.people import PeopleAssets
    from unihpe_ros.synthesis.samples.shard_writer import RenderPlan

    values.check_folder(args.out)
    folder = motion_folder(args.motions, args.out / '.motions')
    bank = load_motions(find_clips(folder, args.split), args.rate)
    baked = args.bodies or args.out / '.bodies.npz'
    if not baked.exists():
        print(f'sampling body shapes, once, into {baked}: about a minute')
    bodies = load_bodies(baked)
    assets = PeopleAssets(bodies, bank, bodies.shapes(args.split))
    if args.poses_only:
        return _write_poses(assets, args)
    kind = 'scenes' if args.scenes else 'crops'
    size = args.size or _SIZES[kind]
    part, parts = args.shard
    plan = RenderPlan(args.out, args.split, args.seed, args.count, size, part, parts, kind)
    if args.bench:
        return _bench(assets, plan)
    if args.preview:
        return _write_preview(assets, plan, args.preview)
    return _write_data(assets, plan, args)


def _write_poses(assets: PeopleAssets, args: argparse.Namespace) -> int:
    from tqdm import tqdm
    from unihpe_ros.synthesis.samples.pose_bank import build_pose_bank

    out = args.out / f'poses_{args.split}.npz'
    count = build_pose_bank(
        assets.poser, out, args.split, args.shapes_per_pose, args.seed, args.varied, tqdm
    )
    print(f'{count} poses of {len(assets.bank.names)} clips in {out}')
    return 0


def _bench(assets: PeopleAssets, plan: RenderPlan) -> int:
    from unihpe_ros.synthesis.samples.speed import measure_speed

    print(f'labelled {plan.kind} of {plan.size[0]}x{plan.size[1]} px')
    print('workers  pictures/s  per CPU-second  scaling')
    single = None
    for speed in measure_speed(assets, plan, _BENCH_SAMPLES):
        single = single or speed.rate
        scaling = speed.rate / (single * speed.workers)
        print(f'{speed.workers:7} {speed.rate:11.1f} {speed.rate_per_cpu:15.1f} {scaling:8.2f}')
    return 0


def _write_preview(assets: PeopleAssets, plan: RenderPlan, count: int) -> int:
    from unihpe_ros.synthesis.samples.crop_sample import render_crop
    from unihpe_ros.synthesis.samples.preview import labelled_sheet
    from unihpe_ros.synthesis.samples.scene_sample import render_scene
    from unihpe_ros.visualisation.video import write_picture

    numbers = range(count)
    if plan.kind == 'crops':
        sheet = labelled_sheet([render_crop(assets, plan.key(n), plan.size) for n in numbers])
    else:
        sheet = labelled_sheet([render_scene(assets, plan.key(n), plan.size) for n in numbers])
    out = plan.out / 'preview.png'
    write_picture(out, sheet)
    print(f'{count} pictures in {out}')
    return 0


def _write_data(assets: PeopleAssets, plan: RenderPlan, args: argparse.Namespace) -> int:
    from tqdm import tqdm
    from unihpe_ros.synthesis.samples.shard_writer import write_shards
    from unihpe_ros.synthesis.scenery.background_photos import read_photos

    photos = read_photos(args.backgrounds) if args.backgrounds else []
    total = sum(len(plan.samples(shard)) for shard in plan.shards())
    with tqdm(total=total, unit='picture') as bar:
        for made in write_shards(assets, plan, args.workers, photos):
            bar.update(made)
    print(f'{total} labelled pictures ({plan.split}) in {plan.out}')
    return 0
