"""Store labelled photographs for training: `unihpe photos import`."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser('photos', help='store labelled photographs for training')
    actions = parser.add_subparsers(
        dest='action', metavar='ACTION', required=True, help='the action'
    )
    action = actions.add_parser(
        'import', help='read COCO-format annotations and pictures into a folder for `unihpe train`'
    )
    action.add_argument('annotations', type=Path, help='JSON of COCO keypoints, plain or .xz')
    action.add_argument('pictures', type=Path, help='folder or tar of the pictures')
    action.add_argument('--out', type=Path, required=True, help='folder to write')
    action.add_argument(
        '--longest',
        type=int,
        default=640,
        help='longest side of the stored pictures, px (default: 640)',
    )
    action.add_argument(
        '--teacher',
        type=Path,
        help="another network's keypoints of the same people (.npz: annotation_id, keypoints, "
        'scores): they fill what has no label (default: none)',
    )
    action.add_argument(
        '--boxes',
        type=Path,
        help="a detector's boxes in the same pictures (.npz: image_id, boxes, scores): people "
        'without a label are added, so that every picture trains a detector (default: none)',
    )


def run(args: argparse.Namespace) -> int:
    """Import, and say what was made and what was left out."""
    from unihpe_ros.datasets.photo_import import import_photos, summary

    if args.longest < 64:
        raise ValueError(f'--longest: expected at least 64 px; got {args.longest}')
    made = import_photos(
        args.annotations,
        args.pictures,
        args.out,
        longest=args.longest,
        teacher=args.teacher,
        boxes=args.boxes,
    )
    for line in summary(made, args.out):
        print(line)
    return 0
