"""`unihpe gestures`: galleries of gestures, recorded, listed and tried on recordings."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import threading
from typing import TYPE_CHECKING

from unihpe_ros.cli.input_options import add_image_rotation
from unihpe_ros.cli.network_options import add_detector, add_model
from unihpe_ros.cli.run import stopped_by_signals
from unihpe_ros.cli.values import above_zero, check_folder

if TYPE_CHECKING:
    from unihpe_ros.estimator import PoseEstimator
    from unihpe_ros.kinematics.gesture_gallery import Gallery
    from unihpe_ros.run.inputs.source import Source

_GALLERY = Path('gestures.npz')
_INPUTS = (
    'a video, a recording (mcap, db3, bag), a folder of pictures, camera:0, a URL or a topic of '
    'images such as /camera/image_raw'
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        'gestures',
        help='teach gestures, and try which are recognised',
        description='A gallery holds the starter gestures and those that you record. The node '
        'reads it with the parameter gestures: FILE.',
    )
    actions = parser.add_subparsers(
        dest='action', metavar='ACTION', required=True, help='the action'
    )
    record = actions.add_parser('record', help='add a gesture, or replace one recorded earlier')
    record.add_argument(
        'name', help='lower case letters, digits and _; rest for what is no gesture'
    )
    record.add_argument(
        '--from', dest='input', required=True, metavar='INPUT', help=f'{_INPUTS}; one person alone'
    )
    record.add_argument(
        '--kind',
        choices=('auto', 'pose', 'movement'),
        default='auto',
        help='whether the arms are held or moved (default: auto, by how fast they are)',
    )
    record.add_argument(
        '--one-sided',
        action='store_true',
        help='the mirror image is another gesture (default: it is the same)',
    )
    record.add_argument(
        '--limit',
        type=above_zero,
        metavar='D',
        help='largest distance at which it is recognised (default: that of the starter gestures)',
    )
    _add_input_options(
        record, live='how long to record, s (default: all; 5 of a camera or a topic)'
    )
    shown = actions.add_parser('list', help='print the gestures of a gallery')
    removed = actions.add_parser('remove', help='remove a gesture, of the starter ones too')
    removed.add_argument('name', help='which one')
    tested = actions.add_parser('test', help='print which gestures people make in an input')
    tested.add_argument('input', metavar='INPUT', help=_INPUTS)
    _add_input_options(tested, live='how much to look at, s (default: all)')
    for action in (record, shown, removed, tested):
        action.add_argument(
            '--gallery',
            type=Path,
            default=_GALLERY,
            metavar='NPZ',
            help=f'file of the gallery; begins as the starter one (default: {_GALLERY})',
        )


def _add_input_options(parser: argparse.ArgumentParser, live: str) -> None:
    parser.add_argument('--seconds', type=above_zero, default=0.0, help=live)
    parser.add_argument('--topic', default='', help='image topic of a recording')
    parser.add_argument(
        '--fps',
        type=above_zero,
        default=0.0,
        help='rate of the pictures of a folder (default: none, each is a pose on its own)',
    )
    add_image_rotation(parser)
    add_model(parser)
    add_detector(parser)


def run(args: argparse.Namespace) -> int:
    """Run the action; return the exit status."""
    actions = {'record': run_record, 'list': run_list, 'remove': run_remove, 'test': run_test}
    return actions[args.action](args)


def run_record(args: argparse.Namespace) -> int:
    """Add a gesture to the gallery."""
    from unihpe_ros.kinematics.gesture_examples import make_examples
    from unihpe_ros.kinematics.gesture_gallery import (
        check_name,
        KnownGesture,
        MOVEMENT_LIMIT,
        POSE_LIMIT,
        write_gallery,
    )
    from unihpe_ros.run.gesturing_people import main_arms

    check_folder(args.gallery.parent)
    gallery = _gallery(args.gallery)
    # A name that is none is told before anybody stands in front of a camera.
    check_name(args.name)
    with _opened(args) as (source, estimator, stop):
        seconds = args.seconds or (5.0 if source.live else 0.0)
        track = main_arms(source, estimator, seconds, stop)
        kind = 'pose' if source.still else args.kind
    examples = make_examples(
        track.stamps, track.arms, kind, one_sided=args.one_sided, still=source.still
    )
    limit = args.limit or (MOVEMENT_LIMIT if examples.ndim == 3 else POSE_LIMIT)
    known = KnownGesture(args.name, examples, limit, args.input)
    write_gallery(args.gallery, gallery.with_gesture(known))
    kind = 'movement' if known.is_movement else 'pose'
    print(f'{args.name}: a {kind}, {len(examples)} examples from {len(track.arms)} images.')
    print(f'Made {args.gallery}. Try it: unihpe gestures test INPUT --gallery {args.gallery}')
    return 0


def run_list(args: argparse.Namespace) -> int:
    """Print the gestures of a gallery."""
    from unihpe_ros.kinematics.starter_gestures import starter_gestures

    gallery = _gallery(args.gallery)
    starter = starter_gestures()
    for known in (*(starter[name] for name in gallery.starter), *gallery.recorded):
        kind = 'movement' if known.is_movement else 'pose'
        print(
            f'{known.name}: {kind}, {len(known.examples)} examples, limit {known.limit:.2f}, '
            f'from {known.source}'
        )
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Remove a gesture from the gallery."""
    from unihpe_ros.kinematics.gesture_gallery import write_gallery

    write_gallery(args.gallery, _gallery(args.gallery).without(args.name))
    print(f'{args.name} is removed from {args.gallery}.')
    return 0


