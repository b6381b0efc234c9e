"""`unihpe run`: people in videos, pictures, recordings and cameras, written to files."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import signal
import sys
import threading
from typing import TYPE_CHECKING

from unihpe_ros.cli.input_options import add_image_rotation
from unihpe_ros.cli.main import INTERRUPTED
from unihpe_ros.cli.network_options import add_detector, add_model, add_model_2d
from unihpe_ros.cli.values import above_zero, check_folder, size, whole

if TYPE_CHECKING:
    from types import FrameType

    from unihpe_ros.core.skeleton import Skeleton
    from unihpe_ros.estimator import PoseEstimator
    from unihpe_ros.run.inputs.source import Source
    from unihpe_ros.run.session import Plan, RunResult
    from unihpe_ros.web.feed import Feed

DEFAULT_FOLDER = Path('out/run')
_FOV_DEG = 60.0
_STANDS_FOR_NAME = '{name}'
_KEYPOINTS = ('union26', 'coco17', 'h36m17', 'ros4hri18')


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        'run',
        help='find people in a video, pictures, a recording or a camera',
        description='Find and track people, and write them to files. No ROS is needed.',
    )
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help='a video, a picture, a folder of pictures, a recording (mcap, db3, bag), camera:0, '
        'a URL (rtsp, http), or - for frames on standard input',
    )
    parser.add_argument(
        '--out',
        type=Path,
        action='append',
        default=[],
        metavar='FILE',
        help='file to write: .csv, .jsonl, .json (COCO keypoints), .npz, .mcap, or .bvh and .trc '
        '(one for each person); {name} in it stands for the name of the input; may be given '
        f'several times (default: {DEFAULT_FOLDER}/{{name}}.csv, and what is drawn)',
    )
    parser.add_argument(
        '--video', type=Path, metavar='MP4', help='video to write, people drawn in'
    )
    parser.add_argument(
        '--pictures',
        type=Path,
        metavar='FOLDER',
        help='folder for a drawn picture of each frame',
    )
    parser.add_argument(
        '--view', action='store_true', help='show people in a browser while the command runs'
    )
    parser.add_argument(
        '--web-port',
        type=whole(0),
        default=8765,
        metavar='N',
        help='port of the page of --view; 0 for any free one (default: 8765)',
    )
    parser.add_argument(
        '--resume', action='store_true', help='continue an earlier run where it stopped'
    )
    parser.add_argument(
        '--shard',
        default='1/1',
        metavar='I/N',
        help='only part I of N of the inputs, I from 1 to N (default: 1/1, all)',
    )
    _add_input_options(parser)
    add_model(parser)
    add_model_2d(parser)
    add_detector(parser)
    parser.add_argument(
        '--detect-every',
        type=whole(1),
        default=5,
        metavar='N',
        help='run the detector on every N-th image while all known people are tracked '
        '(default: 5)',
    )
    parser.set_defaults(run=run)


def _add_input_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--keypoints',
        choices=_KEYPOINTS,
        default=_KEYPOINTS[0],
        help='keypoint set of .csv, .jsonl, .npz and .mcap (default: union26)',
    )
    parser.add_argument('--topic', default='', help='image topic of a recording')
    parser.add_argument(
        '--fps',
        type=above_zero,
        default=0.0,
        help='rate of the pictures of a folder, or of frames on standard input '
        '(default: no video, each picture on its own; 30 for standard input)',
    )
    parser.add_argument(
        '--raw',
        type=size,
        metavar='WxH',
        help='frames on standard input are raw BGR of this size (default: JPEGs)',
    )
    parser.add_argument(
        '--seconds',
        type=above_zero,
        default=0.0,
        help='length of each input to read, s',
    )
    parser.add_argument(
        '--fov',
        type=above_zero,
        default=0.0,
        metavar='DEG',
        help='horizontal field of view, degrees, of inputs without a calibration (default: 60)',
    )
    add_image_rotation(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from unihpe_ros.core.sharding import choose_shard
    from unihpe_ros.core.skeleton import SKELETONS
    from unihpe_ros.run.inputs.choose import input_name

    names = {text: input_name(text) for text in args.inputs}
    check_targets(args, list(names.values()))
    chosen = choose_shard(list(names), args.shard)
    estimator: PoseEstimator | None = None
    failed, stopped = 0, False
    with stopped_by_signals() as stop, _page(args) as feed:
        for text in chosen:
            if stop.is_set():
                stopped = True
                break
            try:
                plan, source = _prepare(args, text, names[text], SKELETONS[args.keypoints], feed)
                if source is None:
                    print(f'{text}: was done before.')
                    continue
                estimator = estimator or _load(args)
                result = _run_one(source, plan, estimator, stop)
            except (ValueError, OSError) as error:
                failed += 1
                print(f'unihpe run: error: {" ".join(str(error).split())}', file=sys.stderr)
                continue
            _print_result(text, result)
            stopped = stopped or not result.is_whole
    if estimator is not None:
        estimator.close()
    if stopped:
        print('unihpe run: stopped; --resume goes on from there', file=sys.stderr)
        return INTERRUPTED
    return 1 if failed else 0


def check_targets(args: argparse.Namespace, names: list[str]) -> None:
    """Raise ValueError if the files to write are not clear, before anything is read."""
    from unihpe_ros.run.outputs.formats import check_format

    targets = [*args.out, *([args.video] if args.video else [])]
    for path in args.out:
        check_format(path)
    if args.video is not None and args.video.suffix != '.mp4':
        raise ValueError(f'--video: expected a file ending in .mp4; got {args.video}')
    several = len(names) > 1
    for path in targets:
        if several and _STANDS_FOR_NAME not in str(path):
            raise ValueError(
                f'{path}: expected {_STANDS_FOR_NAME} in it, which stands for the name of each '
                f'of the {len(names)} inputs'
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f'inputs: expected each of another name; several are {twice[0]!r}')
    for folder in (*(path.parent for path in targets), *filter(None, [args.pictures])):
        if _STANDS_FOR_NAME not in str(folder):
            check_folder(folder)
    if not (targets or args.pictures or args.view):
        check_folder(DEFAULT_FOLDER)


def _prepare(
    args: argparse.Namespace, text: str, name: str, skeleton: Skeleton, feed: Feed | None
) -> tuple[Plan, Source | None]:
    """Return what to make of an input, and the input; None if it was done before."""
    from unihpe_ros.run.inputs.choose import InputOptions, open_input
    from unihpe_ros.run.session import Plan

    options = InputOptions(args.topic, args.raw, args.fps, args.image_rotation, args.fov)
    source = open_input(text, options)
    if feed is not None:
        feed.rotation = args.image_rotation
    outputs, video, pictures = tuple(args.out), args.video, args.pictures
    if not (outputs or video or pictures or args.view):
        outputs = (DEFAULT_FOLDER / f'{_STANDS_FOR_NAME}.csv',)
        if source.still:
            pictures = DEFAULT_FOLDER
        else:
            video = DEFAULT_FOLDER / f'{_STANDS_FOR_NAME}.mp4'
    plan = Plan(
        name=name,
        outputs=tuple(_named(path, name) for path in outputs),
        video=_named(video, name) if video else None,
        pictures=_named(pictures, name) if pictures else None,
        skeleton=skeleton,
        resume=args.resume,
        seconds=args.seconds,
        settings={
            **{'model': args.model, 'detector': args.detector, 'fov_deg': args.fov or _FOV_DEG},
            'detect_every': args.detect_every,
            **({'model_2d': args.model_2d} if args.model_2d else {}),
            **({'image_rotation': args.image_rotation} if args.image_rotation else {}),
        },
        feed=feed,
    )
    for path in (*plan.outputs, *filter(None, [plan.video])):
        if path.exists() and Path(text).exists() and path.samefile(text):
            source.close()
            raise ValueError(f'{path}: expected another file than the input, which it replaces')
    if args.resume and plan.is_done():
        source.close()
        return plan, None
    return plan, source


def _named(path: Path, name: str) -> Path:
    return Path(str(path).replace(_STANDS_FOR_NAME, name))


def _load(args: argparse.Namespace) -> PoseEstimator:
    from unihpe_ros.estimator import EstimatorSettings, PoseEstimator

    return PoseEstimator(
        args.model,
        EstimatorSettings(default_fov_deg=args.fov or _FOV_DEG, detect_every=args.detect_every),
        backend=args.backend,
        detector=args.detector,
        model_2d=args.model_2d,
    )


def _run_one(
    source: Source, plan: Plan, estimator: PoseEstimator, stop: threading.Event
) -> RunResult:
    from tqdm import tqdm
    from unihpe_ros.run.session import run_input

    # Nothing is drawn where nobody looks, as in the log of a cluster.
    with tqdm(desc=plan.name, total=source.count, unit='image', leave=False, disable=None) as bar:
        try:
            return run_input(source, plan, estimator, stop, lambda done: bar.update(done - bar.n))
        finally:
            source.close()


def _print_result(text: str, result: RunResult) -> None:
    rate = result.frames / result.seconds if result.seconds else 0.0
    dropped = f', {result.dropped} dropped' if result.dropped else ''
    print(
        f'{text}: {result.frames} images at {rate:.1f} a second{dropped}; '
        f'{len(result.people)} people, at most {result.most} at a time.'
    )
    for note in result.notes:
        print(f'{text}: {note}', file=sys.stderr)
    if result.made:
        print(f'Made {", ".join(str(path) for path in result.made)}.')


@contextmanager
def _page(args: argparse.Namespace) -> Iterator[Feed | None]:
    """Serve the page that --view asks for, and say where it is."""
    if not args.view:
        yield None
        return
    from unihpe_ros.web.server import WebView

    page = WebView(args.web_port)
    print(f'People are shown on {page.url}', flush=True)
    try:
        yield page.feeds['']
    finally:
        page.close()


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Set the event on Ctrl-C and on a polite kill; a second Ctrl-C ends the program at once."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
