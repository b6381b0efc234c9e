"""`unihpe bench growth`: cost against people, cameras, the picture's size and the rate."""

from __future__ import annotations

import argparse
from dataclasses import asdict
import json

from unihpe_ros.cli.bench_output import add_out, print_table, progress_bar
from unihpe_ros.cli.network_options import add_model
from unihpe_ros.cli.values import check_folder, whole


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        'growth',
        help='measure cost by people, cameras, size of the picture and rate',
        description='Measure the CPU time of the estimator with 1 to 32 people, 1 to 8 cameras, '
        'pictures of 640 to 3840 px and 15 to 120 images a second: a table, a plot and a JSON '
        'file.',
    )
    add_model(parser)
    parser.add_argument(
        '--images', type=whole(1), default=40, metavar='N', help='of each case (default: 40)'
    )
    add_out(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from unihpe_ros.bench.machine import describe_machine
    from unihpe_ros.bench.peers.growth import cases, measure_growth, plot_growth
    from unihpe_ros.core.files import replacing, write_whole

    check_folder(args.out)
    with progress_bar('growth', len(list(cases()))) as step:
        points = measure_growth(args.model, args.backend, args.images, step)
    rows = [['people', 'cameras', 'width [px]', 'images/s', 'CPU ms an image']]
    rows += [
        [*map(str, (one.people, one.cameras, one.width, one.fps)), f'{one.cpu_ms:.2f}']
        for one in points
    ]
    print_table(rows)
    report = {'machine': describe_machine(), 'points': [asdict(one) for one in points]}
    write_whole(args.out / 'growth.json', json.dumps(report, indent=1))
    with replacing(args.out / 'growth.png') as picture:
        plot_growth(points, picture)
    print(f'Made {args.out / "growth.json"} and growth.png beside it.')
    return 0
