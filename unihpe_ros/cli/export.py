"""`unihpe export`: write a checkpoint as ONNX files, two of a UniHPE or one of a detector."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from unihpe_ros.cli.values import check_folder

if TYPE_CHECKING:
    from unihpe_ros.core.model_spec import ModelSpec
    from unihpe_ros.evaluation.detector_calibration import DetectorCalibration
    from unihpe_ros.evaluation.score_calibration import ScoreCalibration
    from unihpe_ros.models.detector_network import DetectorNetwork
    from unihpe_ros.models.unihpe import UniHPE

LICENCE = 'Apache-2.0; data: renderings of Anny (Apache-2.0, CC0) moved by CMU mocap (free use)'


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser('export', help='export a checkpoint to ONNX')
    parser.add_argument(
        'checkpoint',
        type=Path,
        nargs='+',
        help='checkpoint.pt of a run, or an exported model; of several, each of which continued '
        'the one before, the mean of the weights is exported',
    )
    parser.add_argument(
        '--shares',
        type=float,
        nargs='+',
        help='how much each of several counts in the mean (default: all the same)',
    )
    parser.add_argument('--out', type=Path, default=Path(), help='folder to write to (default: .)')
    parser.add_argument('--name', help="name of the model (default: the checkpoint's preset)")
    parser.add_argument(
        '--training',
        help='one line on how the weights were made (default: steps, seed and pictures)',
    )
    parser.add_argument('--licence', help=f'licence of weights and data (default: {LICENCE})')
    parser.add_argument(
        '--lifting-of',
        type=Path,
        metavar='MODEL',
        help='exported model whose image branch the run was started from and left as it is: the '
        'lifting branch alone is written, under its name (default: both branches)',
    )
    parser.add_argument(
        '--padding',
        type=float,
        help="how much larger than a person's box the crops are that the model will be given "
        '(default: as in training)',
    )
    parser.add_argument(
        '--calibrate',
        type=Path,
        metavar='PHOTOS',
        help='held-out people stored by unihpe photos import, on which scores of keypoints, or of '
        "a detector's boxes, are calibrated to be the probability of being right "
        '(default: no calibration)',
    )


def run(args: argparse.Namespace) -> int:
    """Write the files, and print how far their outputs are from PyTorch's."""
    from unihpe_ros.engines.backend_choice import load_engine
    from unihpe_ros.models.detector_network import DetectorNetwork
    from unihpe_ros.models.export import export, export_detector, export_lifting
    from unihpe_ros.training.averaging import average_networks
    from unihpe_ros.training.config import ConfigError

    if args.padding is not None and not 1 <= args.padding <= 2:
        raise ConfigError(f'--padding: expected 1 to 2; got {args.padding}')
    check_folder(args.out)
    averaged = average_networks(args.checkpoint, args.shares)
    model, training = averaged.model, args.training or averaged.training
    _check_options(args, isinstance(model, DetectorNetwork))
    about = (args.out, args.name or model.name, training, args.licence or LICENCE)
    if isinstance(model, DetectorNetwork):
        files = export_detector(model, *about, calibration=_line(model, args.calibrate))
    elif args.lifting_of is not None:
        files = export_lifting(model, args.out, _image_spec(model, args.lifting_of), training)
    else:
        padding = args.padding or averaged.padding
        temperature = _temperature(model, padding, args.calibrate)
        files = export(model, *about, padding=padding, temperature=temperature)
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


def _check_options(args: argparse.Namespace, is_detector: bool) -> None:
    """Refuse options that contradict each other, or the kind of network."""
    from unihpe_ros.training.config import ConfigError

    for option in ('padding', 'lifting_of'):
        if is_detector and getattr(args, option) is not None:
            name = option.replace('_', '-')
            raise ConfigError(f'--{name}: not of a detector, which is given whole pictures')
    for option in ('padding', 'calibrate', 'name', 'licence'):
        if args.lifting_of is not None and getattr(args, option) is not None:
            raise ConfigError(f'--{option}: is that of the image branch; leave it out')


def _image_spec(model: UniHPE, path: Path) -> ModelSpec:
    """Return what an exported image branch says of itself; ConfigError if it is another's."""
    from unihpe_ros.engines.backend_choice import load_engine
    from unihpe_ros.engines.model_files import find_model
    from unihpe_ros.models.onnx_weights import differing
    from unihpe_ros.training.config import ConfigError

    file = find_model(path)['image']
    changed = differing(model, file)
    if changed:
        raise ConfigError(
            f'--lifting-of: {file}: expected the image branch of the checkpoint; '
            f'{len(changed)} weights differ, such as {changed[0]}'
        )
    engine = load_engine(file)
    engine.close()
    return engine.spec


def _temperature(model: UniHPE, padding: float, photos: Path | None) -> float:
    """Return the temperature of the scores: 1, or what some photographs ask for."""
    if photos is None:
        return 1.0
    from unihpe_ros.datasets.photos import Photos
    from unihpe_ros.evaluation.predictor import TorchPredictor
    from unihpe_ros.evaluation.score_calibration import calibrate

    found = calibrate(TorchPredictor(model, padding), Photos(photos))
    _tell(photos, f'SimCC logits times {found.temperature:.2f}', found, 'people')
    return found.temperature


def _line(model: DetectorNetwork, photos: Path | None) -> tuple[float, float]:
    """Return slope and offset of the scores' logits: as they are, or what photographs ask for."""
    if photos is None:
        return 1.0, 0.0
    from unihpe_ros.datasets.photos import PhotoScenes
    from unihpe_ros.evaluation.detection_report import detect_scenes
    from unihpe_ros.evaluation.detector_calibration import calibrate_detector
    from unihpe_ros.training.detection.detector_run import TorchDetector

    found = calibrate_detector(detect_scenes(TorchDetector(model), PhotoScenes(photos)))
    _tell(photos, f'logits times {found.slope:.2f} and {found.offset:+.2f}', found, 'pictures')
    return found.slope, found.offset


def _tell(
    photos: Path, change: str, found: ScoreCalibration | DetectorCalibration, halved: str
) -> None:
    """Print how scores were changed, and their calibration error before and after."""
    print(
        f'calibrated by {photos}: {change}; expected calibration error '
        f'{100 * found.before:.1f} %, {100 * found.after:.1f} % after '
        f'(each half of the {halved} by the other)'
    )
