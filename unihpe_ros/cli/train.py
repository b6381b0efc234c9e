"""Train a network from one YAML file."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser('train', help='train a network from one YAML file')
    parser.add_argument('config', type=Path, help='experiment, e.g. config/train/unihpe_rt.yaml')
    parser.add_argument(
        '--out', type=Path, help='folder of the run (default: runs/NAME of the experiment)'
    )
    parser.add_argument('--resume', action='store_true', help="go on from the run's checkpoint")
    parser.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        help='replace a setting of the experiment (value in YAML)',
    )


def run(args: argparse.Namespace) -> int:
    """Train, and say where the checkpoint is."""
    from unihpe_ros.training.config import ConfigError, load_config
    from unihpe_ros.training.train import train
    import yaml

    overrides = {}
    for setting in args.set:
        key, equals, value = setting.partition('=')
        if not equals:
            raise ConfigError(f'--set {setting}: expected KEY=VALUE')
        overrides[key] = yaml.safe_load(value)
    out = args.out or Path('runs') / args.config.stem
    config = load_config(args.config, overrides)
    checkpoint = train(config, out, resume=args.resume)
    print(f'trained {config.steps} steps of {args.config.stem}: {checkpoint}')
    return 0
