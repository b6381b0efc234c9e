"""`unihpe bench node`: the live node under cameras of every size and rate."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
import re
import tempfile
from typing import TYPE_CHECKING

from unihpe_ros.cli.bench_output import add_out, print_table
from unihpe_ros.cli.network_options import add_model
from unihpe_ros.cli.values import above_zero, check_folder, whole

if TYPE_CHECKING:
    from unihpe_ros.bench.node.cases import Case, Figures

_QUICK_SECONDS, _QUICK_FRAMES = 4.0, 300


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        'node',
        help='measure the node: fps, drops, latency, CPU, memory, overload',
        description='Play a synthetic camera from a second process to the real node, at every '
        'size, transport, rate and number of people, and to a naive node for comparison. Then '
        'run the node at twice the load that it can bear, and over many images to see whether '
        'memory grows. Writes node.json and node.png.',
    )
    add_model(parser)
    parser.add_argument(
        '--seconds',
        type=above_zero,
        default=60.0,
        help='measured time of each run, s (default: 60)',
    )
    parser.add_argument(
        '--size',
        action='append',
        metavar='WxH',
        help='image size, px; may be given several times (default: all)',
    )
    parser.add_argument(
        '--transport', choices=('raw', 'compressed'), help='image transport (default: both)'
    )
    parser.add_argument(
        '--fps',
        action='append',
        type=above_zero,
        help='images per second; may be given several times (default: all)',
    )
    parser.add_argument(
        '--people',
        action='append',
        type=whole(1),
        metavar='N',
        help='people in the image; may be given several times (default: all)',
    )
    parser.add_argument(
        '--soak',
        type=whole(0),
        default=30000,
        metavar='N',
        help='images of the last, long run; 0 skips it (default: 30000)',
    )
    parser.add_argument(
        '--quick',
        action='store_true',
        help=f'{_QUICK_SECONDS:.0f} s a run, 30 fps, one person, two sizes: a quick check',
    )
    add_out(parser)


def run(args: argparse.Namespace) -> int:
    """Run all cases; return the exit status."""
    # Without it nothing can be drawn.
    import matplotlib  # noqa: F401
    from unihpe_ros.bench.node import node_report
    from unihpe_ros.engines.model_files import find_model

    check_folder(args.out)
    # Else each run would wait for a node that cannot load it.
    find_model(args.model)
    results: list[Figures] = []
    try:
        for figures in _results(args):
            results.append(figures)
    except KeyboardInterrupt:
        if not results:
            raise
        print('interrupted: what was measured so far is reported')
    print_table(node_report.case_table(results))
    for sentence in node_report.sentences(results):
        print(sentence)
    path = node_report.write_node_report(results, args.out)
    print(f'Made {path} of {len(results)} runs, and node.png beside it.')
    return 0


def _results(args: argparse.Namespace) -> Iterator[Figures]:
    from unihpe_ros.bench.node.cases import overload, soak

    cases = _plan(args)
    with tempfile.TemporaryDirectory(prefix='unihpe_bench_') as folder:
        calm = None
        for figures in _run(cases, args, Path(folder)):
            if calm is None and figures.case.kind == 'node':
                calm = figures
            yield figures
        if calm is None:
            return
        frames = min(args.soak, _QUICK_FRAMES) if args.quick else args.soak
        more = [*overload(calm), *([soak(calm, frames)] if frames else [])]
        yield from _run(more, args, Path(folder))


def _plan(args: argparse.Namespace) -> list[Case]:
    from unihpe_ros.bench.node import cases as node_cases

    sizes = [_size(text) for text in args.size or []]
    transports = [args.transport] if args.transport else node_cases.TRANSPORTS
    if args.quick:
        return node_cases.plan(
            sizes or [node_cases.CASE_SIZES[0], node_cases.CASE_SIZES[-1]],
            transports,
            args.fps or [30.0],
            args.people or [1],
            min(args.seconds, _QUICK_SECONDS),
        )
    return node_cases.plan(
        sizes or node_cases.CASE_SIZES,
        transports,
        args.fps or node_cases.RATES,
        args.people or node_cases.PEOPLE,
        args.seconds,
    )


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r'([1-9]\d{1,3})x([1-9]\d{1,3})', text)
    if found is None:
        raise ValueError(f'--size: expected WIDTHxHEIGHT such as 640x480, got {text!r}')
    return int(found[1]), int(found[2])


def _run(cases: list[Case], args: argparse.Namespace, folder: Path) -> Iterator[Figures]:
    from tqdm import tqdm
    from unihpe_ros.bench.engines.demo_crops import demo_group
    from unihpe_ros.bench.node.node_benchmark import run_case
    from unihpe_ros.visualisation.video import write_picture

    parameters = {'model': args.model, 'backend': args.backend}
    for case in cases:
        width, height = case.size
        picture = folder / f'{width}x{height}_{case.people}.png'
        if not picture.exists():
            write_picture(picture, demo_group(case.size, case.people)[0])
        with tqdm(total=round(case.seconds), desc=case.name, unit='s', leave=False) as bar:

            def show(seconds: float, bar: tqdm[None] = bar) -> None:
                bar.update(round(seconds) - bar.n)

            yield run_case(case, picture, parameters, show)
