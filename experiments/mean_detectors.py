"""
Average the weights of two exported detectors, the second of which went on from the first.

What a network learned of one kind of pictures is half forgotten when it goes on with another; the
mean of both keeps more of each (Wortsman et al., CVPR 2022). Convolutions are averaged with their
normalisations folded in.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from unihpe_ros.datasets.photos import PhotoScenes
from unihpe_ros.evaluation.detection_report import detect_scenes
from unihpe_ros.evaluation.detector_calibration import calibrate_detector
from unihpe_ros.models.detector_network import DetectorNetwork
from unihpe_ros.models.export import export_detector
from unihpe_ros.models.onnx_weights import load_exported
from unihpe_ros.training.detection.detector_run import TorchDetector


def read(path: Path) -> dict[str, torch.Tensor]:
    """Return the weights of an exported detector."""
    network = DetectorNetwork('unihpe_det')
    load_exported(network, {'detector': path})
    return network.state_dict()


def main() -> None:
    """Write the mean as an exported detector with calibrated scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('first', type=Path, help='exported without --calibrate')
    parser.add_argument('second', type=Path, help='likewise')
    parser.add_argument('--share', type=float, default=0.7, help='of the second')
    parser.add_argument('--calibrate', type=Path, required=True, help='held-out photographs')
    parser.add_argument('--out', type=Path, required=True, help='folder')
    parser.add_argument('--name', required=True)
    parser.add_argument('--training', required=True)
    parser.add_argument('--licence', required=True)
    args = parser.parse_args()
    first, second = read(args.first), read(args.second)
    network = DetectorNetwork('unihpe_det').eval()
    mean = {
        name: torch.lerp(value, second[name], args.share) if value.is_floating_point() else value
        for name, value in first.items()
    }
    network.load_state_dict(mean)
    found = calibrate_detector(detect_scenes(TorchDetector(network), PhotoScenes(args.calibrate)))
    export_detector(
        network,
        *(args.out, args.name, args.training, args.licence),
        calibration=(found.slope, found.offset),
    )
    print(
        f'mean_detectors: {args.out / args.name}.onnx; logits times {found.slope:.2f} and '
        f'{found.offset:+.2f}; calibration error {100 * found.before:.1f} %, then '
        f'{100 * found.after:.1f} % (halves)'
    )


if __name__ == '__main__':
    main()
