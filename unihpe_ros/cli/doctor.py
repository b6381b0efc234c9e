"""`unihpe doctor`: check installation, models, ROS and cameras; report the faults."""

from __future__ import annotations

import argparse
from collections.abc import Callable
import sys
from typing import TYPE_CHECKING

from unihpe_ros.core.resources import DETECTOR, MODEL

if TYPE_CHECKING:
    from unihpe_ros.doctor.section import Section

_DEFAULT_S = 3.0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        'doctor',
        help='check the installation, for a bug report',
        description='Print versions, backends, folders, ROS and cameras. Exit with 1 and the most '
        'likely cause if no poses can be published. It writes nothing and sends nothing.',
    )
    parser.add_argument('--model', default=MODEL, help=f'model of the node (default: {MODEL})')
    parser.add_argument(
        '--detector-model', default=DETECTOR, help=f'detector of the node (default: {DETECTOR})'
    )
    parser.add_argument('--backend', default='auto', help='engine of the node (default: auto)')
    parser.add_argument(
        '--image', default='', metavar='TOPIC', help='image topic of the camera (default: any)'
    )
    parser.add_argument(
        '--listen',
        type=float,
        default=_DEFAULT_S,
        metavar='S',
        help=f'how long to listen to cameras, s (default: {_DEFAULT_S:g}; 0 skips ROS)',
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from unihpe_ros.doctor.backends import describe_backends
    from unihpe_ros.doctor.installation import describe_folders, describe_versions
    from unihpe_ros.doctor.ros_graph import describe_ros

    if args.listen < 0:
        raise ValueError(f'--listen: expected 0 or more seconds; got {args.listen:g}')
    steps: list[Callable[[], Section]] = [
        describe_versions,
        lambda: describe_backends(args.model, args.detector_model, args.backend),
        describe_folders,
    ]
    if args.listen:
        steps.append(lambda: describe_ros(args.image, args.listen))
    faults = []
    for step in steps:
        section = step()
        print(section.text(), flush=True)
        faults += section.faults
    if faults:
        print(f'unihpe doctor: no pose comes out; most likely: {faults[0]}', file=sys.stderr)
        return 1
    print('No fault was found.')
    return 0
