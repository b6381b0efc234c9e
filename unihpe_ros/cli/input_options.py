"""Options that several subcommands share: how an input's images are."""

from __future__ import annotations

import argparse

_ROTATIONS = (0, 90, 180, 270)


def add_image_rotation(parser: argparse.ArgumentParser) -> None:
    """Add the option --image-rotation, the node's parameter image_rotation."""
    parser.add_argument(
        '--image-rotation',
        type=int,
        choices=_ROTATIONS,
        default=0,
        help='degrees by which the images must be turned clockwise to be upright; results are of '
        'the images as they are (default: 0)',
    )
