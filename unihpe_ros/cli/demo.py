"""`unihpe demo`: run the ROS node on a recording or a webcam."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
import signal
import sys
from typing import Any, TYPE_CHECKING

from unihpe_ros.cli.input_options import add_image_rotation
from unihpe_ros.cli.network_options import add_detector, add_model, add_model_2d
from unihpe_ros.cli.values import check_folder, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unihpe_ros.node_trial.trial import Trial, TrialSettings
    from unihpe_ros.node_trial.trial_report import TrialReport

DEMO_BAG = 'resource/demo/people'
# The recording that ships; the quality keeps it below 10 MB.
DEMO_SECONDS, DEMO_RATE, DEMO_SEED, DEMO_QUALITY = 14.0, 30.0, 11, 70
WEBCAM_SECONDS = 15.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        'demo',
        help='run the ROS node on a recording or a webcam',
        description='Play a recording or a webcam to the ROS node in another process, print speed '
        'and accuracy, and write a video. Needs ROS 2 (rclpy); `unihpe run` does not.',
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--bag', type=Path, help='recording to play (default: the one that ships)')
    source.add_argument('--camera', type=whole(0), metavar='N', help='webcam to use, from 0')
    parser.add_argument(
        '--topic', default='', help='image topic of the bag (default: its only one)'
    )
    add_image_rotation(parser)
    add_model(parser)
    add_model_2d(parser)
    add_detector(parser)
    parser.add_argument(
        '--seconds',
        type=float,
        default=0.0,
        help=f'how long, s (default: all of the bag, {WEBCAM_SECONDS:.0f} of a webcam)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('out/demo'),
        help='folder to write to (default: out/demo)',
    )
    source.add_argument(
        '--make-bag',
        type=Path,
        metavar='BAG',
        help='render the recording that ships, from motion capture, instead of playing it',
    )
    parser.add_argument('--motions', type=Path, help='clips for --make-bag, as of `unihpe render`')
    parser.add_argument('--bodies', type=Path, help='cache of body shapes, for --make-bag')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo; return the exit status."""
    if not (args.seconds >= 0 and math.isfinite(args.seconds)):
        raise ValueError(f'--seconds: expected 0 or more, got {args.seconds}')
    check_folder(args.out).mkdir(parents=True, exist_ok=True)
    # SIGTERM ends the child processes too.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if args.make_bag is not None:
            return _make_bag(args)
        return _play(args)
    finally:
        signal.signal(signal.SIGTERM, before)


def _play(args: argparse.Namespace) -> int:
    # Missing ones are named before anything is started.
    import rclpy  # noqa: F401
    import rosbags  # noqa: F401
    from tqdm import tqdm
    from unihpe_ros.bags.reader import BagReader
    from unihpe_ros.bench.recordings.annotated_video import write_video
    from unihpe_ros.core.resources import find_resource
    from unihpe_ros.engines.model_files import find_model
    from unihpe_ros.node_trial.trial import TrialSettings
    from unihpe_ros.node_trial.trial_report import summarise_trial

    find_model(args.model)
    parameters = {
        'model': args.model,
        'model_2d': _whole_path(args.model_2d),
        'backend': args.backend,
        'detector_model': args.detector,
        'keypoints': 'union26',
        'image_rotation': args.image_rotation,
    }
    rotation = args.image_rotation
    if args.camera is None:
        recording = BagReader(args.bag or find_resource(DEMO_BAG), args.topic, rotation=rotation)
        settings = TrialSettings(
            recording.path, recording.topic, seconds=args.seconds, parameters=parameters
        )
        trial = _run_trial(settings, recording.count)
    else:
        record = args.out / 'recording'
        settings = TrialSettings(
            None,
            device=args.camera,
            record=record,
            seconds=args.seconds or WEBCAM_SECONDS,
            parameters=parameters,
        )
        trial = _run_trial(settings, None)
        recording = BagReader(record, rotation=rotation)
    _print_report(summarise_trial(trial, recording))
    video, sheet = args.out / 'people.mp4', args.out / 'contact_sheet.png'

    def progress(pictures):  # type: ignore[no-untyped-def]
        return tqdm(pictures, 'drawing', len(trial.sent), unit='frame', leave=False)

    answers = {trial.sent[stamp]: poses for stamp, poses in trial.answers.items()}
    last = max(trial.sent.values(), default=-1)
    truth = recording.truth()
    count = write_video(
        video, recording, answers, truth, last=last, sheet=sheet, progress=progress
    )
    print(f'Made {video} ({count} frames with the people found) and {sheet.name}.')
    return 0


