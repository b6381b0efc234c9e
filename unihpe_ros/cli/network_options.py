"""Options that several subcommands share: which networks run, and on which engine."""

from __future__ import annotations

import argparse

from unihpe_ros.core.resources import DETECTOR, MODEL


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options --model and --backend."""
    parser.add_argument(
        '--model', default=MODEL, help=f'name of a shipped model, or a path (default: {MODEL})'
    )
    parser.add_argument(
        '--backend', default='auto', help='engine that runs the model (default: auto)'
    )


def add_detector(parser: argparse.ArgumentParser) -> None:
    """Add the options --model-2d and --detector: networks that run before the model."""
    parser.add_argument(
        '--model-2d',
        default='',
        metavar='ONNX',
        help='2D network of another maker, whose keypoints the model lifts to 3D (default: none)',
    )
    parser.add_argument(
        '--detector',
        default=DETECTOR,
        metavar='M',
        help=f'name of a shipped detector, or a path (default: {DETECTOR})',
    )