def run_test(args: argparse.Namespace) -> int:
    """Print the gestures with person and time, and their number per minute."""
    from unihpe_ros.kinematics.gestures import GestureRecogniser
    from unihpe_ros.run.gesturing_people import gesture_spans

    gallery = _gallery(args.gallery)
    with _opened(args) as (source, estimator, stop):
        if source.still:
            raise ValueError(f'{args.input}: expected pictures that follow each other: --fps 15')
        spans, seen_for = gesture_spans(
            source, estimator, GestureRecogniser(gallery), args.seconds, stop
        )
    for one in spans:
        print(
            f'{one.begin:7.1f} s  person {one.person}  {one.name}  for '
            f'{one.end - one.begin:.1f} s  confidence {one.confidence:.2f}'
        )
    minutes = seen_for / 60
    rate = f', {len(spans) / minutes:.2f} a minute' if minutes else ''
    print(f'{len(spans)} gestures in {seen_for:.1f} s of people{rate}.')
    return 0


def _gallery(path: Path) -> Gallery:
    """Return the gallery of a file; the starter one if there is no such file."""
    from unihpe_ros.kinematics.starter_gestures import open_gallery, STARTER_NAME

    return open_gallery(str(path) if path.exists() else STARTER_NAME)


@contextmanager
def _opened(
    args: argparse.Namespace,
) -> Iterator[tuple[Source, PoseEstimator, threading.Event]]:
    """Open the input and load the model; Ctrl-C ends the reading, not the program."""
    from unihpe_ros.estimator import EstimatorSettings, PoseEstimator
    from unihpe_ros.run.inputs.choose import InputOptions, open_input
    from unihpe_ros.run.inputs.topic_images import is_topic, TopicImages

    if is_topic(args.input) and not Path(args.input).exists():
        source: Source = TopicImages(args.input)
        source.rotation = args.image_rotation
    else:
        options = InputOptions(args.topic, None, args.fps, args.image_rotation)
        source = open_input(args.input, options)
    try:
        estimator = PoseEstimator(
            args.model, EstimatorSettings(), backend=args.backend, detector=args.detector
        )
        try:
            with stopped_by_signals() as stop:
                yield source, estimator, stop
        finally:
            estimator.close()
    finally:
        source.close()
