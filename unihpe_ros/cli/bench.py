"""Measure models on recordings, compare and merge the reports."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import json
import math
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from unihpe_ros.cli import bench_node

if TYPE_CHECKING:
    from unihpe_ros.bench.report import Report

INTERRUPTED = 130  # What a shell reports for a process that Ctrl-C ended.


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        'bench',
        help='measure models on recordings',
        description='Measure models on recordings; compare and merge the reports.',
    )
    parser.set_defaults(run=run)
    commands = parser.add_subparsers(dest='bench_command', metavar='COMMAND', required=True)
    _add_bag(commands)
    _add_tracking(commands)
    _add_engine(commands)
    bench_node.add_parser(commands)
    compare = commands.add_parser(
        'compare',
        help='reports side by side, as ratios to the first',
        description='Put reports side by side, with ratios to the first and the noise of these.',
    )
    compare.add_argument('reports', nargs='+', type=Path, help='report.json, or its folder')
    compare.add_argument(
        '--fail-if',
        action='append',
        default=[],
        metavar='METRIC>RATIO',
        help="exit with 1 if a figure's ratio is beyond a limit, such as latency_ms.p95>1.1 or "
        'throughput.overall_fps<0.9; may be given several times',
    )
    merging = commands.add_parser(
        'merge',
        help='one report of those of several shards',
        description='Make the report that one machine would have made of those of its shards.',
    )
    merging.add_argument('reports', nargs='+', type=Path, help='report.json, or its folder')
    merging.add_argument('--out', type=Path, default=Path('out/bench'), help='folder to write to')


def _add_bag(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        'bag',
        help='models on one or many recordings',
        description='Run models on rosbag2 (mcap, sqlite3) or rosbag1 and write a report. '
        'Without --through ros and --write-bag, no ROS is needed.',
    )
    parser.add_argument('path', type=Path, help='a recording, or a folder of them')
    parser.add_argument('--topic', default='', help='image topic, if a recording has several')
    parser.add_argument('--rectified', action='store_true', help='the images are rectified')
    parser.add_argument(
        '--model',
        action='append',
        metavar='M',
        help='name of a shipped model, or a path (default: unihpe_rt); may be given several times',
    )
    parser.add_argument('--backend', default='auto', help='engine that runs the models')
    parser.add_argument(
        '--detector',
        default='unihpe_det',
        metavar='M',
        help='who finds people: name of a shipped detector, or a path',
    )
    parser.add_argument(
        '--rate',
        help='max: every image, as fast as it goes; real or a number such as 2.0: at that pace, '
        'where images may be dropped (default: max; real through ros)',
    )
    parser.add_argument(
        '--through',
        choices=('direct', 'ros'),
        default='direct',
        help='run in this process, or play to a live node (default: direct)',
    )
    parser.add_argument(
        '--truth',
        default='',
        metavar='TOPIC|FILE',
        help='true people: a topic, or an .npz file (default: /truth/pose3d if it is there)',
    )
    parser.add_argument('--out', type=Path, default=Path('out/bench'), help='folder to write to')
    parser.add_argument('--shard', default='1/1', metavar='I/N', help='only part I of N')
    parser.add_argument(
        '--write-bag', type=Path, metavar='BAG', help='recording to write, with the poses added'
    )
    parser.add_argument('--video', type=Path, metavar='MP4', help='video to write')


def _add_engine(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        'engine',
        help='every backend on the same people: latency by stage, throughput, agreement',
        description='Time a model on every backend that works here, by number of people and '
        'stage, compare the answers, and put it all into one table and engine.json.',
    )
    parser.add_argument('--model', default='unihpe_rt', help='shipped model, or a path')
    parser.add_argument(
        '--backend', action='append', metavar='B', help='only this one; may be given several times'
    )
    parser.add_argument('--calls', type=int, default=200, help='timed calls each (default: 200)')
    parser.add_argument(
        '--parity', type=int, default=256, help='crops that answers are compared on (default: 256)'
    )
    parser.add_argument(
        '--torch', action='store_true', help="time PyTorch's eager and compiled network as well"
    )
    parser.add_argument('--out', type=Path, default=Path('out/bench'), help='folder to write to')


def _add_tracking(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        'tracking',
        help='ids, places in the room, jitter and lag on generated people',
        description='Follow generated people whose truth is known, beside ByteTrack where the '
        'packages trackers and supervision are installed; measure places in the room at 1 to 6 m, '
        'jitter and lag.',
    )
    parser.add_argument('--model', default='unihpe_rt', help='name of a shipped model, or a path')
    parser.add_argument('--backend', default='auto', help='engine that runs the model')
    parser.add_argument('--seconds', type=float, default=60.0, help='length of each sequence')
    parser.add_argument('--sequences', type=int, default=4, help='sequences, of 3 to 6 people')
    parser.add_argument('--out', type=Path, default=Path('out/bench'), help='folder to write to')


def run(args: argparse.Namespace) -> int:
    """Run the sub-command; return the exit status."""
    commands = {
        'bag': _bag,
        'engine': _engine,
        'compare': _compare,
        'merge': _merge,
        'tracking': _tracking,
        'node': _node,
    }
    return commands[args.bench_command](args)


def _bag(args: argparse.Namespace) -> int:
    # Missing ones are named before anything is run.
    import matplotlib  # noqa: F401
    import rosbags  # noqa: F401

    if args.through == 'ros' or args.write_bag is not None:
        import rclpy  # noqa: F401
    from unihpe_ros.bench.session import INTERRUPTED as BY_USER, Plan, Session

    live = args.through == 'ros'
    plan = Plan(
        source=args.path,
        models=tuple(dict.fromkeys(args.model or ['unihpe_rt'])),
        backend=args.backend,
        detector=args.detector,
        topic=args.topic,
        rectified=args.rectified,
        rate=_rate(args.rate or ('real' if live else 'max')),
        live=live,
        truth=args.truth,
        shard=args.shard,
        write_bag=args.write_bag,
        video=args.video,
    )
    session = Session(plan, _progress)
    report = session.run()
    if not report.models:
        print('unihpe bench: interrupted before anything was measured', file=sys.stderr)
        return INTERRUPTED
    _print_figures(report)
    for made in session.made:
        print(f'Made {made}.')
    _write(report, args.out)
    if report.ended_by:
        print(f'unihpe bench: error: unfinished: {report.ended_by}', file=sys.stderr)
        return INTERRUPTED if report.ended_by == BY_USER else 1
    return 0


def _engine(args: argparse.Namespace) -> int:
    import rosbags  # noqa: F401
    from tqdm import tqdm
    from unihpe_ros.bench.engine import BACKENDS, EngineBench
    from unihpe_ros.bench.engine_table import to_record, to_text
    from unihpe_ros.core.files import write_whole

    if args.calls < 1 or args.parity < 0:
        raise ValueError('expected --calls of 1 or more and --parity of 0 or more')
    bench = EngineBench(
        args.model,
        args.backend or BACKENDS,
        args.calls,
        args.parity,
        lambda title, calls: tqdm(calls, desc=title, leave=False),
    )
    bench.run()
    if args.torch:
        from unihpe_ros.bench.torch_engine import time_torch

        time_torch(bench)
    if not bench.rows:
        reasons = '; '.join(f'{name}: {reason}' for name, reason in bench.skipped.items())
        raise ValueError(f'no backend runs here: {reasons}')
    record = to_record(bench)
    text = to_text(record)
    print(text)
    write_whole(args.out / 'engine.json', json.dumps(record, indent=1) + '\n')
    write_whole(args.out / 'engine.md', text)
    print(f'Made {args.out / "engine.md"} and engine.json beside it.')
    return 0


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


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], object]]:
    from tqdm import tqdm

    with tqdm(desc=title, total=total, unit='image', leave=False) as bar:
        yield bar.update


def _print_figures(report: Report) -> None:
    from unihpe_ros.bench.summary import summarise
    from unihpe_ros.bench.wording import metrics_under, sentence, table_of

    summaries = {one.model: summarise(one.bags) for one in report.models}
    for name, summary in summaries.items():
        print(f'{name}: {sentence(summary)}')
    _print_table([['', *summaries], *table_of(metrics_under('throughput'), summaries)])
    for model in report.models:
        for bag in model.bags:
            if bag.first_error:
                print(f'first broken image: {bag.first_error}')


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print('  '.join(cells).rstrip())


def _write(report: Report, out: Path) -> None:
    from unihpe_ros.bench.html import to_html
    from unihpe_ros.bench.markdown import to_markdown
    from unihpe_ros.bench.report import write_json
    from unihpe_ros.core.files import write_whole

    write_json(report, out)
    write_whole(out / 'report.md', to_markdown(report))
    page = out / 'report.html'
    write_whole(page, to_html(report))
    print(f'Made {page}, report.md and report.json beside it.')


def _node(args: argparse.Namespace) -> int:
    # Without it nothing can be drawn.
    import matplotlib  # noqa: F401

    return bench_node.run(args)


def _compare(args: argparse.Namespace) -> int:
    from unihpe_ros.bench import compare
    from unihpe_ros.bench.report import read_report

    rules = [compare.parse_rule(text) for text in args.fail_if]
    reports = [read_report(path) for path in args.reports]
    sides = compare.sides_of(reports, [str(path) for path in args.reports])
    if len(sides) < 2:
        raise ValueError('compare: expected two reports, or one of several models')
    _print_table(compare.table(sides))
    lines = compare.breaches(rules, sides)
    for line in lines:
        print(f'unihpe bench: error: {line}', file=sys.stderr)
    if not lines:
        print(f'Compared {len(sides)} results: no limit of {len(rules)} is breached.')
    return 1 if lines else 0


def _merge(args: argparse.Namespace) -> int:
    # Without it nothing can be drawn.
    import matplotlib  # noqa: F401
    from unihpe_ros.bench.report import merge, read_report

    reports = [read_report(path) for path in args.reports]
    _write(merge(reports, [str(path) for path in args.reports]), args.out)
    return 0


def _tracking(args: argparse.Namespace) -> int:
    # Without it nothing can be drawn.
    import matplotlib  # noqa: F401
    from unihpe_ros.bench import rooms, tracking, tracking_report
    from unihpe_ros.estimator import EstimatorSettings, PoseEstimator

    if not (0 < args.seconds < math.inf) or args.sequences < 1:
        raise ValueError('--seconds, --sequences: expected numbers above 0')
    estimator = PoseEstimator(args.model, backend=args.backend)
    makers: dict[str, Callable[[], tracking.Follower]] = {
        tracking.OurTracker.name: lambda: tracking.OurTracker(estimator)
    }
    if tracking.ByteTrack.is_installed():
        makers[tracking.ByteTrack.name] = tracking.ByteTrack
    else:
        print("ByteTrack is left out: pip install 'unihpe_ros[peers]' brings it.")
    scores = []
    for name, make in makers.items():
        with _progress(name, round(args.seconds * tracking.RATE) * args.sequences) as step:
            seeds = range(args.sequences)
            scores.append(tracking.follow_crowds(make, name, seeds, args.seconds, lambda: step(1)))
    _print_table(tracking_report.tracking_table(scores))
    with _progress('places in the room', len(rooms.DISTANCES)) as step:
        errors = rooms.root_errors(estimator, on_distance=lambda: step(1))
    estimator.close()
    _print_table(tracking_report.root_table(errors))
    figures = [rooms.steadiness(EstimatorSettings(smoothing=on)) for on in (True, False)]
    _print_table(tracking_report.steadiness_table(figures))
    tracking_report.write_figures(args.out, scores, errors, figures)
    print(f'Made {args.out / "tracking.json"} and tracking.png beside it.')
    return 0
