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


def add_model_2d(parser: argparse.ArgumentParser) -> None:
    """Add the option --model-2d: a network that finds the keypoints in the model's place."""
    parser.add_argument(
        '--model-2d',
        default='',
        metavar='ONNX',
        help='2D network of another maker, whose keypoints the model lifts to 3D (default: none)',
    )


def add_detector(parser: argparse.ArgumentParser) -> None:
    """Add the option --detector: the network that finds people."""
    parser.add_argument(
        '--detector',
        default=DETECTOR,
        metavar='M',
        help=f'name of a shipped detector, or a path (default: {DETECTOR})',
    )
