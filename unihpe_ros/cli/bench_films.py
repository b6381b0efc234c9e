"""`unihpe bench films`: ids of people in rendered films, from the picture on."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unihpe_ros.cli.bench_output import add_out, print_table, progress_bar
from unihpe_ros.cli.network_options import add_model
from unihpe_ros.cli.values import above_zero, check_folder, whole
from unihpe_ros.core.resources import DETECTOR

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from unihpe_ros.bench.tracking.films import FilmScore, Watcher
    from unihpe_ros.estimator import PoseEstimator

# Pictures of each film on the sheet.
_SHOWN = 4


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        'films',
        help='measure tracking on rendered films',
        description='Render films of 3 to 6 people who cross each other, once, and track them '
        'with detector, network and tracker as in the node. ByteTrack is measured beside it, '
        "on the detector's boxes, if the packages trackers and supervision are installed.",
    )
    add = parser.add_argument
    add('--films', type=Path, default=Path('out/films'),
        help='folder of the films; existing ones are not rendered again '
        '(default: out/films)')  # fmt: skip
    add('--motions', type=Path, help='folder (or .tar.xz) with BVH clips, to render films')
    add('--bodies', type=Path, help='cache of body shapes (default: FILMS/.bodies.npz)')
    add_model(parser)
    add('--detector', default=DETECTOR,
        help=f'name of a shipped detector, or a path (default: {DETECTOR})')  # fmt: skip
    add('--seconds', type=above_zero, default=20.0, help='length of each film, s (default: 20)')
    add('--sequences', type=whole(1), default=8, metavar='N', help='films (default: 8)')
    add('--moving-camera', action='store_true',
        help='follow the people of films of a standing camera, and of one that turns and drives, '
        'with its poses and without, instead of comparing with ByteTrack '
        '(default: a standing camera only)')  # fmt: skip
    add_out(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    import rclpy  # noqa: F401
    import rosbags  # noqa: F401
    from unihpe_ros.bench.tracking import films as crowd_films, tracking_report as film_report
    from unihpe_ros.bench.tracking.tracking_benchmark import ByteTrack
    from unihpe_ros.cli.rendered_films import find_films
    from unihpe_ros.detector import PersonDetector
    from unihpe_ros.estimator import PoseEstimator

    check_folder(args.out)
    wanted = (args.films, range(args.sequences), args.seconds, args.motions, args.bodies)
    films = find_films(*wanted)
    moving = find_films(*wanted, is_moving=True) if args.moving_camera else []
    estimator = PoseEstimator(args.model, backend=args.backend, detector=args.detector)
    sheet: list[NDArray[np.uint8]] = []
    scores = [_follow(lambda _: crowd_films.OurWatcher(estimator), 'unihpe_ros', films, sheet)]
    if moving:
        scores[0].name = 'standing camera'
        scores += _follow_moving(estimator, moving, sheet)
    estimator.close()
    if moving:
        print('ByteTrack knows of no camera that moves, and is left out.')
    elif ByteTrack.is_installed():
        detector = PersonDetector(args.detector, backend=args.backend)
        scores.append(
            _follow(lambda _: crowd_films.WatchingByteTrack(detector), ByteTrack.name, films)
        )
        detector.close()
    else:
        print("ByteTrack is left out: pip install 'unihpe_ros[peers]' brings it.")
    print_table(film_report.film_table(scores))
    film_report.write_film_figures(args.out, scores, sheet)
    print(f'Made {args.out / "films.json"} and films.png beside it.')
    return 0


def _follow_moving(
    estimator: PoseEstimator, films: Sequence[Path], sheet: list[NDArray[np.uint8]]
) -> list[FilmScore]:
    """Track the people of films of a moving camera, with its poses and without."""
    from unihpe_ros.bags.camera_tf import read_camera_poses
    from unihpe_ros.bags.reader import BagReader
    from unihpe_ros.bench.tracking.films import OurWatcher

    def told(path: Path) -> Watcher:
        return OurWatcher(estimator, read_camera_poses(BagReader(path)).values())

    return [
        _follow(told, 'moving, poses known', films, sheet),
        _follow(lambda _: OurWatcher(estimator), 'moving, not known', films),
    ]


def _follow(
    make: Callable[[Path], Watcher],
    name: str,
    films: Sequence[Path],
    sheet: list[NDArray[np.uint8]] | None = None,
) -> FilmScore:
    """Track the people of all films; add some of the pictures to the sheet."""
    from unihpe_ros.bags.reader import BagReader
    from unihpe_ros.bench.tracking.films import FilmScore, follow_film
    from unihpe_ros.bench.tracking.tracking_report import draw_ids

    score = FilmScore(name)
    frames = [BagReader(path).count for path in films]
    with progress_bar(name, sum(frames)) as step:
        shown: set[int] = set()

        def show(number: int, image, true, found) -> None:  # type: ignore[no-untyped-def]
            step(1)
            if sheet is not None and number in shown:
                sheet.append(draw_ids(image, true, found))

        for path, count in zip(films, frames, strict=True):
            shown = {count * (2 * part + 1) // (2 * _SHOWN) for part in range(_SHOWN)}
            follow_film(make(path), path, score, show)
    return score
