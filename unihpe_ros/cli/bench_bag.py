"""`unihpe bench bag`: models on recordings."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from unihpe_ros.cli.bench_output import add_out, print_table, progress_bar, write_report
from unihpe_ros.cli.input_options import add_image_rotation
from unihpe_ros.cli.main import INTERRUPTED
from unihpe_ros.cli.network_options import add_detector, add_model_2d
from unihpe_ros.cli.values import check_folder
from unihpe_ros.core.resources import MODEL

if TYPE_CHECKING:
    from unihpe_ros.bench.recordings.bench_report import BenchReport


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        'bag',
        help='measure models on recordings',
        description='Run models on rosbag2 (mcap, sqlite3) or rosbag1 and write a report. '
        'Without --through ros and --write-bag, no ROS is needed.',
    )
    parser.add_argument('path', type=Path, help='a recording, or a folder of them')
    parser.add_argument(
        '--topic', default='', help='image topic (default: the one that a recording has)'
    )
    parser.add_argument('--rectified', action='store_true', help='the images are rectified')
    add_image_rotation(parser)
    parser.add_argument(
        '--model',
        action='append',
        metavar='M',
        help=f'name of a shipped model, or a path (default: {MODEL}); may be given several times',
    )
    parser.add_argument(
        '--backend', default='auto', help='engine that runs the models (default: auto)'
    )
    add_model_2d(parser)
    add_detector(parser)
    parser.add_argument(
        '--rate',
        help='speed of the images: max for all of them without waiting; real, or a factor such as '
        '2.0, at which images may be dropped (default: max; real through ros)',
    )
    parser.add_argument(
        '--through',
        choices=('direct', 'ros'),
        default='direct',
        help='direct: run in this process; ros: play to a live node (default: direct)',
    )
    parser.add_argument(
        '--truth',
        default='',
        metavar='TOPIC|FILE',
        help='ground truth: a topic, or an .npz file (default: /truth/pose3d if it is there)',
    )
    add_out(parser)
    parser.add_argument(
        '--shard',
        default='1/1',
        metavar='I/N',
        help='only part I of N, I from 1 to N (default: 1/1, all)',
    )
    parser.add_argument(
        '--write-bag', type=Path, metavar='BAG', help='recording to write, with the poses added'
    )
    parser.add_argument('--video', type=Path, metavar='MP4', help='video to write')
    parser.add_argument(
        '--anonymise',
        nargs='?',
        const='blur',
        default='off',
        choices=('off', 'blur', 'skeleton'),
        help="in the video and the report's pictures, blur heads or cover people (default: off; "
        'alone: blur)',
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    # Missing ones are named before anything is run.
    import matplotlib  # noqa: F401
    import rosbags  # noqa: F401

    if args.through == 'ros' or args.write_bag is not None:
        import rclpy  # noqa: F401
    from unihpe_ros.bench.recordings.bench_plan import BenchPlan
    from unihpe_ros.bench.recordings.recordings_benchmark import BY_USER, Session

    files = [file for file in (args.write_bag, args.video) if file is not None]
    for folder in (args.out, *(file.parent for file in files)):
        check_folder(folder)
    live = args.through == 'ros'
    plan = BenchPlan(
        source=args.path,
        models=tuple(dict.fromkeys(args.model or [MODEL])),
        backend=args.backend,
        detector=args.detector,
        model_2d=args.model_2d,
        topic=args.topic,
        rectified=args.rectified,
        image_rotation=args.image_rotation,
        rate=_rate(args.rate or ('real' if live else 'max')),
        live=live,
        truth=args.truth,
        shard=args.shard,
        write_bag=args.write_bag,
        video=args.video,
        anonymise=args.anonymise,
    )
    session = Session(plan, progress_bar)
    report = session.run()
    if not report.models:
        print('unihpe bench: interrupted before anything was measured', file=sys.stderr)
        return INTERRUPTED
    _print_figures(report)
    for made in session.made:
        print(f'Made {made}.')
    for note in session.notes:
        print(f'note: {note}')
    write_report(report, args.out)
    for problem in session.problems:
        print(f'unihpe bench: error: {problem}', file=sys.stderr)
    if report.ended_by:
        print(f'unihpe bench: error: unfinished: {report.ended_by}', file=sys.stderr)
        return INTERRUPTED if report.ended_by == BY_USER else 1
    blind = _unread(report)
    for text in blind:
        print(f'unihpe bench: error: {text}', file=sys.stderr)
    return 1 if session.problems or blind else 0


def _rate(text: str) -> float:
    if text in ('max', 'real'):
        return 1.0 if text == 'real' else 0.0
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise ValueError(f'--rate: expected max, real or a number above 0; got {text!r}')
    return rate


def _unread(report: BenchReport) -> list[str]:
    """Return a line for each recording of which no image could be read, with what was there."""
    from unihpe_ros.bench.recordings.frame_table import BROKEN

    return [
        f'{bag.bag}: none of {bag.images} images on {bag.topic} could be read; {bag.first_error}'
        for bag in report.models[0].bags
        if all(state == BROKEN for state in bag.frames['state'])
    ]


def _print_figures(report: BenchReport) -> None:
    from unihpe_ros.bench.recordings.metric_text import metrics_under, sentence, table_of

    summaries = {one.model: one.summary for one in report.models}
    for name, summary in summaries.items():
        print(f'{name}: {sentence(summary)}')
    print_table([['', *summaries], *table_of(metrics_under('throughput'), summaries)])
    for model in report.models:
        for bag in model.bags:
            if bag.first_error:
                print(f'first broken image: {bag.first_error}')
