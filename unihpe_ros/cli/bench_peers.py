"""`unihpe bench peers`: compare our estimator with MediaPipe and a simple pipeline, in one run."""

from __future__ import annotations

import argparse
from importlib.metadata import PackageNotFoundError, version
import json
from pathlib import Path

from unihpe_ros.cli.bench_output import add_out, print_table, progress_bar
from unihpe_ros.cli.values import check_folder, whole
from unihpe_ros.core.resources import MODEL


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        'peers',
        help='our estimator beside MediaPipe and a plain pipeline',
        description='Run our estimator (fp32, and int8 if unihpe quantise made copies), MediaPipe '
        '(full and lite, if the package mediapipe is installed) and a simple pipeline of detector '
        'and network without tracking on the same film, image by image.',
    )
    add = parser.add_argument
    add('--film', type=Path, help='a recording (default: the rendered demo)')
    add('--model', default=MODEL, help='name of a shipped model, or a path '
        f'(default: {MODEL})')  # fmt: skip
    add('--backend', action='append', help='engines that run ours (default: onnxruntime-cpu, '
        'and openvino if it is installed)')  # fmt: skip
    add('--limit', type=whole(0), default=0, metavar='N', help='images (default: all)')
    add_out(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from unihpe_ros.bags.reader import BagReader
    from unihpe_ros.bench.machine import describe_machine
    from unihpe_ros.bench.peers.comparison import compare_peers, plot_peers
    from unihpe_ros.bench.peers.runners import find_runners
    from unihpe_ros.core.files import replacing, write_whole
    from unihpe_ros.core.resources import find_resource

    check_folder(args.out)
    film = args.film or find_resource('resource/demo/people')
    runners, missing = find_runners(args.model, args.backend or _backends())
    for line in missing:
        print(line)
    if not runners:
        raise ValueError('expected something to compare; nothing could be loaded')
    total = BagReader(film).count
    with progress_bar('peers', min(args.limit or total, total)) as step:
        scores = compare_peers(runners, film, args.limit, step)
    for runner in runners:
        runner.close()
    summaries = [score.summary() for score in scores]
    names = list(summaries[0])
    print_table([names, *([_cell(one[name]) for name in names] for one in summaries)])
    report = {'machine': describe_machine(), 'film': film.name, 'runners': summaries}
    report['left_out'] = missing
    write_whole(args.out / 'peers.json', json.dumps(report, indent=1))
    with replacing(args.out / 'peers.png') as picture:
        plot_peers(scores, picture)
    print(f'Made {args.out / "peers.json"} and peers.png beside it.')
    return 0


def _cell(value: object) -> str:
    return '-' if value is None or value == '' else str(value)


def _backends() -> list[str]:
    try:
        version('openvino')
    except PackageNotFoundError:
        return ['onnxruntime-cpu']
    return ['onnxruntime-cpu', 'openvino']