def _whole_path(network: str) -> str:
    """Return the path of a network for a node, which may be started elsewhere."""
    if network and not Path(network).is_file():
        raise ValueError(f'--model-2d: expected an ONNX file; there is no {network}')
    return str(Path(network).absolute()) if network else ''


def _run_trial(settings: TrialSettings, frames: int | None) -> Trial:
    from tqdm import tqdm
    from unihpe_ros.node_trial.processes import ProcessError
    from unihpe_ros.node_trial.trial import run_trial

    with tqdm(desc='playing', total=frames, unit='frame', leave=False) as bar:

        def show(sent: int) -> None:
            bar.update(sent - bar.n)

        try:
            trial = run_trial(settings, show)
        except ProcessError as error:
            bar.close()
            print('\n'.join(error.log), file=sys.stderr)
            raise
    if trial.interrupted:
        raise KeyboardInterrupt
    return trial


def _print_report(figures: TrialReport) -> None:
    lost = figures.sent - figures.answered - figures.dropped
    lines = {
        'camera': f'{figures.sent} images at {figures.fps_in:.1f} fps',
        'node': f'{figures.answered} answers at {figures.fps_out:.1f} fps, '
        f'{figures.dropped} dropped, {max(lost, 0)} never received; {figures.backend}',
        'latency': 'image to publish p50 {:.1f} ms, p95 {:.1f} ms; '.format(*figures.latency_ms)
        + 'to arrival in this process p50 {:.1f} ms, p95 {:.1f} ms'.format(*figures.arrival_ms),
        'stages': ', '.join(f'{name} {ms:.2f}' for name, ms in figures.stages_ms.items()) + ' ms',
        'own time': f'{figures.own_ms:.2f} ms in the node outside the engine',
        'people': f'{figures.people:.1f} at a time, {figures.ids} ids',
    }
    if figures.accuracy is not None:
        lines |= _accuracy_lines(figures.accuracy)
    for name, text in lines.items():
        print(f'{name:9}{text}')


def _accuracy_lines(accuracy: Mapping[str, Any]) -> dict[str, str]:
    return {
        'found': '{found} of {people} true people ({recall:.1%}), {extra} false detections, '
        '{id_switches} id switches'.format_map(accuracy),
        'accuracy': 'MPJPE {mpjpe_mm:.1f} mm, PA-MPJPE {pa_mpjpe_mm:.1f} mm, '
        '{error_px:.1f} px in the image, '
        'root off by {root_share:.1%} of its distance'.format_map(accuracy),
    }


def _make_bag(args: argparse.Namespace) -> int:
    import rclpy  # noqa: F401
    import rosbags  # noqa: F401
    from unihpe_ros.cli.rendered_films import write_film
    from unihpe_ros.synthesis.body.body_shapes import load_bodies
    from unihpe_ros.synthesis.motion.motion_bank import motion_folder
    from unihpe_ros.synthesis.samples.demo_film import film_demo

    if args.motions is None:
        raise ValueError('--make-bag: expected --motions as well, a folder of BVH clips')
    seconds = args.seconds or DEMO_SECONDS
    clips = motion_folder(args.motions, args.out / '.motions')
    bodies = load_bodies(args.bodies or args.out / '.bodies.npz')
    film = film_demo(bodies, clips, seconds, DEMO_RATE, DEMO_SEED)
    write_film(args.make_bag, film, round(seconds * DEMO_RATE), DEMO_QUALITY)
    megabytes = sum(file.stat().st_size for file in args.make_bag.iterdir()) / 1e6
    print(f'Made {args.make_bag}: {seconds:g} s of people before a camera, {megabytes:.1f} MB.')
    return 0
