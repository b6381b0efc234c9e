"""`unihpe models`: 2D networks of other makers, looked at before they are used."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import sys
from typing import Any, TYPE_CHECKING

from unihpe_ros.cli.values import check_folder
from unihpe_ros.core.resources import DETECTOR, MODEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from unihpe_ros.core.pose import Poses
    from unihpe_ros.networks_2d.conventions import Conventions

_DEMO_BAG = 'resource/demo/people'
# Of the recording that ships: by then all people are in the picture.
_DEMO_IMAGE = 60


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        'models',
        help='2D networks of other makers: which are known, and whether a file fits',
        description='Bring your own 2D network. Nothing is downloaded.',
    )
    commands = parser.add_subparsers(dest='models_command', metavar='COMMAND', required=True)
    commands.add_parser('list', help='networks that are known, with their licences')
    added = commands.add_parser(
        'add',
        help='check a file on a picture, and store its conventions',
        description='Recognise a network by its inputs and outputs, find the people of a picture '
        'with it, draw them, and write what its tensors do not tell into FILE.unihpe.json.',
    )
    added.add_argument('file', type=Path, help='the ONNX file')
    added.add_argument(
        '--picture', type=Path, help='picture with people (default: one of the demo recording)'
    )
    added.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='NAME=VALUE',
        help='what the file does not tell: keypoint_set, input_size, channels, mean, std, '
        'padding, heatmap_grid, place, fill or even_score; may be given several times',
    )
    added.add_argument('--model', default=MODEL, help=f'model that lifts (default: {MODEL})')
    added.add_argument(
        '--detector',
        default=DETECTOR,
        help=f'detector for networks that read crops (default: {DETECTOR})',
    )
    added.add_argument('--backend', default='auto', help='engine that runs it (default: auto)')
    added.add_argument(
        '--out',
        type=Path,
        default=Path('out/models'),
        help='folder for the drawn picture (default: out/models)',
    )


def run(args: argparse.Namespace) -> int:
    """Run the part of the command; return the exit status."""
    return run_list(args) if args.models_command == 'list' else run_add(args)


def run_list(args: argparse.Namespace) -> int:
    """Print the networks that are known."""
    del args
    from unihpe_ros.networks_2d.known_networks import KNOWN

    for one in KNOWN:
        print(f'{one.name}: {one.family}; {one.keypoints}; {one.licence}; {one.published}')
        if one.settle:
            print(f'    unihpe models add FILE {one.settle}')
    print('Licences are those of the weights as their makers state them; nothing is downloaded.')
    return 0


def run_add(args: argparse.Namespace) -> int:
    """Check a network, draw what it finds, and write its conventions."""
    import cv2
    from unihpe_ros.core.files import write_whole
    from unihpe_ros.networks_2d.conventions import conventions_file, read_settled
    from unihpe_ros.visualisation.skeletons import draw_poses

    check_folder(args.out)
    image = _picture(args.picture)
    target = conventions_file(args.file)
    before = target.read_bytes() if target.is_file() else None
    settled = {**read_settled(args.file), **dict(map(_value, args.set))}
    try:
        if settled:
            write_whole(target, json.dumps(settled))
        conventions, family, poses = _look(args, image)
    except BaseException:
        # Nothing is settled by a check that failed.
        if before is not None:
            write_whole(target, before)
        else:
            target.unlink(missing_ok=True)
        raise
    write_whole(target, conventions.to_json())
    args.out.mkdir(parents=True, exist_ok=True)
    drawn = args.out / f'{args.file.stem}.png'
    write_whole(drawn, cv2.imencode('.png', draw_poses(image, poses))[1].tobytes())
    (w, h), sure = conventions.input_size, poses.scores[poses.scores > 0]
    print(f'{args.file}: {family}, {conventions.keypoint_set}, {w}x{h} px')
    print(f'It finds {len(poses)} people{f"; mean score {sure.mean():.2f}" if len(sure) else ""}.')
    print(f'Made {target}. Look at {drawn}: are keypoints where they should be, left and right?')
    if not len(poses):
        print(
            'unihpe models: error: nobody was found; expected a picture of people, or other '
            'values by --set',
            file=sys.stderr,
        )
    return 0 if len(poses) else 1


def _look(args: argparse.Namespace, image: NDArray[np.uint8]) -> tuple[Conventions, str, Poses]:
    """Return the conventions of a network, its family, and the people that it finds."""
    from contextlib import closing

    from unihpe_ros.estimator import PoseEstimator
    from unihpe_ros.networks_2d.networks import open_network

    network = open_network(args.file, backend=args.backend, max_people=1)
    network.graph.close()
    estimator = PoseEstimator(
        args.model, backend=args.backend, detector=args.detector, model_2d=args.file
    )
    with closing(estimator):
        poses = estimator.estimate_image(image)
    return network.conventions, network.family.name, poses


def _picture(path: Path | None) -> NDArray[np.uint8]:
    import cv2

    if path is not None:
        read = cv2.imread(str(path))
        if read is None:
            raise ValueError(f'--picture: expected a picture that OpenCV reads; got {path}')
        return read  # type: ignore[return-value]
    import itertools

    from unihpe_ros.bags.reader import BagReader
    from unihpe_ros.core.resources import find_resource

    images = BagReader(find_resource(_DEMO_BAG), '').images()
    return next(itertools.islice(images, _DEMO_IMAGE, None)).decode()


def _value(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE: numbers, several with commas between, or words."""
    name, found, given = text.partition('=')
    if not found:
        raise ValueError(f'--set: expected NAME=VALUE; got {text!r}')
    try:
        values = json.loads(f'[{given}]')
    except json.JSONDecodeError:
        return name, given
    return name, values[0] if len(values) == 1 else values
