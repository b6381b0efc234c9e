"""`unihpe doctor`: check installation, models, ROS and cameras; report the faults."""

from __future__ import annotations

import argparse
from importlib import import_module
import sys

from unihpe_ros.core.resources import DETECTOR, MODEL
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
    if args.listen < 0:
        raise ValueError(f'--listen: expected 0 or more seconds; got {args.listen:g}')
    steps: list[tuple[str, str, tuple[object, ...]]] = [
        ('installation', 'describe_versions', ()),
        ('backends', 'describe_backends', (args.model, args.detector_model, args.backend)),
        ('installation', 'describe_folders', ()),
    ]
    if args.listen:
        steps.append(('ros_graph', 'describe_ros', (args.image, args.listen)))
    faults = []
    for module, name, values in steps:
        section = _describe(module, name, values)
        print(section.text(), flush=True)
        faults += section.faults
    if faults:
        print(f'unihpe doctor: no pose comes out; most likely: {faults[0]}', file=sys.stderr)
        return 1
    print('No fault was found.')
    return 0


def _describe(module: str, name: str, values: tuple[object, ...]) -> Section:
    """Return a part of the report; if what it needs can't be imported, that is its fault."""
    try:
        describe = getattr(import_module(f'unihpe_ros.doctor.{module}'), name)
    except Exception as error:  # noqa: BLE001 - a broken package raises what it likes on import.
        return Section(module.capitalize(), faults=[_cause_of_import(error)])
    section: Section = describe(*values)
    return section


def _cause_of_import(error: Exception) -> str:
    """Return in one sentence why a package can't be imported, and what to do."""
    reason = ' '.join(str(error).split()) or type(error).__name__
    if isinstance(error, ModuleNotFoundError):
        return f'{error.name} is not installed: pip install unihpe_ros brings it'
    if '_ARRAY_API' in reason or 'numpy' in reason.lower() or 'multiarray' in reason:
        return (
            f'a package was built for another NumPy ({reason}): pip install --upgrade numpy scipy '
            'opencv-python-headless onnxruntime'
        )
    if 'libGL' in reason:
        return f'OpenCV lacks a library ({reason}): pip install opencv-python-headless instead'
    return f'a package can not be imported: {reason}; install it anew'
