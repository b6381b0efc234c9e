"""`unihpe bench tracking`: ids, places, jitter and lag on generated people."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from unihpe_ros.cli.bench_output import add_out, print_table, progress_bar
from unihpe_ros.cli.network_options import add_model
from unihpe_ros.cli.values import above_zero, check_folder, whole


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        'tracking',
        help='measure tracking, 3D placement, jitter and lag on simulated people',
        description='Track simulated people; measure 3D placement at 1 to 6 m, jitter and lag. '
        'ByteTrack is measured beside it if the packages trackers and supervision are installed.',
    )
    add_model(parser)
    parser.add_argument(
        '--seconds', type=above_zero, default=60.0, help='length of each sequence, s (default: 60)'
    )
    parser.add_argument(
        '--sequences',
        type=whole(1),
        default=4,
        metavar='N',
        help='sequences, of 3 to 6 people (default: 4)',
    )
    add_out(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    # Without it nothing can be drawn.
    import matplotlib  # noqa: F401
    from unihpe_ros.bench.tracking import (
        placement_and_jitter as rooms,
        tracking_benchmark as tracking,
        tracking_report,
    )
    from unihpe_ros.estimator import EstimatorSettings, PoseEstimator

    check_folder(args.out)
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
        with progress_bar(
            name, round(args.seconds * tracking.FRAME_RATE) * args.sequences
        ) as step:
            seeds = range(args.sequences)
            scores.append(tracking.follow_crowds(make, name, seeds, args.seconds, lambda: step(1)))
    print_table(tracking_report.tracking_table(scores))
    with progress_bar('places in the room', len(rooms.DISTANCES)) as step:
        errors = rooms.root_errors(estimator, on_distance=lambda: step(1))
    estimator.close()
    print_table(tracking_report.root_table(errors))
    figures = [rooms.steadiness(EstimatorSettings(smoothing=on)) for on in (True, False)]
    print_table(tracking_report.steadiness_table(figures))
    tracking_report.write_figures(args.out, scores, errors, figures)
    print(f'Made {args.out / "tracking.json"} and tracking.png beside it.')
    return 0
